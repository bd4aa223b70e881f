"""Sharing the guard: with the processes of this host by a file, with other servers by the store.

No request waits for either.  Where one cannot be used, the guard goes on with what it has.
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
"""How long the others do not know of a guess, or of a device that the desk released."""

SAID_EVERY: Final = 60.0
"""Seconds between two acts that say that this server is at work."""

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
    """What is kept in step: a guard, or a relay between the guards of several processes."""

    writer: str

    def take(self, told: Sequence[ActBatch]) -> None:
        """Take what a guard of this server did elsewhere."""

    def apply(self, acts: Iterable[Act]) -> None:
        """Take in what other servers did."""

    def begin_again(self, acts: Iterable[Act]) -> None:
        """Forget everything, and take this in."""

    def news_since(self, position: int) -> tuple[int, Sequence[Act]]:
        """What was done here since then, and the position to ask from the next time."""

    def say(self, kind: str, now: datetime) -> None:
        """Let the others know that this server is at work, or ends."""

    def tidy(self, now: datetime) -> None:
        """Forget what counts no longer."""


class Sharing:
    """Holds a guard, and keeps it in step with others.

    Args:
        file: the journal of this host.
        store: that of all servers.
        clock: aware time of day.
    """

    def __init__(self, file: HostJournal, store: Journal, clock: Clock = utc_now) -> None:
        self.guard = Guard()
        self._shared: Shared = self.guard
        self._clock = clock
        self._of_host, self._of_servers = file, store
        self._file = _Channel(file, "the guard's file", clock)
        self._store = _Channel(store, "the store", clock)
        self._heard: dict[str, int] = {}
        self._live: frozenset[int] | None = None
        """Visits that are not over; asked for once after each time at which the file is tidied."""

        self._lock = threading.Lock()
        self._said = self._tidied = self._latest = 0.0
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
        """That of a deployment, with the patience of its server for the store."""
        file = HostJournal(guard_path(configuration.home))
        return cls(file, Journal(configuration.database_url, patience), clock)

    def share(self, shared: Shared) -> None:
        """Share that instead of a guard; before :meth:`start`."""
        self._shared = shared

    def take(self, told: Iterable[bytes]) -> None:
        """Take what a guard of this server told of itself; what is known counts once.

        What it told in many small rounds stays together from here on.
        """
        with self._lock:
            parts = [self._new_of(octets) for octets in told]
            acts = [act for part in parts for act in part.acts]
            if len(parts) > 1 and len(acts) <= ACTS_AT_ONCE:
                parts = [ActBatch(acts, packed(acts))]
            self._shared.take(parts)

    def _new_of(self, octets: bytes) -> ActBatch:
        acts = unpacked(octets)
        first, last = acts[0], acts[-1]  # of one guard, in the order of their numbers
        if first.serial > self._heard.get(first.writer, 0):
            self._heard[first.writer] = last.serial
            return ActBatch(acts, octets)
        new = list(self._not_heard(acts))
        return ActBatch(new, packed(new))

    def start(self) -> None:
        """Read what is known, then go on in the background until :meth:`stop`."""
        self.exchange()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell what is left, and end."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._shared.say(Kind.GONE, self._clock())
        self.exchange()
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._file.close()
        self._store.close()

    def exchange(self) -> None:
        """Tell everybody, and hear what they have to tell; never fails."""
        self.exchange_with_host()
        self.exchange_with_servers()

    def exchange_with_host(self) -> None:
        """Tell the processes of this host, and hear them; never fails."""
        if self._look_at_the_clock():
            with self._file.trouble_in_the_log():
                self._of_host.forget_old(self._clock(), self._live)
            self._live = None
        with self._file.trouble_in_the_log():
            self._exchange(self._file)

    def exchange_with_servers(self) -> None:
        """Tell the other servers, and hear them; never fails."""
        with self._store.trouble_in_the_log():
            self._exchange(self._store)
            if self._live is None:
                self._live = self._of_servers.live_visits(self._clock())

    def _exchange(self, channel: _Channel) -> None:
        if channel.is_new:
            self._begin(channel)
        acts = channel.exchange(self._shared)
        with self._lock:
            self._shared.apply(self._not_heard(acts))

    def _begin(self, channel: _Channel) -> None:
        """Begin with all that the journals hold, in the order in which it happened."""
        acts = [
            act
            for each in (self._file, self._store)
            if each is channel or not each.is_new
            for act in each.read_all()
        ]
        with self._lock:
            self._heard = {}
            others = times_put_right(self._not_heard(acts), self._clock().timestamp())
            _, own = self._shared.news_since(0)
            # What our own workers did may have been read again just now.
            known = {
                (act.writer, act.serial): act for act in [*others, *self._not_heard(own), *own]
            }
            self._shared.begin_again(sorted(known.values(), key=lambda act: act.at))
        channel.is_new = False

    def _not_heard(self, acts: Iterable[Act]) -> Iterator[Act]:
        """Those of others; each comes by the file and by the store, and counts once."""
        own, heard = self._shared.writer, self._heard
        for act in acts:
            if act.writer != own and act.serial > heard.get(act.writer, 0):
                heard[act.writer] = act.serial
                yield act

    def _look_at_the_clock(self) -> bool:
        """Say now and then that this server is here, and at once when its clock was set back.

        Returns:
            Whether the file should be tidied.
        """
        now = self._clock()
        at = now.timestamp()
        if not 0 <= at - self._said < SAID_EVERY or at < self._latest:
            self._shared.say(Kind.HERE, now)
            self._said = at
        tidies = at < self._latest or at - self._tidied > TIDIED_EVERY
        if tidies:
            self._shared.tidy(now)
            self._tidied = at
        self._latest = at
        return tidies

    def _run(self, step: Callable[[], None]) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            step()


class _Channel:
    """One journal, and how far this process has told and heard.

    Args:
        journal: the table.
        name: for the log.
        clock: aware time of day.
    """

    def __init__(self, journal: Journal | HostJournal, name: str, clock: Clock) -> None:
        self._journal, self._name, self._clock = journal, name, clock
        self._told, self._asked = 0, 0.0
        self._trouble = ""
        self.is_new = True
        """Whether it was never read."""

    def read_all(self) -> list[Act]:
        """Everything that is in the journal."""
        self._asked = self._clock().timestamp()
        return self._journal.read_again()

    def exchange(self, shared: Shared) -> list[Act]:
        """Tell what is new, and hear what others have told since the last time.

        That is when it happened, whatever the clock of another host says.
        """
        told, news = shared.news_since(self._told)
        now = self._clock().timestamp()
        found = self._journal.exchange(news)
        self._told = told
        since, self._asked = min(self._asked, now), now
        return [act._replace(at=min(now, max(act.at, since))) for act in found]

    def close(self) -> None:
        """Give the connections back."""
        self._journal.close()

    @contextmanager
    def trouble_in_the_log(self) -> Iterator[None]:
        """Never fail; say where trouble begins and ends."""
        trouble = ""
        try:
            yield
        except NexioError as error:
            trouble = str(error)
            if not self._trouble:
                log.warning("guesses are not shared through %s: %s", self._name, error)
        except Exception as fault:
            # A fault of ours must not end the sharing: what was not told is told later.
            trouble = repr(fault)
            if self._trouble != trouble:
                log.exception("guesses are not shared through %s", self._name)
        if self._trouble and not trouble:
            log.warning("guesses are shared through %s again", self._name)
        self._trouble = trouble
