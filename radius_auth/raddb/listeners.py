"""Finds the addresses and ports on which FreeRADIUS's sites listen."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from radius_auth.raddb.folder import enabled, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radius_auth.raddb.folder import Line

PORTS: Final = {"auth": "1812", "acct": "1813", "status": "1812", "coa": "3799"}
"""The port of each type where a section names none or 0."""

_EVERYWHERE: Final = frozenset({"*", "0.0.0.0", "::"})


class Listener(NamedTuple):
    """One ``listen`` section."""

    is_ipv6: bool
    port: str
    address: str
    kind: str
    """``auth``, ``acct`` and so on."""

    def clashes(self, other: Listener) -> bool:
        """Whether the two cannot listen at the same time."""
        addresses = {self.address, other.address}
        anywhere = not _EVERYWHERE.isdisjoint(addresses)
        return self[:2] == other[:2] and (anywhere or len(addresses) == 1)


def clashes(folder: Path) -> list[str]:
    """The enabled sites that listen where one of ours does."""
    sites = {path: list(listeners(path)) for path in enabled(folder, "sites-enabled")}
    ours = sites.pop(folder / "sites-enabled" / "nexio", [])
    return [
        str(path.relative_to(folder))
        for path, others in sites.items()
        if any(one.clashes(other) for one in ours for other in others)
    ]


def listeners(path: Path) -> Iterator[Listener]:
    """The listeners of a site."""
    for inside, lines in groupby(read_lines(path), key=_is_in_listen):
        if inside:
            yield from _read({line.name: line.value for line in lines if line.value is not None})


def _is_in_listen(line: Line) -> bool:
    return any(section.split()[:1] == ["listen"] for section in line.sections)


def _read(settings: dict[str, str]) -> Iterator[Listener]:
    address = settings.get("ipv6addr") or settings.get("ipaddr") or settings.get("ipv4addr") or "*"
    port = settings.get("port", "0")
    for kind in settings.get("type", "").split("+"):
        if kind in PORTS:
            yield Listener(
                "ipv6addr" in settings, PORTS[kind] if port == "0" else port, address, kind
            )
