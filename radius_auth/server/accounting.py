"""Runs accounting in the companion: stores and answers records, and passes them on to the store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.network.accounting_records import AccountingBatch, batches_of_records
from nexio.network.session_updates import record_accounting_batches
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.replays import ReplayFile, Replays
from radius_auth.recording.spool import Spool
from radius_auth.server.accountant import Accountant, AccountingThread

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nexio.store.engine import Store
    from radius_auth.protocol.discards import Discards
    from radius_auth.replica.follower import Follower
    from radius_auth.server.options import Options


@contextmanager
def accounting(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
    opened: Sequence[socket.socket],
    options: Options,
    follower: Follower,
    path: Path,
    open_store: Callable[[], Store],
    discards: Discards,
) -> Iterator[None]:
    """Store and answer accounting in threads, and pass it on to the store."""
    recorder = Recorder(Spool(path, AccountingBatch), open_store, record_accounting_batches)
    accountant = Accountant(
        follower,
        lambda records: recorder.store_now(batches_of_records(records)),
        options.max_staleness,
        utc_now,
        discards,
        recorder.has_room,
        Replays(ReplayFile(path.with_name("replays.db"))),
    )
    thread = AccountingThread(opened, accountant, discards)
    recorder.start()
    thread.start()
    try:
        yield
    finally:
        thread.stop()
        recorder.stop()
