"""Lines of a server's log."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from nexio.log_lines import formatter_of
from nexio.server_options import JSON, TEXT


def record_of(message: str, *values: Any, fails: bool = False) -> logging.LogRecord:
    """What a line is made of."""
    fault = None
    if fails:
        try:
            int("of ours")
        except ValueError:
            fault = sys.exc_info()
    made = logging.LogRecord("nexio.here", logging.WARNING, "", 0, message, values, fault)
    made.created = 1_795_770_000.5
    return made


def test_an_object_a_line() -> None:
    """The time in UTC, and the message with its values."""
    line = formatter_of(JSON).format(record_of("not following the store: %s", "away"))
    assert json.loads(line) == {
        "at": "2026-11-27T09:00:00.500+00:00",
        "level": "warning",
        "logger": "nexio.here",
        "process": record_of("").process,
        "message": "not following the store: away",
    }


@pytest.mark.parametrize("text", ["two\nlines", 'a "quote"', "Zoë Nguyễn", "\x1b[31m\x00\u2028"])
def test_one_line_whatever_is_in_it(text: str) -> None:
    """Nobody can forge another line by what they call themselves."""
    line = formatter_of(JSON).format(record_of("%s", text))
    assert line.splitlines() == [line]
    assert line.isprintable()
    assert json.loads(line)["message"] == text


def test_a_fault_of_ours() -> None:
    """With its traceback, in the same line."""
    line = json.loads(formatter_of(JSON).format(record_of("a fault", fails=True)))
    assert line["exception"].endswith("invalid literal for int() with base 10: 'of ours'")


def test_text() -> None:
    """As it always was."""
    line = formatter_of(TEXT).format(record_of("a warning"))
    assert line.endswith(" WARNING a warning")
