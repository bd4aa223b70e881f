"""Duplicate detection (RFC 5080 section 2.2.2): no request is run twice.

A NAS that hears nothing sends its request again.  The same request again gets the same
octets again, or nothing while its first copy is still being worked on.

Only verified packets belong in here: one with a bad Message-Authenticator would replace
the entry of the request that it imitates.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

Key: TypeAlias = tuple[int, tuple[str | int, ...], int]
"""Receiving socket, source address (host, port, …) and Identifier."""

IN_PROGRESS_LIFETIME: Final = 30.0
"""Seconds; no NAS waits longer for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ticket:
    """The right to answer one request, for as long as nothing replaces it."""

    key: Key
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
        self._in_progress: OrderedDict[Key, Ticket] = OrderedDict()
        self._answered: OrderedDict[Key, _Answered] = OrderedDict()

    def __len__(self) -> int:
        """Return how many requests are kept."""
        return len(self._in_progress) + len(self._answered)

    def admit(self, key: Key, authenticator: bytes, now: float) -> Ticket | Repeat:
        """Ask whether a verified request is to be run.

        Returns:
            A ticket for a new request, which replaces any other one under this key; a
            repeat for one that is equal to the one before.
        """
        self._expire(now)
        answered = self._answered.get(key)
        if answered is not None and answered.authenticator == authenticator:
            return Repeat(reply=answered.reply)
        waiting = self._in_progress.get(key)
        if waiting is not None and waiting.authenticator == authenticator:
            return Repeat(reply=None)
        return self._issue_ticket(key, authenticator, now)

    def is_current(self, ticket: Ticket) -> bool:
        """Return whether an answer is still wanted: nothing has replaced this request."""
        return self._in_progress.get(ticket.key) is ticket

    def answer(self, ticket: Ticket, reply: bytes, now: float) -> bool:
        """Keep the reply for repeats, and return whether to send it: is it still wanted?"""
        if not self.is_current(ticket):
            return False
        del self._in_progress[ticket.key]
        self._answered[ticket.key] = _Answered(
            authenticator=ticket.authenticator, reply=reply, expires=now + self._lifetime
        )
        return True

    def _issue_ticket(self, key: Key, authenticator: bytes, now: float) -> Ticket:
        # Removed first, so that the new entry stands at the end of the order.
        self._answered.pop(key, None)
        self._in_progress.pop(key, None)
        if len(self) >= self._limit:
            (self._answered or self._in_progress).popitem(last=False)
        ticket = Ticket(key=key, authenticator=authenticator, expires=now + IN_PROGRESS_LIFETIME)
        self._in_progress[key] = ticket
        return ticket

    def _expire(self, now: float) -> None:
        _drop_expired(self._answered, now)
        _drop_expired(self._in_progress, now)


def _drop_expired(entries: OrderedDict[Key, _Entry], now: float) -> None:
    while entries and next(iter(entries.values())).expires <= now:
        entries.popitem(last=False)
