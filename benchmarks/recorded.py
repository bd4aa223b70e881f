"""Checks what our own servers recorded: every guess was checked, and none is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

NEXIO: Final = Path(sys.executable).with_name("nexio")
LATEST: Final = 1_000
"""How many decisions to read."""


def check_guesses(home: Path, guesses: int) -> None:
    """Check that the latest decisions are so many wrong PINs.

    If the guard had refused some unchecked, our server would have had less to do than others.

    Args:
        home: ``NEXIO_HOME`` of the server.
        guesses: the number of guesses that were sent last.

    Raises:
        RuntimeError: some are something else, or are not there.
    """
    last = min(guesses, LATEST)
    reasons = latest_reasons(home, last)
    if reasons != {"wrong PIN": last}:
        raise RuntimeError(f"of the {last} latest guesses the log says: {dict(reasons)}")


def latest_reasons(home: Path, last: int) -> Counter[str]:
    """The number of each reason in the latest decisions."""
    environment = {"PATH": os.environ["PATH"], "NEXIO_HOME": str(home)}
    output = subprocess.run(
        [NEXIO, "log", "--last", str(last), "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return Counter(each["reason"] for each in json.loads(output))
