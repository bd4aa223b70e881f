"""What a table holds when somebody takes it into a spreadsheet."""

from __future__ import annotations

import pytest

from nexio_cli.terminal.output import plain_cell
from tests.support.cli.running import Nexio

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)"]


@pytest.mark.parametrize("text", [*FORMULAS, "\t=1", "\r=1"])
def test_a_cell_is_no_formula(text: str) -> None:
    """An apostrophe in front makes it text; other cells stay as they are."""
    assert plain_cell(text) == f"'{text}"
    assert plain_cell(f"a{text}") == f"a{text}"
    assert plain_cell("") == ""


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_list_holds_a_formula(sqlite_desk: Nexio, formula: str) -> None:
    """Tables in a pipe are neutralised; JSON stays exact."""
    visit = sqlite_desk.register(f"--host={formula}")
    assert visit["host"] == formula
    sqlite_desk.done("checkin", "--visit", "1")
    for words in (["visitor", "list"], ["checkin", "list"], ["checkin", "list", "--open"]):
        cells = [line.split("\t") for line in sqlite_desk.done(*words).out.splitlines()]
        assert any(f"'{formula}" in row for row in cells), words
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in cells for cell in row)
    assert sqlite_desk.done("visitor", "list", "--json").json[0]["host"] == formula
