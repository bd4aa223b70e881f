"""Counts requests that get no answer, and logs them at a limited rate (Must 20)."""

from __future__ import annotations

import logging
from collections import Counter
from enum import StrEnum

log = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
"""Seconds between two log lines of one reason, which state the count."""

MOST_PEERS = 1_000
"""Pairs of reason and address that are counted."""


class DiscardReason(StrEnum):
    """Why a datagram gets no answer; for one that is no packet at all see ``packet.Fault``."""

    UNEXPECTED_CODE = "unexpected code"
    MESSAGE_AUTHENTICATOR_MISSING = "Message-Authenticator missing"
    MESSAGE_AUTHENTICATOR_REPEATED = "more than one Message-Authenticator"
    MESSAGE_AUTHENTICATOR_LENGTH = "Message-Authenticator not of 16 octets"
    MESSAGE_AUTHENTICATOR_WRONG = "Message-Authenticator wrong"
    REQUEST_AUTHENTICATOR_WRONG = "Request Authenticator wrong"
    PROXY_STATE_UNPROTECTED = "Proxy-State without Message-Authenticator"
    REPLY_TOO_LONG = "so much Proxy-State that no reply can carry it"
    UNKNOWN_CLIENT = "no NAS of that address"
    REPEATED = "a repeat of a request in progress"
    KEY_MISSING = "the key of this store is not at hand"
    OVERLOADED = "more rejects wait than can be held"
    OVER_SHARE = "more requests of one NAS wait than may"
    TOO_LATE = "it waited too long to be taken"
    FAULT = "a fault of ours"
    NOT_READ = "the store was not read yet"
    STALE = "the store has been out of reach for too long"
    NOT_SENT = "the reply could not be sent"
    NOT_STORED = "its accounting record could not be stored"
    NO_ROOM = "more accounting came than could be stored"
    NOT_HANDED_OVER = "FreeRADIUS's site hands accounting over in another way than ours"
    BACKLOG = "more of its accounting waits for the store than may"


class Discards:
    """Counts by reason; logs the first of each reason at once, and more of them together."""

    def __init__(self) -> None:
        self.counts: Counter[StrEnum] = Counter()
        self.by_peer: Counter[tuple[str, str]] = Counter()
        """By reason and address, for the first :data:`MOST_PEERS`, without unknown clients, which
        could be millions."""

        self._logged: dict[StrEnum, tuple[float, int]] = {}

    def count(self, reason: StrEnum, peer: str, now: float, *, times: int = 1) -> bool:
        """Count a discarded request.

        Args:
            reason: why; one of a fixed number of enum members.
            peer: the address that it came from.
            now: monotonic seconds.
            times: how many there were, if more than one.

        Returns:
            Whether it was logged.
        """
        self.counts[reason] += times
        if reason is not DiscardReason.UNKNOWN_CLIENT:
            key = reason.value, peer
            if key in self.by_peer or len(self.by_peer) < MOST_PEERS:
                self.by_peer[key] += times
        at, logged = self._logged.get(reason, (-EVERY_SECONDS, 0))
        if now - at < EVERY_SECONDS:
            return False
        more = self.counts[reason] - logged
        since = f" ({more} since the last line)" if more > 1 else ""
        log.warning("no answer to %s: %s%s", peer, reason, since)
        self._logged[reason] = (now, self.counts[reason])
        return True
