"""Spreadsheets as Excel and its like save them as CSV."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.spreadsheets import neutral, read_rows

COLUMNS = {"first name": "first_name", "e mail": "email", "email": "email", "notes": "notes"}
TEXT = 'First Name,E-mail,Notes\r\nZoë,zoe@example.com,"by train,\r\nthen on foot"\r\nAda,,\r\n'
ROWS = [
    (2, {"first_name": "Zoë", "email": "zoe@example.com", "notes": "by train,\r\nthen on foot"}),
    (4, {"first_name": "Ada", "email": "", "notes": ""}),
]


def read(octets: bytes) -> list[tuple[int, dict[str, str]]]:
    """Line and cells of each row."""
    rows = list(read_rows(io.BytesIO(octets), COLUMNS))
    assert all(row.fault is None for row in rows), rows
    return [(row.line, dict(row.cells)) for row in rows]


def faults(octets: bytes) -> list[tuple[int, str]]:
    """Line and reason of each row that cannot be read."""
    return [
        (row.line, str(row.fault))
        for row in read_rows(io.BytesIO(octets), COLUMNS)
        if row.fault is not None
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    """With a byte order mark or without."""
    assert read(TEXT.encode(encoding)) == ROWS


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_separators_and_line_breaks(separator: str, line_break: str) -> None:
    """By what the header has; a line break in quotes is of the cell."""
    text = 'first name;email;notes\nZoë;z@example.com;"two\nlines"\n;;\n\nAda;a@example.com;\n'
    found = read(text.replace(";", separator).replace("\n", line_break).encode())
    assert [line for line, _ in found] == [2, 6]
    assert found[0][1]["notes"] == f"two{line_break}lines"


def test_what_excel_puts_before_the_header() -> None:
    """Its name for the separator."""
    assert read(b"sep=;\nfirst name;email\nAda;a@example.com\n") == [
        (3, {"first_name": "Ada", "email": "a@example.com"})
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("first name,shoe size\n", 'there is no column "shoe size"'),
        ("PK\x03\x04\x14,\x06", "this is no CSV"),
        ("first name,First-Name\n", "the column first_name is there twice"),
        ('"first name\n' * 30, 'there is no column "first name'),
    ],
)
def test_an_odd_header(text: str, message: str) -> None:
    """The advice names the columns, or what to do."""
    with pytest.raises(InvalidValue) as caught:
        list(read_rows(io.BytesIO(text.encode()), COLUMNS))
    assert str(caught.value).startswith(message) or "no CSV" in str(caught.value)
    assert caught.value.advice


def test_rows_that_cannot_be_read() -> None:
    """Each with its line; the others are read."""
    octets = b'first name,email\nZo\xeb,a@example.com\nAda,b,c\n"Bob"x,b\nEve,e@example.com\n"Ann,x'
    assert [line for line, _ in faults(octets)] == [2, 3, 4, 6]
    assert "not UTF-8" in faults(octets)[0][1]
    whole = [row for row in read_rows(io.BytesIO(octets), COLUMNS) if row.fault is None]
    assert [row.cells["first_name"] for row in whole] == ["Eve"]


def test_cells_without_a_column_may_be_empty() -> None:
    """Separators at the end of a line are no cells."""
    assert len(read(b"first name,email,,\nAda,a@example.com,,,,\nEve\n")) == 2


@pytest.mark.parametrize("cell", ["=1+1", "+49 30 1", "-x", "@x", "'=1", "''+", "'Abd", "\t=1", ""])
def test_a_formula_comes_back_as_it_was(cell: str) -> None:
    """An apostrophe in front is taken off only where one was put."""
    assert neutral(cell)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["notes"], [neutral(cell) or '""']])
    rows = list(read_rows(io.BytesIO(file.getvalue().encode()), COLUMNS))
    assert [row.cells["notes"] for row in rows] == [cell or '""']


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_what_is_written_is_read(rows: list[tuple[str, str]]) -> None:
    """Whatever stands in a cell, but octets that are no text."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["notes", "email"])
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    writer.writerows([list(map(neutral, row)) for row in kept])
    try:
        octets = file.getvalue().encode()
    except UnicodeEncodeError:
        return
    found = list(read_rows(io.BytesIO(octets), COLUMNS))
    assert [tuple(row.cells.values()) for row in found if row.fault is None] == [
        row for row in kept if "\ufffd" not in "".join(row)
    ]


@given(st.binary(max_size=200))
def test_any_octets_are_rows_or_an_invalid_value(octets: bytes) -> None:
    """And never another exception."""
    try:
        list(read_rows(io.BytesIO(octets), COLUMNS))
        list(read_rows(io.BytesIO(b"email\n" + octets), COLUMNS))
    except InvalidValue:
        return
