"""How a server is: what it says in the reply to a Status-Server (RFC 5997 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nexio import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a running server knows of itself."""

    version: str = __version__
    up_seconds: int
    followed_seconds: int
    """Since when the store has not been followed; 0 where it is."""

    visits: int
    """How many it knows."""

    def __str__(self) -> str:
        """One line, which :func:`parse_status` reads back."""
        return (
            f"nexio {self.version} up {self.up_seconds} s,"
            f" store followed {self.followed_seconds} s ago, {self.visits} visits"
        )


_LINE = re.compile(r"nexio (\S+) up (\d+) s, store followed (\d+) s ago, (\d+) visits")


def parse_status(text: str) -> Status | None:
    """Read what a server of ours says; None where it is another one."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    version, up, followed, visits = found.groups()
    return Status(
        version=version,
        up_seconds=int(up),
        followed_seconds=int(followed),
        visits=int(visits),
    )
