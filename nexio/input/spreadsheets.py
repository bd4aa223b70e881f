"""Reads spreadsheets saved as CSV by Excel and similar programs.

UTF-8 with or without a byte order mark, UTF-16, comma, semicolon or tab, line breaks in quotes.
Files are read row by row, as they may be larger than the memory.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from nexio.errors import InvalidValue
from nexio.input.names import quoted

_HEAD: Final = 4096
_SEPARATORS: Final = (",", ";", "\t")
_LONGEST_HEADER: Final = 20
"""Lines; a longer header has a quote that is never closed."""

_FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""The start of a cell that a spreadsheet takes for a formula (OWASP: CSV injection)."""

_NOT_READ = re.compile("[\ufffd\udc80-\udcff]")
"""Characters that replace octets that could not be decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A row that is not empty."""

    line: int
    """Where it begins; the header is line 1."""

    cells: Mapping[str, str] = field(repr=False)
    """Cells by column name; missing cells are left out."""

    fault: InvalidValue | None = None
    """Why its cells cannot be read, if so."""


def read_rows(file: BinaryIO, columns: Mapping[str, str]) -> Iterator[SheetRow]:
    """Read the rows of a sheet whose first row names its columns.

    Args:
        file: at its beginning.
        columns: possible headings, in lower case with blanks between the words, and the name of
            the column in the result.

    Raises:
        InvalidValue: it has no header, or the header names a column twice or an unknown one.
    """
    encoding, errors = _encoding_of(file)
    text = io.TextIOWrapper(file, encoding, errors, newline="")
    try:
        before, header = _read_header(text)
        separator = _separator_of(header, columns)
        reader = csv.reader(itertools.chain(header, text), delimiter=separator, strict=True)
        names = _names_of(_cells(reader), columns)
        while True:
            line = before + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = InvalidValue(f"it is no CSV: {error}", "Look for a quote that is missing.")
                yield SheetRow(line=line, cells={}, fault=reason)
                continue
            if any(cell.strip() for cell in cells):
                yield _row(line, cells, names)
    finally:
        text.detach()


def neutral(text: str) -> str:
    """Escape a cell, so that no spreadsheet takes it for a formula: an apostrophe makes it text."""
    return f"'{text}" if _FORMULA.match(text) else text


def _original(cell: str) -> str:
    """Undo :func:`neutral`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _encoding_of(file: BinaryIO) -> tuple[str, str]:
    """The encoding, and the error handler for octets that do not fit it."""
    head = file.read(_HEAD)
    file.seek(0)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "replace"
    # Every second octet of Latin letters in UTF-16 is zero; text in UTF-8 has no zeros.
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le", "replace"
    if head[::2].count(0) > len(head) // 4:
        return "utf-16-be", "replace"
    return "utf-8-sig", "surrogateescape"


def _read_header(text: io.TextIOWrapper) -> tuple[int, list[str]]:
    """The number of lines before the header, and the lines of the header."""
    first = text.readline(_HEAD)
    before = 0
    if re.fullmatch(r"sep=[,;\t]\r?\n?", first, re.IGNORECASE):  # only Excel uses it
        before, first = 1, text.readline(_HEAD)
    lines = [first]
    while "".join(lines).count('"') % 2 and len(lines) < _LONGEST_HEADER:
        lines.append(text.readline(_HEAD))
    return before, lines


def _separator_of(header: Sequence[str], columns: Mapping[str, str]) -> str:
    def known(separator: str) -> tuple[int, int]:
        cells = _cells(csv.reader(header, delimiter=separator))
        return sum(_key(cell) in columns for cell in cells), len(cells)

    return max(_SEPARATORS, key=known)


def _cells(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader, [])
    except csv.Error as error:
        raise InvalidValue(
            f"the header is no CSV: {error}", "Save the sheet as CSV, and name it then."
        ) from error


def _names_of(header: Sequence[str], columns: Mapping[str, str]) -> list[str | None]:
    known = f"The columns are: {', '.join(dict.fromkeys(columns.values()))}."
    if not any(cell.strip() for cell in header):
        raise InvalidValue("the file is empty", f"Name the columns in the first row. {known}")
    names = [columns.get(_key(cell)) for cell in header]
    for name, cell in zip(names, header, strict=True):
        if not "".join(cell.split()).isprintable():
            raise InvalidValue("this is no CSV", "Save the sheet as CSV, and name it then.")
        if name is None and cell.strip():
            raise InvalidValue(f"there is no column {quoted(cell.strip())}", known)
        if name is not None and names.count(name) > 1:
            raise InvalidValue(f"the column {name} is there twice", "Leave one of them out.")
    return names


def _key(cell: str) -> str:
    return " ".join(re.split(r"[\s_-]+", cell.strip().lower()))


def _row(line: int, cells: Sequence[str], names: Sequence[str | None]) -> SheetRow:
    fault = None
    if any(map(_NOT_READ.search, cells)):
        fault = InvalidValue("it holds what is not UTF-8", 'Save the sheet as "CSV UTF-8".')
    elif any(
        cell.strip()
        for number, cell in enumerate(cells)
        if number >= len(names) or names[number] is None
    ):
        fault = InvalidValue(
            "it has more cells than there are columns",
            "A cell with a separator in it stands in quotes.",
        )
    known = zip(names, map(_original, cells), strict=False)
    return SheetRow(line=line, cells={name: cell for name, cell in known if name}, fault=fault)
