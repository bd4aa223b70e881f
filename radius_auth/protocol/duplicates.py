"""Duplicate detection (RFC 5080 section 2.2.2): no request is run twice.

A NAS that hears nothing sends its request again.  The same request again gets the same
octets again, or nothing while its first copy is still being worked on.

Only packets without a fault belong in here: one with a bad Message-Authenticator would replace
the entry of the request that it imitates.  One without any can be forged by everybody who can send
from the NAS's address: it replaces nothing, and is answered beside what is known.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

Key: TypeAlias = tuple[int, tuple[str | int, ...], int]
"""Receiving socket, source address (host, port, …) and Identifier."""

_Place: TypeAlias = Key | tuple[Key, bytes]
"""Where an entry is kept: its key, with the authenticator where another one has that key."""

IN_PROGRESS_LIFETIME: Final = 30.0
"""Seconds; no NAS waits longer for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ticket:
    """The right to answer one request, for as long as nothing replaces it."""

    place: _Place
    authenticator: bytes
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A request that is known already."""

    reply: bytes | None = field(repr=False)
    """The octets to send again; None: its first copy is in progress, so drop this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    authenticator: bytes
    reply: bytes
    expires: float


_Entry = TypeVar("_Entry", Ticket, _Answered)


class Duplicates:
    """The requests of the last seconds and their replies.

    Every call takes ``now``, in monotonic seconds, and costs amortised constant time.

    Args:
        lifetime: how many seconds a reply is kept, 5 to 30 (RFC 5080 section 2.2.2).
        limit: how many requests are kept; then the oldest answered one is forgotten first.
    """

    def __init__(self, lifetime: float = 10.0, limit: int = 65536) -> None:
        self._lifetime = lifetime
        self._limit = limit
        # Each has one lifetime for all, so each is in the order of expiry.  A plain dict
        # would do but for its front: finding the first key again and again is quadratic.
        self._in_progress: OrderedDict[_Place, Ticket] = OrderedDict()
        self._answered: OrderedDict[_Place, _Answered] = OrderedDict()

    def __len__(self) -> int:
        """Return how many requests are kept."""
        return len(self._in_progress) + len(self._answered)

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
        self._expire(now)
        beside = (key, authenticator)
        for place in (key, beside):
            answered, waiting = self._answered.get(place), self._in_progress.get(place)
            if answered is not None and answered.authenticator == authenticator:
                return Repeat(reply=answered.reply)
            if waiting is not None and waiting.authenticator == authenticator:
                return Repeat(reply=None)
        taken = key in self._answered or key in self._in_progress
        return self._issue_ticket(beside if taken and not signed else key, authenticator, now)

    def is_current(self, ticket: Ticket) -> bool:
        """Return whether an answer is still wanted: nothing has replaced this request."""
        return self._in_progress.get(ticket.place) is ticket

    def answer(self, ticket: Ticket, reply: bytes, now: float) -> bool:
        """Keep the reply for repeats, and return whether to send it: is it still wanted?"""
        if not self.is_current(ticket):
            return False
        del self._in_progress[ticket.place]
        self._answered[ticket.place] = _Answered(
            authenticator=ticket.authenticator, reply=reply, expires=now + self._lifetime
        )
        return True

    def _issue_ticket(self, place: _Place, authenticator: bytes, now: float) -> Ticket:
        # Removed first, so that the new entry stands at the end of the order.
        self._answered.pop(place, None)
        self._in_progress.pop(place, None)
        if len(self) >= self._limit:
            (self._answered or self._in_progress).popitem(last=False)
        ticket = Ticket(
            place=place, authenticator=authenticator, expires=now + IN_PROGRESS_LIFETIME
        )
        self._in_progress[place] = ticket
        return ticket

    def _expire(self, now: float) -> None:
        _drop_expired(self._answered, now)
        _drop_expired(self._in_progress, now)


def _drop_expired(entries: OrderedDict[_Place, _Entry], now: float) -> None:
    while entries and next(iter(entries.values())).expires <= now:
        entries.popitem(last=False)
