"""Metrics from the store, read periodically in a thread, so that no request waits for them."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, or_, select

from nexio import __version__
from nexio.checkin.tablets import list_tablets
from nexio.errors import NexioError
from nexio.locations.locations import list_locations
from nexio.outbox.outbox import MailState
from nexio.reception.pins import count_live
from nexio.store.tables import AccessTokenRow, CheckInRow, OutboxRow, WifiSessionRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prometheus_client import Metric
    from sqlalchemy import ColumnElement

    from nexio.store.engine import Reading, Store

    Reader = Callable[[Reading], Iterable[Metric]]

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 15.0
"""As often as most monitors read."""


class StoreNumbers(Collector):
    """Reads the store in a thread.

    Args:
        open_store: opens the store, which is closed after each read.
        readers: read further metrics from it.
    """

    def __init__(self, open_store: Callable[[], Store], readers: Sequence[Reader] = ()) -> None:
        self._open_store = open_store
        self._readers = (numbers_of, *readers)
        self._metrics: Sequence[Metric] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nexio-numbers", daemon=True)

    def start(self) -> None:
        """Begin, until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """The latest metrics; none while the store is unreachable, rather than outdated ones."""
        yield InfoMetricFamily("nexio_build", "This software.", {"version": __version__})
        metrics = self._metrics
        yield GaugeMetricFamily(
            "nexio_store_up", "Whether the store could be read.", float(bool(metrics))
        )
        yield from metrics

    def read(self) -> None:
        """Read once."""
        try:
            with closing(self._open_store()) as store, store.read() as work:
                self._metrics = [each for read in self._readers for each in read(work)]
        except NexioError as error:
            log.debug("no numbers of the store: %s", error)  # the process that follows it warns
            self._metrics = ()
        except Exception:
            log.exception("no numbers of the store")
            self._metrics = ()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.read()
            self._stopping.wait(EVERY_SECONDS)


def gauge(
    name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]
) -> GaugeMetricFamily:
    """A gauge with a number for each value of a label."""
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for named, value in values:
        family.add_metric([named], value)
    return family


def numbers_of(work: Reading) -> Iterator[Metric]:
    """The metrics of the store at this moment."""
    places = list_locations(work)
    names = {each.id: each.name for each in places}
    is_open = WifiSessionRow.ended_at.is_(None)
    yield gauge(
        "nexio_sessions_open",
        "Sessions that go on.",
        "location",
        _by_location(work, names, WifiSessionRow.location_id, is_open),
    )
    over = or_(AccessTokenRow.valid_until <= work.now, AccessTokenRow.revoked_at <= work.now)
    past_end = (
        select(func.count())
        .select_from(WifiSessionRow)
        .join(AccessTokenRow, WifiSessionRow.token_id == AccessTokenRow.id)
    )
    yield GaugeMetricFamily(
        "nexio_sessions_past_end",
        "Sessions that go on although the visitor's Wi-Fi is over.",
        work.session.scalar(past_end.where(is_open, over)),
    )
    inside = CheckInRow.out_at.is_(None) & (CheckInRow.cut_off_at > work.now)
    yield gauge(
        "nexio_people_in",
        "People in the building.",
        "location",
        _by_location(work, names, CheckInRow.location_id, inside),
    )
    lengths = [(each, each.settings.pin_length) for each in places]
    pins = [(each.name, 10**length, count_live(work, each, length)) for each, length in lengths]
    meaning = "PINs of the length of new ones."
    yield gauge("nexio_pins", meaning, "location", ((name, all_) for name, all_, _ in pins))
    meaning = "PINs of the length of new ones that nobody has."
    free = ((name, all_ - live) for name, all_, live in pins)
    yield gauge("nexio_pins_free", meaning, "location", free)
    yield gauge("nexio_mail_outbox", "Mails that wait, or have failed.", "state", _mail(work))
    yield gauge(
        "nexio_kiosk_last_seen_seconds",
        "Since when a paired tablet has not asked.",
        "kiosk",
        (
            (each.name, (work.now - each.seen_at).total_seconds())
            for each in list_tablets(work)
            if each.seen_at is not None
        ),
    )


def _by_location(
    work: Reading, names: dict[int, str], column: Any, condition: ColumnElement[bool]
) -> Iterator[tuple[str, float]]:
    """The number of rows at each location, 0 if there are none."""
    # An expression, not the column: SQLite would walk the column's index through all rows.
    place = (column + 0).label("place")
    query = select(place, func.count()).where(condition).group_by(place)
    found = {number: count for number, count in work.session.execute(query)}  # noqa: C416 (rows)
    for number, name in names.items():
        yield name, found.get(number, 0)


def _mail(work: Reading) -> Iterator[tuple[str, float]]:
    for state in (MailState.QUEUED, MailState.FAILED):
        yield state.value, work.count(OutboxRow.state == state.value)
