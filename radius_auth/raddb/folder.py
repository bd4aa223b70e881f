"""Finds FreeRADIUS's configuration, and reads it line by line.

This is no full parser of FreeRADIUS's language: it understands comments, ``name = value``, and
where a section begins and ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexio.errors import NotFound
from nexio.installing.changes import unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES: Final = (Path("/etc/freeradius/3.0"), Path("/etc/freeradius"), Path("/etc/raddb"))
MAIN: Final = "radiusd.conf"

_COMMENT: Final = re.compile(r"(^|\s)#.*")
_LOADED: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""FreeRADIUS loads the files of a folder that have such a name."""

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that is neither empty nor a comment."""

    sections: tuple[str, ...]
    """The first lines of the sections around it, the outermost first."""

    name: str
    value: str | None = None
    """None where the line calls a module or begins a section."""


def find_raddb(named: Path | None) -> Path:
    """The named folder, or else the one that exists.

    Raises:
        NotFound: no configuration of FreeRADIUS there.
        Unreachable: we may not read its folder.
    """
    for folder in PLACES if named is None else (named,):
        try:
            if (folder / MAIN).is_file():
                return folder.resolve()
        except OSError as error:
            raise unreachable(folder, error) from error
    raise NotFound(
        f"there is no configuration of FreeRADIUS in {PLACES[0] if named is None else named}",
        "Install it (apt-get install freeradius freeradius-python3), or name its folder: --raddb",
    )


def read_lines(path: Path) -> list[Line]:
    """The lines of a configuration file.

    Raises:
        Unreachable: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise unreachable(path, error) from error
    return list(_lines(text))


def _lines(text: str) -> Iterator[Line]:
    sections: list[str] = []
    for written in text.splitlines():
        line = _COMMENT.sub("", written).strip()
        while line.startswith("}"):
            del sections[-1:]
            line = line[1:].strip()
        if line.endswith("{"):
            name = line[:-1].strip()
            yield Line(sections=tuple(sections), name=name)
            sections.append(name)
        elif line:
            name, equals, value = line.partition("=")
            unquoted = value.strip().strip("\"'") if equals else None
            yield Line(sections=tuple(sections), name=name.strip(" \t:+"), value=unquoted)


def enabled(folder: Path, kind: str) -> list[Path]:
    """The files that FreeRADIUS loads.

    Args:
        folder: raddb.
        kind: ``mods-enabled`` or ``sites-enabled``.

    Raises:
        Unreachable: the folder cannot be read.
    """
    try:
        there = sorted((folder / kind).iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreachable(folder / kind, error) from error
    return [path for path in there if path.is_file() and _LOADED.fullmatch(path.name)]


def find_setting(folder: Path, name: str, *sections: str) -> str | None:
    """The value of a setting in the main file, expanded."""
    for line in read_lines(folder / MAIN):
        if (line.name, line.sections) == (name, sections) and line.value is not None:
            return expanded(folder, line.value)
    return None


def expanded(folder: Path, value: str) -> str:
    """A value in which each ``${…}`` that the main file sets is replaced."""
    lines = read_lines(folder / MAIN)
    known = {line.name: line.value for line in lines if not line.sections and line.value}
    before = ""
    while value != before:
        before = value
        value = _VARIABLE.sub(lambda found: known.get(found[1]) or found[0], value)
    return value


def other_python(folder: Path) -> list[str]:
    """Files with a python3 module that is not ours; FreeRADIUS can have only one such module."""
    files = [path for path in enabled(folder, "mods-enabled") if path.name != "nexio"]
    return [
        str(path.relative_to(folder))
        for path in (*files, folder / MAIN)
        if any(
            line.value is None and line.name.split()[:1] == ["python3"] for line in read_lines(path)
        )
    ]
