"""What a table holds when somebody takes it into a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from nexio_cli.terminal import output
from nexio_cli.terminal.output import PART, plain_cell
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


MANY = 2 * PART + 1


@pytest.mark.parametrize("as_json", [True, False])
def test_the_first_of_many_are_printed_before_the_last_are_read(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list is never held as a whole."""
    printed: list[str] = []

    def read() -> Iterator[int]:
        for number in range(MANY):
            printed[:] = [*printed, capsys.readouterr().out] if number % PART == 0 else printed
            yield number

    _print(read(), as_json=as_json)
    assert printed[0] == ""
    assert str(PART - 1) in printed[1]
    assert str(2 * PART - 1) in printed[2]


@pytest.mark.parametrize("count", [0, 1, PART, MANY])
def test_a_list_in_parts_reads_as_one(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The same JSON to the letter, and one header."""
    _print(range(count), as_json=True)
    shapes = [{"id": number, "text": "a\nb"} for number in range(count)]
    assert capsys.readouterr().out == json.dumps(shapes, indent=2) + "\n"
    _print(range(count), as_json=False)
    told = capsys.readouterr()
    assert told.out.splitlines() == ["id", *map(str, range(count))]
    assert told.err == ("" if count else "Nothing.\n")


def _print(numbers: Any, *, as_json: bool) -> None:
    def shape(number: int) -> Any:
        return {"id": number, "text": "a\nb"}

    def row(number: int) -> list[str]:
        return [str(number)]

    output.print_list(numbers, shape, ["id"], row, "Nothing.", as_json=as_json)


def test_what_goes_wrong_at_once_stands_alone(sqlite_desk: Nexio) -> None:
    """No header and no bracket before an error."""
    for more in ([], ["--json"]):
        ran = sqlite_desk("visitor", "list", "--after", "7", *more)
        assert (ran.exit_code, ran.out) == (3, "")
