"""Measures commands: small ones against SQLAlchemy's own start, large ones at a large house.

``python -m benchmarks.commands`` prints it; ``make bench`` measures the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.crowd import fill
from nexio.configuration import Configuration
from nexio.store.creation import create_store
from tests.support.radius.radiusd import environment_of

SMALL: Final = ("visitor list --limit 20", "visitor show 1", "settings show")

NEXIO: Final = Path(sys.executable).with_name("nexio")


def measure(visitors: int, rounds: int) -> dict[str, float]:
    """CPU by command: of small ones as a multiple of SQLAlchemy's start, of large ones in seconds.

    Args:
        visitors: how many are expected at the house, on SQLite.
        rounds: of each small command, in turn with SQLAlchemy's start; the median counts.
    """
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as home:
        configuration = Configuration.from_environment({"NEXIO_HOME": home})
        create_store(configuration)
        fill(configuration, visitors)
        variables = environment_of(configuration)

        def cpu_of(*words: str | Path) -> float:
            return _cpu_of([str(word) for word in words], variables)

        alone = [sys.executable, "-c", "import sqlalchemy.orm"]
        found = {
            words: median(cpu_of(NEXIO, *words.split()) / cpu_of(*alone) for _ in range(rounds))
            for words in SMALL
        }
        numbers = [str(number) for number in range(1, visitors + 1)]
        found["visitor list --json"] = cpu_of(NEXIO, "visitor", "list", "--json")
        found["visitor reissue"] = cpu_of(NEXIO, "visitor", "reissue", "--yes", *numbers)
        found["token off --revoke"] = cpu_of(NEXIO, "token", "off", "--revoke", "--yes")
        return found | {"visitors": float(visitors), "reissued": float(len(numbers))}


def words(found: Mapping[str, float]) -> str:
    """The results as text."""
    small = ", ".join(f"`nexio {each}` {found[each]:.2f}" for each in SMALL)
    return (
        "CPU of a command, as a multiple of what `python -c 'import sqlalchemy.orm'` takes beside"
        f" it: {small}. At a house with {found['visitors']:,.0f} visitors to come, on SQLite:"
        f" `visitor list --json` takes {found['visitor list --json']:.1f} s of CPU, `token off"
        f" --revoke` {found['token off --revoke']:.1f} s, and `visitor reissue` of"
        f" {found['reissued']:,.0f} of them {found['visitor reissue']:.1f} s."
    )


def _cpu_of(command: list[str], variables: Mapping[str, str]) -> float:
    """Seconds that a program takes, of the processor alone.

    Raises:
        RuntimeError: it fails.
    """
    process = subprocess.Popen(
        command, env=dict(variables), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    print(words(measure(20_000, 5)))
