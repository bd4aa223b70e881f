"""Duplicate detection (RFC 5080 section 2.2.2): no request is run twice.

A NAS that hears nothing sends its request again.  The same request again gets the same
octets again, or nothing while its first copy is still being worked on.

Only packets without a fault belong in here: one with a bad Message-Authenticator would replace
the entry of the request that it imitates.  One without any can be forged by everybody who can send
from the NAS's address: it replaces nothing, and is answered beside what is known.
"""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple, TypeAlias

Key: TypeAlias = tuple[int, tuple[str | int, ...], int]
"""Receiving socket, source address (host, port, …) and Identifier."""

_Place: TypeAlias = Key | tuple[Key, bytes]
"""Where an entry is kept: its key, with the authenticator where another one has that key."""

LIFETIME: Final = 10.0
LIMIT: Final = 65_536


class Ticket:
    """The right to answer one request, for as long as nothing replaces it."""

    __slots__ = ("authenticator", "place")

    def __init__(self, place: _Place, authenticator: bytes) -> None:
        self.place = place
        self.authenticator = authenticator


_Entry: TypeAlias = Ticket | bytes
"""A request in progress, or the authenticator of an answered one and behind it its reply: one
object, for there are many, and none of them is in the processor's cache any more when it goes
(``python -m benchmarks.path``)."""


class Repeat(NamedTuple):
    """A request that is known already."""

    reply: bytes | None
    """The octets to send again; None: its first copy is in progress, so drop this one."""

    def __repr__(self) -> str:
        """Not the octets."""
        return f"Repeat(is_answered={self.reply is not None})"


class Duplicates:
    """The requests of the last seconds and their replies.

    They are kept in two generations, so that nothing expires one by one: when the younger one is
    old or full, it takes the place of the older one (``python -m benchmarks.path``).

    Args:
        lifetime: how many seconds a reply is kept at least, from 5 on; at most three
            times as long (RFC 5080 section 2.2.2: 5 to 30).
        limit: how many requests each generation holds.
    """

    def __init__(self, lifetime: float = LIFETIME, limit: int = LIMIT) -> None:
        self._lifetime = lifetime
        self._limit = limit
        self._young: dict[_Place, _Entry] = {}
        self._old: dict[_Place, _Entry] = {}
        self._until = 0.0
        """When the next generation begins, in monotonic seconds."""

        self._has_forgeable = False
        """Whether an entry is kept beside another one of its key."""

    def __len__(self) -> int:
        """Return how many requests are kept."""
        return len(self._young.keys() | self._old.keys())

    def admit(self, key: Key, authenticator: bytes, now: float, *, signed: bool) -> Ticket | Repeat:
        """Ask whether a request is to be run.

        Args:
            key: where it came from.
            authenticator: its Request Authenticator.
            now: monotonic seconds.
            signed: it has a Message-Authenticator, which was verified.

        Returns:
            A ticket for a new request, which replaces any other one under this key if it is
            signed; a repeat for one that is equal to the one before.
        """
        if now >= self._until:
            self._begin_generation(now)
        known = self._find(key)
        if known is not None and (repeat := _repeat(known, authenticator)):
            return repeat
        place: _Place = key
        if self._has_forgeable or (known is not None and not signed):
            beside = self._find((key, authenticator))
            if beside is not None and (repeat := _repeat(beside, authenticator)):
                return repeat
            if known is not None and not signed:
                place, self._has_forgeable = (key, authenticator), True
        if len(self._young) >= self._limit:
            self._make_room()
        ticket = self._young[place] = Ticket(place, authenticator)
        return ticket

    def is_current(self, ticket: Ticket) -> bool:
        """Return whether an answer is still wanted: nothing has replaced this request."""
        return self._find(ticket.place) is ticket

    def answer(self, ticket: Ticket, reply: bytes, now: float) -> bool:
        """Keep the reply for repeats, and return whether to send it: is it still wanted?"""
        if now >= self._until:
            self._begin_generation(now)
        place = ticket.place
        if self._young.get(place) is not ticket and not self.is_current(ticket):
            return False
        self._young[place] = ticket.authenticator + reply  # its lifetime begins now
        return True

    def _find(self, place: _Place) -> _Entry | None:
        return self._young.get(place) or self._old.get(place)

    def _begin_generation(self, now: float) -> None:
        self._old = self._young if now < self._until + self._lifetime else {}
        self._young = {}
        self._has_forgeable = any(len(place) == _BESIDE for place in self._old)
        self._until = now + self._lifetime

    def _make_room(self) -> None:
        """Forget the older generation before its time, but not what waits for its answer."""
        young = self._young
        waiting = (
            (place, ticket)
            for place, ticket in self._old.items()
            if isinstance(ticket, Ticket)
            and place not in young  # where another one has replaced it
        )
        self._old, self._young = young, dict(islice(waiting, self._limit // 2))


def _repeat(known: _Entry, authenticator: bytes) -> Repeat | None:
    """What is to be sent again, where it is the same request."""
    if isinstance(known, Ticket):
        return Repeat(None) if known.authenticator == authenticator else None
    return Repeat(known[len(authenticator) :]) if known.startswith(authenticator) else None


_BESIDE: Final = 2
"""Parts of a place that is a key and an authenticator."""
