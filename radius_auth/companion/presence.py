"""Reports the state of a server to the store and to systemd, every few seconds.

Nothing waits for a report, and no server follows them; while the store is away they are skipped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nexio import __version__
from nexio.clock import utc_now
from nexio.errors import NexioError
from nexio.input.durations import words_for
from nexio.network.accounting_records import AccountingBatch
from nexio.network.events import EventBatch
from nexio.network.nas_signatures import add_signatures
from nexio.network.server_identity import RADIUSD
from nexio.network.servers import (
    CLOCK_TOLERANCE,
    REPORT_INTERVAL,
    Report,
    clock_words,
    is_clock_off,
    measure_clock,
    report,
)
from nexio.service_manager import notify
from radius_auth.protocol.discards import DiscardReason
from radius_auth.recording.spool import look_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nexio.clock import Clock
    from nexio.store.engine import Store
    from radius_auth.companion.hub import Hub
    from radius_auth.companion.myself import Myself
    from radius_auth.replica.follower import Follower

log = logging.getLogger(__name__)

RIGHT_AGAIN: Final = CLOCK_TOLERANCE / 2
"""Seconds; less than the limit, or a clock just at it would be warned of again and again."""

_UNSIGNED: Final = frozenset(
    {
        DiscardReason.MESSAGE_AUTHENTICATOR_MISSING.value,
        DiscardReason.PROXY_STATE_UNPROTECTED.value,
    }
)


class ClockWatch:
    """Warns of a clock that is wrong: once, and when that changes."""

    def __init__(self) -> None:
        self._logged_offset: float | None = None

    def look(self, off: float | None) -> None:
        """Check the clock.

        Args:
            off: seconds ahead of the database's clock; None where it is the same clock.
        """
        if off is not None and is_clock_off(off):
            if self._logged_offset is None or abs(off - self._logged_offset) > CLOCK_TOLERANCE:
                log.warning(
                    "this machine's clock is %s the database's, and Wi-Fi begins and ends by it:"
                    " set it, and let NTP keep it (timedatectl)",
                    clock_words(off),
                )
                self._logged_offset = off
        elif self._logged_offset is not None and abs(off or 0.0) < RIGHT_AGAIN:
            log.warning("this machine's clock agrees with the database's again")
            self._logged_offset = None


class Presence:
    """Sends the reports, in the background.

    Args:
        myself: which server it is.
        open_store: opens the store.
        decisions: the spool of decisions.
        clock: aware time of day.
    """

    def __init__(
        self,
        myself: Myself,
        open_store: Callable[[], Store],
        decisions: Path,
        clock: Clock = utc_now,
    ) -> None:
        self._myself = myself
        self._open_store = open_store
        self._spools = ((decisions, EventBatch), (myself.accounting, AccountingBatch))
        self._clock = clock
        self._follower: Follower | None = None
        self._hub: Hub | None = None
        self._decided = 0
        self._counted = 0, time.monotonic()
        self._rate = 0.0
        self._reported_signatures: Counter[tuple[int, bool]] = Counter()
        self._clock_watch = ClockWatch()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[step], name="nexio-presence", daemon=True)
            # A thread each: systemd is told also while a database hangs.
            for step in (self.report_to_systemd, self.report_to_store)
        ]

    def before(self, record: Callable[..., None]) -> Callable[..., None]:
        """Wrap ``record`` so that it also counts batches and marks them with this server."""
        identity = tuple(self._myself.identity)

        def take(*batches: EventBatch) -> None:
            self._decided += sum(map(len, batches))
            record(*(replace(each, server=identity) for each in batches))

        return take

    def begin(self, follower: Follower, hub: Hub) -> None:
        """Report until :meth:`stop`."""
        self._follower, self._hub = follower, hub
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Report the end, and stop."""
        self._stopping.set()
        if self._hub is None:
            return
        for thread in self._threads:
            thread.join()
        try:
            self.report_to_store(ends=True)
        except NexioError as error:
            log.debug("the store does not hear that it ends: %s", error)

    def report_to_systemd(self) -> None:
        """Report to systemd, for ``systemctl status``."""
        follower, now = self._follower, time.monotonic()
        if follower is None:
            return
        decided, (before, at) = self._decided, self._counted
        self._counted = decided, now
        self._rate = (decided - before) / max(now - at, 1.0)
        if self._myself.identity.kind == RADIUSD:  # the service of FreeRADIUS is not ours
            table = "the table of its disk" if follower.is_from_disk else "table"
            age = words_for(follower.age)
            notify(f"STATUS={table}: {age} old; {self._rate:.1f} logins a second")

    def report_to_store(self, *, ends: bool = False) -> None:
        """Report to the store.

        Args:
            ends: whether this is the last report.

        Raises:
            NexioError: the store is away.
        """
        follower, hub = self._follower, self._hub
        if follower is None or hub is None:
            return
        waiting = [look_at(path, kind) for path, kind in self._spools]
        spooled = [each for each in waiting if each is not None and each[0]]
        content = Report(
            version=__version__,
            writer=hub.writer,
            started_at=self._myself.started_at,
            table_age=max(0.0, follower.age.total_seconds()),
            requests=self._rate,
            spooled=sum(number for number, _ in spooled),
            spool_age=max((max(0.0, time.time() - since) for _, since in spooled), default=0.0),
        )
        counted = _signatures(follower, hub)
        with closing(self._open_store()) as store, store.write() as work:
            clock_off = measure_clock(work, self._clock)
            add_signatures(work, counted - self._reported_signatures)
            content = replace(content, clock_off=clock_off)
            report(work, self._myself.identity, content, ends=ends)
        self._reported_signatures = counted
        self._clock_watch.look(clock_off)

    def _run(self, step: Callable[[], None]) -> None:
        trouble = ""
        while not self._stopping.is_set():
            try:
                step()
                trouble = ""
            except NexioError as error:
                log.debug("the store does not hear of this server: %s", error)  # others warn
            except Exception as fault:
                if repr(fault) != trouble:
                    log.exception("the store does not hear of this server")
                trouble = repr(fault)
            self._stopping.wait(REPORT_INTERVAL)


def _signatures(follower: Follower, hub: Hub) -> Counter[tuple[int, bool]]:
    """The signature counts so far, with those of NAS that must sign and did not."""
    counted = Counter(dict(hub.signatures))
    for (reason, host), number in dict(hub.discards).items():
        if reason in _UNSIGNED:
            client = follower.table.nas.find(host)
            for nas in () if client is None else client.entries:
                counted[nas.id, False] += number
    return counted
