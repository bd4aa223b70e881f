"""Makes records of verified Accounting-Requests and stores them before the answer (Must 16).

Each server reads and verifies requests in its own way, from octets or from FreeRADIUS's pairs; the
rest is shared here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from nexio.errors import NexioError
from radius_auth.protocol.accounting_request import Arrival, read_accounting_request
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.nas_clocks import REMEMBERED, NasClocks
from radius_auth.protocol.packet import Discarded
from radius_auth.protocol.pyrad_codec import fixed_lengths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from enum import StrEnum

    from nexio.clock import Clock
    from nexio.network.accounting_records import AccountingRecord
    from radius_auth.protocol.discards import Discards
    from radius_auth.protocol.packet import Packet
    from radius_auth.recording.replays import Replays
    from radius_auth.replica.nas_index import Client
    from radius_auth.replica.table import Table

log = logging.getLogger(__name__)

INEXACT: Final = timedelta(seconds=1)
"""How far apart the times of two requests may be when they seem to be in the wrong order."""

Answer = TypeVar("Answer")
"""What a server sends once the record is stored."""


class Verified(NamedTuple):
    """An Accounting-Request whose signature verifies."""

    frame: Packet
    table: Table
    client: Client
    """The NAS of the source address."""

    source_address: str
    waited: float
    """Seconds since it arrived."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[Answer]):
    """An answer that may go out when its record, if it has one, is stored."""

    answer: Answer
    host: str
    """The source address."""

    record: AccountingRecord | None = None
    request_key: tuple[int, bytes] | None = None
    """NAS entry and authenticator, to recognise it when it is sent again."""


class Ledger:
    """Makes records of requests, and stores them together.

    Args:
        store: stores records in one commit, so that they are on a disk when it returns.
        clock: aware time of day.
        discards: counts requests without an answer.
        has_room: whether another record from an address may wait for the store.
        replays: the requests that were answered before.
    """

    def __init__(
        self,
        store: Callable[[Sequence[AccountingRecord]], None],
        clock: Clock,
        discards: Discards,
        has_room: Callable[[str], bool],
        replays: Replays,
    ) -> None:
        self._store = store
        self._clock = clock
        self._discards = discards
        self._has_room = has_room
        self._replays = replays
        self._latest: dict[str, datetime] = {}
        self._clocks = NasClocks()

    def enter(self, request: Verified, answer: Answer) -> Entry[Answer]:
        """Read a request.

        Args:
            request: a verified request.
            answer: the answer to it.

        Raises:
            Discarded: it cannot be stored.
        """
        host = request.source_address
        request_key = request.client.entries[0].id, request.frame.authenticator
        if request_key in self._replays:
            return Entry(answer, host)
        if not self._has_room(host):
            raise Discarded(DiscardReason.BACKLOG)
        arrival = Arrival(
            frame=request.frame,
            table=request.table,
            clocks=self._clocks,
            client=request.client,
            source_address=host,
            at=self._arrival(host, request.waited),
        )
        record = read_accounting_request(arrival, fixed_lengths())
        return Entry(answer, host, record, request_key)

    def keep(
        self, readings: Iterable[tuple[str, Callable[[], Entry[Answer]]]], now: float
    ) -> list[Answer]:
        """Store the records of requests in one commit.

        Args:
            readings: the source address of each request, and a function that reads it.
            now: monotonic seconds.

        Returns:
            The answers to the requests that are stored now.
        """
        entries = list(self._read(readings, now))
        records = _once(entries)
        try:
            if records:
                self._store(records)
        except NexioError as error:
            for each in entries:
                if each.record is not None and self._count(
                    DiscardReason.NOT_STORED, each.host, now
                ):
                    log.warning("%s", error)
            return [each.answer for each in entries if each.record is None]
        self._replays.add([each.request_key for each in entries if each.request_key is not None])
        return [each.answer for each in entries]

    def save_replays(self) -> None:
        """Save which requests were answered, so that they are known after a restart."""
        self._replays.save()

    def _read(
        self, readings: Iterable[tuple[str, Callable[[], Entry[Answer]]]], now: float
    ) -> Iterator[Entry[Answer]]:
        for host, read in readings:
            try:
                yield read()
            except Discarded as discarded:
                self._count(discarded.reason, host, now)
            except Exception:
                # A bug of ours costs this record its answer, and no other record.
                if self._count(DiscardReason.FAULT, host, now):
                    log.exception("an Accounting-Request could not be read")

    def _arrival(self, host: str, waited: float) -> datetime:
        """When a request arrived; always later than the one before it from the same address.

        Another thread may run between reading two clocks, and a time that is a moment too early
        would be before the Stop that the request follows.
        """
        at = self._clock() - timedelta(seconds=waited)
        latest = self._latest.get(host, at)
        if timedelta(0) < latest - at < INEXACT:
            at = latest + timedelta(microseconds=1)
        if len(self._latest) >= REMEMBERED:
            self._latest.clear()
        self._latest[host] = at
        return at

    def _count(self, reason: StrEnum, host: str, now: float) -> bool:
        return self._discards.count(reason, host, now)


def _once(entries: Iterable[Entry[Answer]]) -> list[AccountingRecord]:
    """The records of requests; of octets that were sent again while they waited, only the first."""
    records: dict[tuple[int, bytes] | None, AccountingRecord] = {}
    for each in entries:
        if each.record is not None:
            records.setdefault(each.request_key, each.record)
    return list(records.values())
