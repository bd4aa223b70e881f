"""Programs that the tests start can be stopped as at a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SHOW = """\
import signal, subprocess
from tests.support.signals import start_children_with_default_signals
start_children_with_default_signals()
signal.raise_signal(signal.SIGHUP)
subprocess.run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], check=True)
"""


@pytest.mark.parametrize(
    "inherited",
    [(), ("--ignore-signal=INT,QUIT,HUP,TERM,CHLD", "--block-signal=INT,TERM,USR1")],
    ids=["nothing", "ignored-and-blocked"],
)
def test_children_inherit_no_handling(programs: None, inherited: tuple[str, ...]) -> None:
    """As in the background or under nohup: ignored here, which a hang-up shows, not in a child."""
    started_by = ["env", "--default-signal=PIPE", "--ignore-signal=HUP", *inherited]
    shown = subprocess.check_output([*started_by, sys.executable, "-c", SHOW], cwd=ROOT, text=True)
    _, blocked, _, ignored = shown.split()
    # Signal 32 is glibc's own: its posix_spawn ignores it in each child.
    assert (int(blocked, 16), int(ignored, 16) & ~(1 << 31)) == (0, 0)
