"""FreeRADIUS's own dictionary."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

DICTIONARY = Path("/usr/share/freeradius/dictionary")
"""From the package freeradius-common."""

_INCLUDE = re.compile(r"\$INCLUDE\s+(\S+)")
_VENDOR = re.compile(r"VENDOR\s+(\S+)\s+(\d+)")
_SECTION = re.compile(r"(BEGIN|END)-VENDOR\s+(\S+)")
_ATTRIBUTE = re.compile(r"ATTRIBUTE\s+(\S+)\s+(\d+)\s+(\S+)")
_VALUE = re.compile(r"VALUE\s+(\S+)\s+(\S+)\s+(\d+)\s")


class Names(NamedTuple):
    """FreeRADIUS's names of attributes and values."""

    attributes: dict[str, tuple[int, str]]
    """Number and type by name, without those of vendors."""

    of_vendors: dict[str, tuple[int, int, str]]
    """Number of the vendor, number and type by name."""

    vendors: dict[str, int]
    """Their numbers by name."""

    values: dict[str, dict[int, str]]
    """Names by attribute and number; FreeRADIUS shows the last of several."""


@cache
def dictionary() -> Names:
    """FreeRADIUS's dictionary, read in FreeRADIUS's order."""
    names = Names({}, {}, {}, {})
    _read(DICTIONARY, names)
    return names


def _read(path: Path, names: Names) -> None:
    vendor = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := _VENDOR.match(line):
            names.vendors[found[1]] = int(found[2])
        elif found := _SECTION.match(line):
            vendor = found[2] if found[1] == "BEGIN" else ""
        elif found := _INCLUDE.match(line):
            _read(path.parent / found[1], names)
        elif (found := _ATTRIBUTE.match(line)) and vendor:
            names.of_vendors[found[1]] = (names.vendors[vendor], int(found[2]), found[3])
        elif found:
            names.attributes[found[1]] = (int(found[2]), found[3])
        elif found := _VALUE.match(f"{line} "):
            names.values.setdefault(found[1], {})[int(found[3])] = found[2]
