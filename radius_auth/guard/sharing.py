"""Shares the guard with the processes of this host by a file, with other servers by the store.

No request waits for either.  If one cannot be used, the guard goes on with what it has.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from nexio.clock import utc_now
from nexio.errors import NexioError
from nexio.network.guard_acts import (
    ACTS_AT_ONCE,
    ActBatch,
    Kind,
    packed,
    times_put_right,
    unpacked,
)
from radius_auth.guard.guard import Guard
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.guard.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from nexio.clock import Clock
    from nexio.configuration import Configuration
    from nexio.network.guard_acts import Act
    from nexio.store.patience import Patience

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 0.4
"""Seconds until the others know of a guess, or of a device that the desk released."""

ANNOUNCED_EVERY: Final = 60.0
"""Seconds between two acts that announce that this server is running."""

TIDIED_EVERY: Final = 3600.0


@contextmanager
def shared_guard(configuration: Configuration, patience: Patience | None = None) -> Iterator[Guard]:
    """A guard that is shared while it is in use."""
    sharing = Sharing.of(configuration, patience=patience)
    sharing.start()
    try:
        yield sharing.guard
    finally:
        sharing.stop()


class Shared(Protocol):
    """The shared state: a guard, or a relay between the guards of several processes."""

    writer: str

    def take(self, batches: Sequence[ActBatch]) -> None:
        """Apply acts of other guards of this server."""

    def apply(self, acts: Iterable[Act]) -> None:
        """Apply acts of other servers."""

    def begin_again(self, acts: Iterable[Act]) -> None:
        """Forget everything, and apply these acts."""

    def news_since(self, position: int) -> tuple[int, Sequence[Act]]:
        """The acts done here since then, and the position for the next call."""

    def report_state(self, kind: str, now: datetime) -> None:
        """Notify the others that this server is running, or ends."""

    def tidy(self, now: datetime) -> None:
        """Forget what no longer counts."""


class Sharing:
    """Holds a guard, and synchronises it with others.

    Args:
        file: the journal of this host.
        store: the journal of all servers.
        clock: aware time of day.
    """

    def __init__(self, file: HostJournal, store: Journal, clock: Clock = utc_now) -> None:
        self.guard = Guard()
        self._shared: Shared = self.guard
        self._clock = clock
        self._of_host, self._of_servers = file, store
        self._file = _Channel(file, "the guard's file", clock)
        self._store = _Channel(store, "the store", clock)
        self._latest_serials: dict[str, int] = {}
        self._live: frozenset[int] | None = None
        """Visits that are not over; read once after each tidying of the file."""

        self._lock = threading.Lock()
        self._announced_at = self._tidied_at = self._latest_time = 0.0
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[step], name="nexio-guard", daemon=True)
            for step in (self.exchange_with_host, self.exchange_with_servers)
        ]

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        clock: Clock = utc_now,
        patience: Patience | None = None,
    ) -> Sharing:
        """The sharing of a deployment, with the patience of its server for the store."""
        file = HostJournal(guard_path(configuration.home))
        return cls(file, Journal(configuration.database_url, patience), clock)

    def share(self, shared: Shared) -> None:
        """Share this instead of a guard; call it before :meth:`start`."""
        self._shared = shared

    def take(self, batches: Iterable[bytes]) -> None:
        """Apply acts sent by a guard of this server; acts that are known are dropped.

        Many small batches are merged into one.
        """
        with self._lock:
            parts = [self._new_of(octets) for octets in batches]
            acts = [act for part in parts for act in part.acts]
            if len(parts) > 1 and len(acts) <= ACTS_AT_ONCE:
                parts = [ActBatch(acts, packed(acts))]
            self._shared.take(parts)

    def _new_of(self, octets: bytes) -> ActBatch:
        acts = unpacked(octets)
        first, last = acts[0], acts[-1]  # all of one guard, ordered by number
        if first.serial > self._latest_serials.get(first.writer, 0):
            self._latest_serials[first.writer] = last.serial
            return ActBatch(acts, octets)
        new = list(self._new_acts(acts))
        return ActBatch(new, packed(new))

    def start(self) -> None:
        """Read what is known, then go on in the background until :meth:`stop`."""
        self.exchange()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send the remaining acts, and end."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._shared.report_state(Kind.GONE, self._clock())
        self.exchange()
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._file.close()
        self._store.close()

    def exchange(self) -> None:
        """Exchange acts with everybody; never fails."""
        self.exchange_with_host()
        self.exchange_with_servers()

    def exchange_with_host(self) -> None:
        """Exchange acts with the processes of this host; never fails."""
        if self._announce_and_tidy():
            with self._file.log_trouble():
                self._of_host.forget_old(self._clock(), self._live)
            self._live = None
        with self._file.log_trouble():
            self._exchange(self._file)

    def exchange_with_servers(self) -> None:
        """Exchange acts with the other servers; never fails."""
        with self._store.log_trouble():
            self._exchange(self._store)
            if self._live is None:
                self._live = self._of_servers.live_visits(self._clock())

    def _exchange(self, channel: _Channel) -> None:
        if channel.is_new:
            self._begin(channel)
        acts = channel.exchange(self._shared)
        with self._lock:
            self._shared.apply(self._new_acts(acts))

    def _begin(self, channel: _Channel) -> None:
        """Begin with all acts of the journals, in order of time."""
        acts = [
            act
            for each in (self._file, self._store)
            if each is channel or not each.is_new
            for act in each.read_all()
        ]
        with self._lock:
            self._latest_serials = {}
            others = times_put_right(self._new_acts(acts), self._clock().timestamp())
            _, own = self._shared.news_since(0)
            # The acts read just now may include those of our own workers.
            known = {(act.writer, act.serial): act for act in [*others, *self._new_acts(own), *own]}
            self._shared.begin_again(sorted(known.values(), key=lambda act: act.at))
        channel.is_new = False

    def _new_acts(self, acts: Iterable[Act]) -> Iterator[Act]:
        """New acts of others; each arrives by the file and by the store, and counts once."""
        own, latest = self._shared.writer, self._latest_serials
        for act in acts:
            if act.writer != own and act.serial > latest.get(act.writer, 0):
                latest[act.writer] = act.serial
                yield act

    def _announce_and_tidy(self) -> bool:
        """Announce this server periodically, and at once when its clock was set back.

        Returns:
            Whether the file should be tidied.
        """
        now = self._clock()
        at = now.timestamp()
        if not 0 <= at - self._announced_at < ANNOUNCED_EVERY or at < self._latest_time:
            self._shared.report_state(Kind.HERE, now)
            self._announced_at = at
        is_due = at < self._latest_time or at - self._tidied_at > TIDIED_EVERY
        if is_due:
            self._shared.tidy(now)
            self._tidied_at = at
        self._latest_time = at
        return is_due

    def _run(self, step: Callable[[], None]) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            step()


class _Channel:
    """One journal, and how far this process has written and read it.

    Args:
        journal: the table.
        name: for the log.
        clock: aware time of day.
    """

    def __init__(self, journal: Journal | HostJournal, name: str, clock: Clock) -> None:
        self._journal, self._name, self._clock = journal, name, clock
        self._sent_up_to, self._read_at = 0, 0.0
        self._trouble = ""
        self.is_new = True
        """Whether it was never read."""

    def read_all(self) -> list[Act]:
        """All acts in the journal."""
        self._read_at = self._clock().timestamp()
        return self._journal.read_again()

    def exchange(self, shared: Shared) -> list[Act]:
        """Write new acts, and return those that others have written since the last call.

        They happened since then, whatever the clock of another host says.
        """
        position, news = shared.news_since(self._sent_up_to)
        now = self._clock().timestamp()
        found = self._journal.exchange(news)
        self._sent_up_to = position
        since, self._read_at = min(self._read_at, now), now
        return [act._replace(at=min(now, max(act.at, since))) for act in found]

    def close(self) -> None:
        """Close the connections."""
        self._journal.close()

    @contextmanager
    def log_trouble(self) -> Iterator[None]:
        """Never fail; log when trouble begins and ends."""
        trouble = ""
        try:
            yield
        except NexioError as error:
            trouble = str(error)
            if not self._trouble:
                log.warning("guesses are not shared through %s: %s", self._name, error)
        except Exception as fault:
            # A fault of ours must not end the sharing: what was not sent is sent later.
            trouble = repr(fault)
            if self._trouble != trouble:
                log.exception("guesses are not shared through %s", self._name)
        if self._trouble and not trouble:
            log.warning("guesses are shared through %s again", self._name)
        self._trouble = trouble
