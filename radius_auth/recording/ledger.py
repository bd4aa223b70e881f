"""Accounting-Requests that verify, made into records and stored before they are answered (Must 16).

A server reads a request in its own way, from octets or from FreeRADIUS's pairs, and verifies it;
what comes then is the same for each of them.
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
"""How far apart the times of two requests may seem to be the wrong way round."""

Answer = TypeVar("Answer")
"""What a server sends, once the record is stored."""


class Verified(NamedTuple):
    """An Accounting-Request that a NAS has signed."""

    frame: Packet
    table: Table
    client: Client
    """The NAS of the source address."""

    source_address: str
    waited: float
    """Seconds since it came."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[Answer]):
    """An answer that may go out when its record, if it has one, is stored."""

    answer: Answer
    host: str
    """The source address."""

    record: AccountingRecord | None = None
    request_key: tuple[int, bytes] | None = None
    """NAS entry and authenticator, to know it again."""


class Ledger:
    """Makes records of requests, and stores them together.

    Args:
        store: stores records in one commit, so that they are on a disk when it returns.
        clock: aware time of day.
        discards: counts what is not answered.
        has_room: whether another record from that address may wait for the store.
        replays: knows what was answered before.
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
            request: it verifies.
            answer: to it.

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
        """Store what requests tell, in one commit.

        Args:
            readings: the source address of each, and what reads it.
            now: monotonic seconds.

        Returns:
            The answers to what is stored now.
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
        """Write down what was answered, so that it is known after a restart."""
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
                # A fault of ours costs this record an answer, and no other one.
                if self._count(DiscardReason.FAULT, host, now):
                    log.exception("an Accounting-Request could not be read")

    def _arrival(self, host: str, waited: float) -> datetime:
        """When a request came; after the one before it from there.

        Between two looks at clocks another thread may have its turn, and a moment too early is
        before the Stop that it follows.
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
    """The records of requests; of the same octets, sent again while they waited, the first."""
    records: dict[tuple[int, bytes] | None, AccountingRecord] = {}
    for each in entries:
        if each.record is not None:
            records.setdefault(each.request_key, each.record)
    return list(records.values())
