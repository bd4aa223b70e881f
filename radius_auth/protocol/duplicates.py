"""Duplicate detection (RFC 5080 section 2.2.2): no request is processed twice.

A NAS that gets no reply retransmits its request.  A retransmission gets the same octets again, or
nothing while its first copy is still in progress.

Pass only valid packets: one with a bad Message-Authenticator would replace the entry of the
request that it imitates.  One without any can be forged by everybody who can send from the NAS's
address: it replaces nothing, and gets an entry of its own beside the known one.
"""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple, TypeAlias

Key: TypeAlias = tuple[int, tuple[str | int, ...], int]
"""Receiving socket, source address (host, port, …) and Identifier."""

_Place: TypeAlias = Key | tuple[Key, bytes]
"""The place of an entry: its key, plus the authenticator if another entry has that key."""

LIFETIME: Final = 10.0
LIMIT: Final = 65_536


class Ticket:
    """The right to answer one request, for as long as nothing replaces it."""

    __slots__ = ("authenticator", "place")

    def __init__(self, place: _Place, authenticator: bytes) -> None:
        self.place = place
        self.authenticator = authenticator


_Entry: TypeAlias = Ticket | bytes
"""A request in progress; or the authenticator of an answered one, followed by its reply, as one
object: there are many, and none is in the processor's cache any more when it is freed
(``python -m benchmarks.path``)."""


class Repeat(NamedTuple):
    """A request that is known already."""

    reply: bytes | None
    """The octets to send again; None: its first copy is in progress, so drop this one."""

    def __repr__(self) -> str:
        """Show no octets."""
        return f"Repeat(is_answered={self.reply is not None})"


class Duplicates:
    """The requests of the last seconds and their replies.

    They are stored in two generations, so that entries need not expire one by one: when the
    younger one is old or full, it replaces the older one (``python -m benchmarks.path``).

    Args:
        lifetime: minimum seconds that a reply is stored, at least 5; the maximum is three
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
        """Whether an entry is stored beside another one of its key."""

    def __len__(self) -> int:
        """Return how many requests are stored."""
        return len(self._young.keys() | self._old.keys())

    def admit(self, key: Key, authenticator: bytes, now: float, *, signed: bool) -> Ticket | Repeat:
        """Check whether a request is to be processed.

        Args:
            key: where it came from.
            authenticator: its Request Authenticator.
            now: monotonic seconds.
            signed: it has a Message-Authenticator, which was verified.

        Returns:
            A ticket for a new request, which replaces any other one with this key if it is
            signed; a repeat for one that is equal to the previous one.
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
        """Return whether no newer request has replaced this one."""
        return self._find(ticket.place) is ticket

    def keep_reply(self, ticket: Ticket, reply: bytes, now: float) -> bool:
        """Store the reply for repeats, and return whether the request is still current."""
        if now >= self._until:
            self._begin_generation(now)
        place = ticket.place
        if self._young.get(place) is not ticket and not self.is_current(ticket):
            return False
        self._young[place] = ticket.authenticator + reply  # its lifetime begins now
        return True

    def release(self, ticket: Ticket) -> None:
        """Forget a request that gets no answer now: a retransmission is processed anew."""
        if self.is_current(ticket):
            for generation in (self._young, self._old):
                generation.pop(ticket.place, None)

    def _find(self, place: _Place) -> _Entry | None:
        return self._young.get(place) or self._old.get(place)

    def _begin_generation(self, now: float) -> None:
        self._old = self._young if now < self._until + self._lifetime else {}
        self._young = {}
        self._has_forgeable = any(len(place) == _BESIDE for place in self._old)
        self._until = now + self._lifetime

    def _make_room(self) -> None:
        """Drop the older generation early, except requests in progress."""
        young = self._young
        waiting = (
            (place, ticket)
            for place, ticket in self._old.items()
            if isinstance(ticket, Ticket)
            and place not in young  # otherwise a newer one has replaced it
        )
        self._old, self._young = young, dict(islice(waiting, self._limit // 2))


def _repeat(known: _Entry, authenticator: bytes) -> Repeat | None:
    """The repeat, if it is the same request."""
    if isinstance(known, Ticket):
        return Repeat(None) if known.authenticator == authenticator else None
    return Repeat(known[len(authenticator) :]) if known.startswith(authenticator) else None


_BESIDE: Final = 2
"""Parts of a place that is a key and an authenticator."""
