"""``nexio radius test`` without a server; with one it is in ``test_main_job.py``."""

from __future__ import annotations

import pytest

from tests.support.cli.programs import free_port
from tests.support.cli.running import Nexio

TEST = ["radius", "test", "zoe@example.com", "048215"]


def test_nobody_answers(sqlite_desk: Nexio) -> None:
    """Exit 5, and neither PIN nor secret is in the message."""
    words = ["--secret", "a secret of ours", "--port", str(free_port())]
    said = sqlite_desk(*TEST, *words).refused(5)
    assert "048215" not in said
    assert "a secret of ours" not in said


def test_no_secret_to_ask_with(sqlite_desk: Nexio) -> None:
    """Exit 2, and the command that makes one."""
    assert "nexio nas add this-machine 127.0.0.1" in sqlite_desk(*TEST).refused(2)
    assert "nexio nas add this-machine ::1" in sqlite_desk(*TEST, "--server", "::1").refused(2)


def test_a_nas_that_is_not_there(sqlite_desk: Nexio) -> None:
    """Exit 3."""
    assert "nexio nas list" in sqlite_desk(*TEST, "--nas", "lobby").refused(3)


@pytest.mark.parametrize("words", [["--port", "65536"], ["--port", "0"], ["--port", "radius"]])
def test_what_is_no_port(words: list[str], sqlite_desk: Nexio) -> None:
    """Exit 2."""
    sqlite_desk(*TEST, *words).refused(2)
