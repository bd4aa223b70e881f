"""The background work of the plugin: one thread, connected to a companion process.

The companion follows the store, records decisions and shares guesses, as it does for
``nexio-radiusd``.  The thread starts with FreeRADIUS, which waits briefly for the store, so that
its first guest is answered.  It starts even if the store cannot be read: there is no table then.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from nexio.clock import utc_now
from nexio.network.server_identity import FREERADIUS, Identity, host_name
from radius_auth.companion.child import Child, Task
from radius_auth.companion.link import MOST_DECISIONS, Link
from radius_auth.companion.memory import freeze_memory
from radius_auth.companion.myself import Myself
from radius_auth.guard import Guard
from radius_auth.plugin.accounting import Accounts
from radius_auth.plugin.slots import SlotCalls
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import Discarded
from radius_auth.protocol.statistics import Counts, Signatures

if TYPE_CHECKING:
    from datetime import timedelta

    from nexio.clock import Clock
    from nexio.configuration import Configuration
    from nexio.metrics.place import Place
    from nexio.network.events import Decided
    from radius_auth.plugin.pairs import Values
    from radius_auth.replica.table import Table

log = logging.getLogger(__name__)

SPOOL: Final = "freeradius.db"
ACCOUNTING_SPOOL: Final = "freeradius-accounting.db"

HAND_OVER_EVERY: Final = 0.25
"""Seconds between two hand-overs of decisions to be recorded."""

TOGETHER: Final = 2_000
"""Decisions in one batch: encoding it makes guests wait for two milliseconds."""

STOP_SECONDS: Final = 6.0
"""Seconds to wait at the end until the companion has the last decisions on a disk."""

STILL_READ_SECONDS: Final = 10.0
"""How long a call may use a table after it was replaced."""


class Background:
    """The thread of one FreeRADIUS, and its companion.

    Args:
        configuration: where the store is.
        max_staleness: how long to go on without the store.
        packages: the folder of our packages.
        clock: aware time of day.
        metrics_listen: where a monitor reads metrics.
    """

    def __init__(
        self,
        configuration: Configuration,
        max_staleness: timedelta,
        packages: str,
        clock: Clock = utc_now,
        metrics_listen: Place | None = None,
    ) -> None:
        self._configuration = configuration
        self._max_staleness = max_staleness
        self._packages = packages
        self._metrics_listen = metrics_listen
        self._clock = clock
        self._started_at = clock()
        self.discards = Discards()
        """Counts what is not answered."""

        self.signatures = Signatures()
        """Counts requests of NAS that need not sign."""

        self.guard = Guard()
        """Counts wrong passwords."""

        self._link: _Link | None = None
        self.slots = SlotCalls(self._ask_slot)
        """The calls that wait for slots of device limits."""

        self._asked: deque[tuple[int, str]] = deque()
        self._accounts: Accounts | None = None
        self._decided: deque[Decided] = deque(maxlen=MOST_DECISIONS)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._answering = threading.Event()

    def start(self, seconds: float) -> None:
        """Start the thread, and wait up to ``seconds`` until the store was read."""
        self._start()
        self._answering.wait(seconds)

    def table(self) -> Table:
        """The current table; the first call starts the thread if it is not running.

        Raises:
            Discarded: the store was not read yet, or has been out of reach for too long.
        """
        link = self._link
        if link is None:
            self._start()
            raise Discarded(DiscardReason.NOT_READ)
        if link.age > self._max_staleness:
            raise Discarded(DiscardReason.STALE)
        return link.table

    def record(self, decided: Decided) -> None:
        """Queue a decision to be recorded."""
        self._decided.append(decided)

    def account(self, at: float, host: str, values: Values) -> bool:
        """Have an Accounting-Request stored by :meth:`Accounts.store`; call :meth:`table` first."""
        return self._accounts is not None and self._accounts.store(at, host, values)

    def _ask_slot(self, visit_id: int, device: str) -> None:
        """Let the thread ask: only one thread may use a link."""
        self._asked.append((visit_id, device))
        if self._link is not None:
            self._link.wake()

    def stop(self) -> None:
        """End the thread and the companion; every decision is on the disk then."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        # FreeRADIUS makes one call at a time, so this needs no lock.
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="nexio-plugin", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        with _door() as link_door, _door() as accounting_door:
            link = _Link(link_door.getsockname(), secrets.token_hex(8), self.guard, self._clock)
            link.slot_answered = self.slots.answer
            link.counts, link.discards = self._counts, self.discards.by_peer
            link.signatures = self.signatures
            self._accounts = Accounts(accounting_door.getsockname())
            doors = link_door.fileno(), accounting_door.fileno()
            limits = self._max_staleness, self._metrics_listen
            identity = Identity(FREERADIUS, host_name(), str(self._configuration.home))
            accounting = self._configuration.home / "spool" / ACCOUNTING_SPOOL
            myself = Myself(identity, self._started_at, accounting)
            task = Task(self._configuration, myself, SPOOL, *doors, *limits)
            companion = Child(self._packages, task)
            try:
                while not self._stopping.is_set():
                    self._step(link, companion)
                self._hand_over(link)
                if link.is_loaded:
                    link.finish(STOP_SECONDS, lambda: _replace_at_once(companion))
            finally:
                link.close()
                self._accounts.close()
                companion.stop()

    def _counts(self) -> Counts:
        """The unanswered requests; the companion counts decisions."""
        return Counts(discards={str(reason): n for reason, n in self.discards.counts.items()})

    def _step(self, link: _Link, companion: Child) -> None:
        """Do the pending work once; a fault of ours must not end the thread."""
        try:
            companion.mind(is_in_use=link.is_loaded)
            companion.wait(link, HAND_OVER_EVERY)
            while self._asked:
                link.ask_slot(*self._asked.popleft())
            self._hand_over(link)
            link.act()
            link.retire_some()
            # The age of a table arrives after the table.
            if self._link is None and link.is_loaded and link.age <= self._max_staleness:
                freeze_memory()
                self._link = link
                self._answering.set()
                log.info("answering from %d visits", len(link.table))
        except Exception:
            log.exception("no news from the companion")
            self._stopping.wait(HAND_OVER_EVERY)

    def _hand_over(self, link: Link) -> None:
        decided = self._decided
        while decided:
            link.hand_over([decided.popleft() for _ in range(min(TOGETHER, len(decided)))])
        link.send_acts()  # a guess in a tunnel that was abandoned has no decision


def _door() -> socket.socket:
    """A listening socket with a name that the kernel chooses, and that no file has."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind("")
    door.listen()
    return door


def _replace_at_once(companion: Child) -> None:
    """Replace a companion that has ended, which may become visible a moment later."""
    companion.wait(None, 0.0)
    companion.mind(is_in_use=True, at_once=True)


class _Link(Link):
    """A link in a thread of its own, beside those that answer."""

    def __init__(self, address: bytes, name: str, guard: Guard, clock: Clock) -> None:
        super().__init__(address, name, guard, clock)
        self._retired: deque[tuple[float, Table]] = deque()

    def retire_some(self) -> None:
        """Release the tables that no call uses any more."""
        while self._retired and time.monotonic() - self._retired[0][0] > STILL_READ_SECONDS:
            super()._retire(self._retired.popleft()[1])

    def _retire(self, table: Table) -> None:
        self._retired.append((time.monotonic(), table))
