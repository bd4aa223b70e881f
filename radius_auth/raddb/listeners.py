"""Which sites listen where."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from radius_auth.raddb.folder import enabled, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radius_auth.raddb.folder import Line

PORTS: Final = {"auth": "1812", "acct": "1813", "status": "1812", "coa": "3799"}
"""Where it listens that names no port, or 0."""

_EVERYWHERE: Final = frozenset({"*", "0.0.0.0", "::"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One section ``listen``."""

    family: str
    address: str
    port: str

    def clashes(self, other: Listener) -> bool:
        """Whether both cannot be there at once."""
        same = (self.family, self.port) == (other.family, other.port)
        anywhere = not _EVERYWHERE.isdisjoint({self.address, other.address})
        return same and (anywhere or self.address == other.address)


def clashes(folder: Path) -> list[str]:
    """The enabled sites that listen where one of ours does."""
    sites = {path: list(_listeners(path)) for path in enabled(folder, "sites-enabled")}
    ours = sites.pop(folder / "sites-enabled" / "nexio", [])
    return [
        str(path.relative_to(folder))
        for path, others in sites.items()
        if any(one.clashes(other) for one in ours for other in others)
    ]


def _listeners(path: Path) -> Iterator[Listener]:
    for inside, lines in groupby(read_lines(path), key=_is_in_listen):
        if inside:
            yield from _read({line.name: line.value for line in lines if line.value is not None})


def _is_in_listen(line: Line) -> bool:
    return any(section.split()[:1] == ["listen"] for section in line.sections)


def _read(settings: dict[str, str]) -> Iterator[Listener]:
    family = "6" if "ipv6addr" in settings else "4"
    address = settings.get("ipv6addr") or settings.get("ipaddr") or settings.get("ipv4addr") or "*"
    for kind in settings.get("type", "").split("+"):
        port = settings.get("port", "0")
        if kind in PORTS:
            yield Listener(
                family=family, address=address, port=PORTS[kind] if port == "0" else port
            )
