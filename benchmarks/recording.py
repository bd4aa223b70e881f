"""Measures recording in the companion, without sockets: ``python -m benchmarks.recording``.

Prints microseconds of CPU for each decision and each accounting record on their way through the
spool into a store in SQLite: decisions in batches of half a second at 10,000 logins a second,
where there were a million before; Start and Stop of sessions in commits of 128.  And for each wrong
guess, and each first login of a device, on its way from one worker to the others, to the guard's
file and into the store: such a login is sent to no other worker.
"""

from __future__ import annotations

import itertools
import marshal
import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import packets
from benchmarks.path import Known
from nexio.clock import utc_now
from nexio.configuration import Configuration
from nexio.network.accounting_records import AccountingBatch, batches_of_records
from nexio.network.event_log import forget_batches, record_batches
from nexio.network.events import EventBatch, event_batches, packed_by_nas
from nexio.network.guard_acts import Act, Kind, packed
from nexio.network.session_updates import record_accounting_batches
from nexio.store.creation import create_store
from nexio.store.engine import Store
from radius_auth.companion.channel import encoded
from radius_auth.companion.memory import freeze_companion_memory
from radius_auth.companion.messages import ToCompanion
from radius_auth.companion.relay import Relay
from radius_auth.guard.sharing import Sharing
from radius_auth.protocol.discards import Discards
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.replays import ReplayFile, Replays
from radius_auth.recording.spool import Spool
from radius_auth.server.accountant import Accountant
from radius_auth.server.sockets import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.network.events import Decided

COUNT: Final = 40_000
PAST: Final = 1_000_000
"""Decisions already in the store: they slow down writes at random places of an index."""

AT_ONCE: Final = 5_000
IN_A_COMMIT: Final = 128
IN_A_ROUND: Final = 20
"""Wrong guesses that a busy worker sends together, more or less; it sends more logins together."""

COSTS: Final = {Kind.GUESS: (1.0, 0.0), Kind.IN: (0.0, 1e-6)}
"""Cost and chance of an act."""

SOURCES: Final = [Source(3, ("127.0.0.1", 40_000 + number)) for number in range(packets.SOCKETS)]


def _fill(configuration: Configuration) -> None:
    """Decisions of the month before, about visits at random."""
    with closing(sqlite3.connect(configuration.home / "nexio.db")) as store, store:
        store.execute(
            "WITH RECURSIVE past(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < ?)"
            " INSERT INTO auth_event"
            " (at, user_name, device, nas, location_id, visit_id, outcome, reason, latency_us)"
            " SELECT datetime('now', '-30 days', n || ' seconds') || '.000000',"
            " 'visitor.' || n || '@example.com', '02:00:00:00:00:00', 'ap-1', 1,"
            " abs(random()) % 100000, 'accept', 'valid', 900 FROM past",
            (PAST,),
        )


def decisions(count: int) -> Iterator[Decided]:
    """Logins of different guests."""
    began, chance = time.time(), random.Random(1)
    for number in range(count):
        yield (
            began + number / 10_000,
            f"visitor.{number}@example.com",
            f"02-00-00-00-00-{number % 256:02X}",
            f"ap-{number % packets.SOCKETS}",
            1,
            chance.randrange(100_000),
            "accept",
            "accepted",
            900,
        )


def records(count: int) -> Iterator[bytes]:
    """Starts, then their Stops, of so many sessions at once as the generator has open."""
    for first in range(0, count // 2, packets.SOCKETS * 32):
        for status in (packets.START, packets.STOP):
            for number in range(packets.SOCKETS * 32):
                session = first + number
                yield packets.accounting(number, f"visitor.{session}@example.com", status, session)


def of_decisions(configuration: Configuration, count: int) -> dict[str, float]:
    """Microseconds for each decision, by step."""
    recorder = Recorder(
        Spool(configuration.home / "spool" / "radiusd.db", EventBatch),
        lambda: Store.open(configuration),
        record_batches,
        forget_batches,
    )
    _fill(configuration)
    spent, made = {"into the spool and the store": 0.0}, decisions(count)
    for number in range(1, count // AT_ONCE + 1):
        batch = marshal.dumps(packed_by_nas(itertools.islice(made, AT_ONCE)))  # by a worker

        def take(number: int = number, batch: bytes = batch) -> None:
            some = marshal.loads(batch)  # noqa: S302 - written above
            recorder.record(*event_batches("bench", number, some))
            recorder.flush()

        spent["into the spool and the store"] += _seconds(take)
    return _each(spent, count)


def of_acts(kind: str, configuration: Configuration, count: int) -> dict[str, float]:
    """Microseconds for each wrong guess or first login of a device, by step."""
    sharing = Sharing.of(configuration)
    sharing.share(Relay(lambda *_: None))
    sharing.exchange()
    spent = dict.fromkeys(("passed on to workers", "into the guard's file", "into the store"), 0.0)
    for first in range(0, count, AT_ONCE):
        messages = [
            encoded(ToCompanion.ACTS, number, [packed(acts(kind, number))])
            for number in range(first, first + AT_ONCE, IN_A_ROUND)
        ]

        def take(messages: list[bytes] = messages) -> None:
            for message in messages:
                _, _, parts = marshal.loads(memoryview(message)[4:])  # noqa: S302 - behind its length
                sharing.take(parts)

        steps = take, sharing.exchange_with_host, sharing.exchange_with_servers
        for step, act in zip(spent, steps, strict=True):
            spent[step] += _seconds(act)
    sharing.close()
    return _each(spent, count)


def acts(kind: str, first: int) -> list[Act]:
    """Those of one round of a worker, each at another visit."""
    return [
        Act(kind, time.time(), "0123456789abcdef", number, "bench", 1, number,
            f"02:00:00:00:00:{number % 256:02x}", f"ap-{number % packets.SOCKETS}", *COSTS[kind])
        for number in range(first + 1, first + 1 + IN_A_ROUND)
    ]  # fmt: skip


def of_accounting(configuration: Configuration, count: int) -> dict[str, float]:
    """Microseconds for each record, by step."""
    path = configuration.home / "spool" / "accounting.db"
    recorder = Recorder(
        Spool(path, AccountingBatch), lambda: Store.open(configuration), record_accounting_batches
    )
    known = Known(0, packets.SECRET)
    with closing(Store.open(configuration)) as store:
        known.table.keyring = store.keyring
    accountant = Accountant(
        known,
        lambda records: recorder.store_now(batches_of_records(records)),
        timedelta(days=1),
        utc_now,
        Discards(),
        recorder.has_room,
        Replays(ReplayFile(path.with_name("replays.db"))),
    )
    waiting = list(zip(records(count), itertools.cycle(SOURCES), itertools.repeat(0.0)))

    def answer() -> None:
        answers = 0
        for first in range(0, len(waiting), IN_A_COMMIT):
            some = waiting[first : first + IN_A_COMMIT]
            answers += len(accountant.answer(some, time.monotonic()))
        if answers != len(waiting):
            raise RuntimeError(f"{answers} answers to {len(waiting)} records")
        accountant.save_replays()

    spent = {"read, stored, answer made": _seconds(answer)}
    spent["into the store"] = _seconds(recorder.flush)
    return _each(spent, len(waiting))


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def _each(spent: dict[str, float], count: int) -> dict[str, float]:
    return {step: seconds / count * 1e6 for step, seconds in spent.items()}


def main() -> None:
    """Print three rounds."""
    count = int(sys.argv[1]) if sys.argv[1:] else COUNT
    freeze_companion_memory()
    for _ in range(3):
        kinds = (
            ("decision", of_decisions),
            ("wrong guess", partial(of_acts, Kind.GUESS)),
            ("first login", partial(of_acts, Kind.IN)),
            ("accounting", of_accounting),
        )
        for what, measure in kinds:
            with tempfile.TemporaryDirectory(prefix="nexio-bench-") as folder:
                home = str(Path(folder) / "nexio")
                configuration = Configuration.from_environment({"NEXIO_HOME": home})
                create_store(configuration)
                for step, each in measure(configuration, count).items():
                    print(f"{what:12} {step:30} {each:6.1f} us")


if __name__ == "__main__":
    main()
