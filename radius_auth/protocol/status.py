"""The status of a server, as in its reply to a Status-Server (RFC 5997 §3, §4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nexio import __version__
from radius_auth.protocol.statistics import Counts, parse_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status that a running server reports."""

    version: str = __version__
    up_seconds: int
    followed_seconds: int
    """Seconds since the store was last followed; 0 while it is followed."""

    visits: int
    """How many visits it knows."""

    counts: Counts | None = None
    """Its counts; it reports them to its own machine only."""

    def lines(self) -> list[str]:
        """The lines of the status, one Reply-Message each; :func:`parse_status` reads them."""
        return [str(self), *(self.counts.lines() if self.counts else ())]

    def __str__(self) -> str:
        """The first line, which any client may read."""
        return (
            f"nexio {self.version} up {self.up_seconds} s,"
            f" store followed {self.followed_seconds} s ago, {self.visits} visits"
        )


_LINE = re.compile(r"nexio (\S+) up (\d+) s, store followed (\d+) s ago, (\d+) visits")


def parse_status(text: str) -> Status | None:
    """Parse the status of a server of ours; None if it is another server."""
    first, *others = text.split("\n")
    found = _LINE.fullmatch(first)
    counts = parse_counts(others)
    if found is None or counts is None:
        return None
    version, up, followed, visits = found.groups()
    return Status(
        version=version,
        up_seconds=int(up),
        followed_seconds=int(followed),
        visits=int(visits),
        counts=counts if others else None,
    )
