"""The metrics of a RADIUS server, counted in the companion, which handles all decisions anyway.

Workers and FreeRADIUS count nothing for them.  No label holds an e-mail, a PIN or a MAC address.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from contextlib import contextmanager
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from nexio.metrics.endpoint import Endpoint
from nexio.metrics.store_numbers import StoreNumbers, gauge
from nexio.network.accounting_records import AccountingBatch
from nexio.network.events import EventBatch
from radius_auth.guard.desk import guard_in, waits
from radius_auth.protocol.statistics import Counts
from radius_auth.recording.spool import look_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prometheus_client import Metric

    from nexio.store.engine import Reading, Store
    from radius_auth.companion.monitor import Monitor
    from radius_auth.disconnecting.ending import Ended
    from radius_auth.replica.follower import Follower

UPPER_BOUNDS: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 500_000)
"""Microseconds; one more bucket holds the rest."""

_SHOWN: Final = (*(f"{each / 1_000_000:g}" for each in UPPER_BOUNDS), "+Inf")

_WHAT: Final = itemgetter(4, 3, 6, 7)
"""Location, NAS, outcome and reason of a :data:`~nexio.network.events.Decided`."""

_AT: Final = itemgetter(0)
_LATENCY: Final = itemgetter(8)


class RadiusNumbers(Collector):
    """Counts what a server has decided since its companion started.

    Args:
        monitor: what is needed to answer a monitor.
        spool: the spool of decisions.
    """

    def __init__(self, monitor: Monitor, spool: Path) -> None:
        self._opened = monitor.opened
        self._accounting_discards = monitor.discards.by_peer
        self._spools = (
            ("decisions", spool, EventBatch),
            ("accounting", monitor.accounting, AccountingBatch),
        )
        self._lock = threading.Lock()
        self._decided: Counter[tuple[int | None, str, str, str]] = Counter()
        self._seen: dict[tuple[int | None, str], float] = {}
        self._latencies = [0] * len(_SHOWN)
        self._total_us = 0
        self._disconnects: Counter[tuple[str, str]] = Counter()
        self.counts: Callable[[], Counts] = Counts
        """Returns the counts that the workers have reported."""

        self.discards: Mapping[tuple[str, str], int] = {}
        """Requests that they have not answered, by reason and address."""

        self.follower: Follower | None = None

    def before(self, record: Callable[..., None]) -> Callable[..., None]:
        """Wrap ``record`` so that it also counts."""

        def take(*batches: EventBatch) -> None:
            self.take(*batches)
            record(*batches)

        return take

    def take(self, *batches: EventBatch) -> None:
        """Count decisions."""
        for batch in batches:
            events = list(batch.events)
            counted = Counter(map(_WHAT, events))
            latencies = list(map(_LATENCY, events))
            seen = max(map(_AT, events), default=0.0)
            with self._lock:
                for (place, nas, outcome, reason), number in counted.items():
                    known = nas if place is not None else ""  # a name that anybody may choose
                    self._decided[place, known, outcome, reason] += number
                    if known:
                        self._seen[place, known] = max(seen, self._seen.get((place, known), 0.0))
                for latency in latencies:
                    self._latencies[bisect_left(UPPER_BOUNDS, latency)] += 1
                self._total_us += sum(latencies)

    def take_ended(self, ended: Ended) -> None:
        """Count the answer of a NAS to a Disconnect-Request."""
        follower, session = self.follower, ended.ending.session
        entries = follower.table.nas.entries if follower is not None else ()
        named = next((each.name for each in entries if each.id == session.nas_id), "")
        with self._lock:
            self._disconnects[named, ended.reply.outcome.value] += 1

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        with self._lock:
            decided, disconnects = self._decided.copy(), self._disconnects.copy()
            seen, latencies, total_us = dict(self._seen), self._latencies.copy(), self._total_us
        names = {} if self.follower is None else self.follower.table.locations

        def named(place: int | None) -> str:
            found = None if place is None else names.get(place)
            return "" if found is None else found.name

        requests: Counter[tuple[str, str, str]] = Counter()
        rejects: Counter[tuple[str, str, str]] = Counter()
        for (place, nas, outcome, reason), number in decided.items():
            requests[named(place), nas, outcome] += number
            if outcome == "reject":
                rejects[named(place), nas, reason] += number
        yield _counter(
            "nexio_radius_requests",
            "Access-Requests that were decided.",
            ("location", "nas", "outcome"),
            requests,
        )
        yield _counter(
            "nexio_radius_rejects",
            "Access-Rejects, by the reason in the log.",
            ("location", "nas", "reason"),
            rejects,
        )
        last = GaugeMetricFamily(
            "nexio_radius_nas_last_seen_timestamp_seconds",
            "When a NAS last asked.",
            labels=("location", "nas"),
        )
        for (place, nas), at in seen.items():
            last.add_metric((named(place), nas), at)
        yield last
        yield HistogramMetricFamily(
            "nexio_radius_request_seconds",
            "From an Access-Request to its decision, without the reject delay.",
            buckets=list(zip(_SHOWN, accumulate(latencies), strict=True)),
            sum_value=total_us / 1_000_000,
        )
        yield _counter(
            "nexio_disconnects",
            "Disconnect-Requests, by what the NAS said.",
            ("nas", "result"),
            disconnects,
        )
        counts = self.counts()
        yield from _of_counts(counts)
        yield from self._of_discards(counts)
        yield from self._of_table()
        yield from self._of_spools()

    @contextmanager
    def served(self, open_store: Callable[[], Store]) -> Iterator[None]:
        """Serve metrics in the background, with those of the store."""
        of_store = StoreNumbers(open_store, [guard_numbers])
        endpoint = Endpoint(self._opened, [self, of_store])
        of_store.start()
        endpoint.start()
        try:
            yield
        finally:
            endpoint.stop()
            of_store.stop()

    def _of_discards(self, counts: Counts) -> Iterator[Metric]:
        by_nas = self._by_nas(self.discards)
        for reason, number in counts.discards.items():  # the rest is from unknown senders
            by_nas["", reason] += number - sum(
                each for (_, known), each in by_nas.items() if known == reason
            )
        labels = "nas", "reason"
        yield _counter(
            "nexio_radius_discards", "Access-Requests without an answer.", labels, by_nas
        )
        yield _counter(
            "nexio_accounting_discards",
            "Accounting-Requests without an answer.",
            labels,
            self._by_nas(self._accounting_discards),
        )

    def _by_nas(self, by_peer: Mapping[tuple[str, str], int]) -> Counter[tuple[str, str]]:
        """The same by name of the NAS instead of its address."""
        found: Counter[tuple[str, str]] = Counter()
        for (reason, host), number in dict(by_peer).items():
            client = None if self.follower is None else self.follower.table.nas.find(host)
            found["" if client is None else client.entries[0].name, reason] += number
        return found

    def _of_table(self) -> Iterator[Metric]:
        follower = self.follower
        if follower is None:
            return
        yield GaugeMetricFamily(
            "nexio_table_age_seconds",
            "Since when the store has not been followed.",
            max(0.0, follower.age.total_seconds()),
        )
        yield GaugeMetricFamily(
            "nexio_table_tokens", "Visits that the server knows.", len(follower.table)
        )
        yield GaugeMetricFamily(
            "nexio_table_from_disk",
            "1 where the store was away at the start and is so still.",
            float(follower.is_from_disk),
        )

    def _of_spools(self) -> Iterator[Metric]:
        records = GaugeMetricFamily(
            "nexio_spool_records", "Records that wait for the store.", labels=["spool"]
        )
        oldest = GaugeMetricFamily(
            "nexio_spool_oldest_seconds", "How old the oldest of them is.", labels=["spool"]
        )
        for name, path, kind in self._spools:
            waiting = look_at(path, kind)
            if waiting is not None:
                number, since = waiting
                records.add_metric([name], number)
                oldest.add_metric([name], max(0.0, time.time() - since) if number else 0.0)
        yield from (records, oldest)


def _of_counts(counts: Counts) -> Iterator[Metric]:
    for name, meaning, number in (
        ("nexio_radius_duplicates", "Requests that got their first reply again.", counts.repeats),
        ("nexio_radius_lost_datagrams", "Datagrams that the kernel dropped.", counts.lost),
        ("nexio_decisions_unrecorded", "Decisions missing in the log.", counts.unrecorded),
    ):
        yield CounterMetricFamily(name, meaning, number)
    yield GaugeMetricFamily(
        "nexio_radius_rejects_waiting", "Rejects that wait for their time.", counts.waiting
    )


def _counter(
    name: str, meaning: str, labels: Sequence[str], values: Mapping[Any, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for labelled, number in values.items():
        family.add_metric(labelled, number)
    return family


def guard_numbers(work: Reading) -> Iterator[Metric]:
    """How many visits and locations are delayed by the guard because of guesses."""
    found = waits(guard_in(work, work.now), work.now)
    kinds = Counter("visit" if each.visit_id is not None else "location" for each in found)
    shown = ((kind, kinds[kind]) for kind in ("visit", "location"))
    yield gauge("nexio_guard_delayed", "Where a guess has to wait.", "kind", shown)
