"""Moves records from memory to the spool, and from the spool to the store."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic

from nexio.errors import NexioError
from nexio.store.schema import require_head
from nexio.store.spool_folder import FileUnusable
from radius_auth.protocol.statistics import NOTHING
from radius_auth.recording.spool import Record, alone, weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nexio.store.engine import Store, Writing
    from radius_auth.protocol.statistics import Counts
    from radius_auth.recording.spool import Spool

    Write = Callable[[Writing, Sequence[Record]], None]

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
"""How long a record stays in memory only, and then how long it waits in the spool."""

GROUP = 5_000
"""How many records go into the store in one transaction."""

REST = 1
"""Length of the pause after such a group, as a multiple of the time that the group took."""

LONGEST_REST = 0.1
"""Seconds.  With SQLite, a desk that waits for its turn tries ten times a second."""

MOST_IN_MEMORY = 100_000
"""How many of the newest records stay in memory while neither spool nor store can be written."""

MANY = 400
"""A number of batches that half a second never brings."""

LAST_SECONDS = 5.0
"""How long a server goes on delivering at its end; the rest of the spool waits for its next start.
"""

LOG_EVERY = 10.0
"""Seconds between two lines about records that are lost."""


class Recorder(Generic[Record]):
    """Takes records of one kind without ever making a request wait.

    While the spool cannot be used, they go straight into the store.

    Args:
        spool: where they go first; records of others in it are delivered, too.
        open_store: opens the store that they go to; called again after trouble with it.
        write: writes them into the store; must be idempotent.
        forget: tells the store which records have left the spool for good; called with the next
            records.
        stored: called with records that are on a disk, or lost for good.
    """

    def __init__(
        self,
        spool: Spool[Record],
        open_store: Callable[[], Store],
        write: Write[Record],
        forget: Write[Record] | None = None,
        stored: Callable[[Sequence[Record]], None] = lambda _: None,
    ) -> None:
        self._spool = spool
        self._open_store = open_store
        self._write = write
        self._forget = forget
        self._removed: Sequence[Record] = ()
        self._store: Store | None = None
        self._stored = stored
        self._waiting: deque[Record] = deque()
        self._without_spool = not spool.is_made
        self._lost = 0
        self._reported_lost = 0, -LOG_EVERY
        self._stopping = threading.Event()
        self._until = math.inf
        self._spooling = _Step(self._to_spool, "wait in memory", "reach the spool again")
        self._delivering = _Step(self._deliver, "wait in the spool", "reach the store again")
        # One thread each: while one waits for the store, a crash still loses only a moment.
        self._threads = [
            threading.Thread(target=self._run, args=[step], name="nexio-recorder", daemon=True)
            for step in (self._spooling, self._delivering)
        ]

    @property
    def lost(self) -> int:
        """How many records found no room in spool, store or memory."""
        return self._lost

    @property
    def siblings(self) -> Counts:
        """Nothing: no other process decides where the recorder runs in the one that answers."""
        return NOTHING

    @property
    def without_spool(self) -> bool:
        """Whether the spool cannot be used, as of the last attempt."""
        return self._without_spool

    def has_room(self, source: str) -> bool:
        """Whether another record of that NAS may wait for the store."""
        return self._without_spool or self._spool.has_room(source)

    def record(self, *records: Record) -> None:
        """Take records that a process sent together."""
        self._waiting.extend(records)
        if len(self._waiting) > min(MOST_IN_MEMORY, MANY):  # else it need not be looked at
            while sum(map(weight, list(self._waiting))) > MOST_IN_MEMORY:
                self._drop_oldest()

    def store_now(self, records: Sequence[Record]) -> None:
        """Store records in the spool or else in the store; they are on a disk on return.

        Raises:
            NexioError: neither of them can be written.
        """
        try:
            self._spool.append(records)
        except FileUnusable as error:
            self._miss_spool("go straight to the store", error)
            self._to_store(records)
        else:
            self._find_spool()

    def start(self) -> None:
        """Write in the background, until :meth:`stop`."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write the rest, as far as there is time, and stop."""
        self._until = time.monotonic() + LAST_SECONDS
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._spooling.take()
        if self._without_spool or not self._delivering.is_failing:  # else the next start has it
            self._delivering.take()
        self._close_store()
        self._lost += sum(map(weight, self._waiting))
        self._waiting.clear()
        self._log_lost(time.monotonic() + LOG_EVERY)

    def flush(self) -> None:
        """Write all waiting records, in memory and in the spool, to the store.

        Raises:
            NexioError: it cannot be written now; nothing is lost by that.
        """
        self._to_spool()
        self._deliver()

    def _to_spool(self) -> None:
        records = self._taken(len(self._waiting))
        if not records:
            self._look_for_spool()
            return
        fitting = [each for each in records if self._spool.has_room(each.source)]
        try:
            self._spool.append(fitting)
        except FileUnusable as error:
            self._waiting.extendleft(reversed(records))
            self._miss_spool("wait in memory", error)
        except BaseException:
            self._waiting.extendleft(reversed(records))
            raise
        else:
            self._lost += sum(map(weight, records)) - sum(map(weight, fitting))
            self._stored(records)
            self._find_spool()

    def _deliver(self) -> None:
        if self._without_spool:
            self._deliver_from_memory()
        try:
            self._deliver_from_spool()
        except FileUnusable:
            if not self._without_spool:  # else it was logged before
                raise

    def _deliver_from_spool(self) -> None:
        while time.monotonic() < self._until and (records := self._spool.oldest(GROUP)):
            began = time.monotonic()
            self._deliver_group(records)
            self._spool.remove(records)
            self._removed = records
            if sum(map(weight, records)) < GROUP:
                break  # records gather meanwhile, as opening the store takes a while
            # The desk writes, too, and guests wait for the same interpreter.
            self._stopping.wait(min((time.monotonic() - began) * REST, LONGEST_REST))

    def _deliver_group(self, records: list[Record]) -> None:
        """Store a group; a record that the store will never take does not stop the others.

        Raises:
            Exception: none of them can be stored now.
        """
        try:
            self._to_store(records)
        except NexioError:
            raise
        except Exception as fault:
            bad = self._unstorable(records)
            count = sum(map(weight, bad))
            if count == sum(map(weight, records)):
                raise
            message = "%d records cannot be stored and are lost: %s"
            log.error(message, count, type(fault).__name__)  # noqa: TRY400 - it may quote them
            self._lost += count

    def _unstorable(self, records: list[Record]) -> list[Record]:
        """Store all but those that the store refuses, by halving; return the refused ones."""
        if len(records) == 1:
            records = alone(records[0])
            if len(records) == 1:
                return records
        bad = []
        for half in (records[: len(records) // 2], records[len(records) // 2 :]):
            try:
                self._to_store(half)
            except NexioError:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, it is told with the record
                bad += self._unstorable(half)
        return bad

    def _deliver_from_memory(self) -> None:
        while time.monotonic() < self._until and (records := self._taken(GROUP)):
            try:
                self._deliver_group(records)
            except BaseException:
                self._waiting.extendleft(reversed(records))
                raise
            self._stored(records)

    def _taken(self, count: int) -> list[Record]:
        """Remove and return the oldest records in memory; both threads call this."""
        taken: list[Record] = []
        with suppress(IndexError):
            while len(taken) < count:
                taken.append(self._waiting.popleft())
        return taken

    def _drop_oldest(self) -> None:
        with suppress(IndexError):  # the other thread took the rest
            dropped = self._waiting.popleft()
            self._lost += weight(dropped)
            self._stored([dropped])

    def _miss_spool(self, what_becomes: str, error: FileUnusable) -> None:
        if not self._without_spool:
            log.warning("records %s: %s", what_becomes, error)
        self._without_spool = True

    def _look_for_spool(self) -> None:
        if self._without_spool:
            with suppress(FileUnusable):
                self._spool.try_out()
                self._find_spool()

    def _find_spool(self) -> None:
        if self._without_spool:
            log.warning("records reach the spool again")
        self._without_spool = False

    def _to_store(self, records: Sequence[Record]) -> None:
        # The store stays open, as opening it takes longer than storing a hundred decisions.
        store = self._store = self._store or self._open_store()
        try:
            with store.write() as work:
                require_head(work.session.connection())  # somebody may have brought it up meanwhile
                self._write(work, records)
                removed = self._removed
                if self._forget is not None and removed:
                    self._forget(work, removed)
        except BaseException:
            self._close_store()
            raise
        self._removed = ()

    def _close_store(self) -> None:
        """Close the store; the next group opens it again."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _log_lost(self, now: float) -> None:
        reported, at = self._reported_lost
        if self._lost > reported and now - at >= LOG_EVERY:
            log.error("%d records are lost since the start", self._lost)
            self._reported_lost = self._lost, now

    def _run(self, step: _Step) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            step.take()
            if step is self._spooling:
                self._log_lost(time.monotonic())


class _Step:
    """One part of the way, tried repeatedly; the beginning and the end of trouble are logged.

    Args:
        take: tries it.
        failing: what the records do while it fails, for the log.
        working: what they do once it works again, for the log.
    """

    def __init__(self, take: Callable[[], None], failing: str, working: str) -> None:
        self._take = take
        self._failing = failing
        self._working = working
        self._trouble = ""

    @property
    def is_failing(self) -> bool:
        """Whether it failed the last time."""
        return bool(self._trouble)

    def take(self) -> None:
        """Try it; never fails."""
        try:
            self._take()
        except NexioError as error:
            if not self._trouble:
                log.warning("records %s: %s", self._failing, error)
            self._trouble = str(error)
        except Exception as fault:
            # A bug of ours must not end the recording: waiting records are tried again.
            if self._trouble != repr(fault):
                log.exception("records %s", self._failing)
            self._trouble = repr(fault)
        else:
            if self._trouble:
                log.warning("records %s", self._working)
            self._trouble = ""
