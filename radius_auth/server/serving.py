"""The process that answers: follower and recorder in the background, the sockets in front."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent
from nexio.network.following import Horizon
from nexio.store.engine import Store
from nexio.store.patience import Patience
from radius_auth.guard.sharing import shared_guard
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import Follower
from radius_auth.server.accounting import accounting
from radius_auth.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration
    from radius_auth.server.options import Options
    from radius_auth.server.worker import Inherited

HAND_OVER_SECONDS = 0.0005
"""How long one thread may compute while another one wants to: Python's own 5 ms of accounting
would be felt at the login page."""

STOP_SECONDS = 3.0
"""How long the database is still waited for at the end."""


def serve(
    inherited: Inherited,
    options: Options,
    configuration: Configuration,
    ready: Callable[[], None],
) -> None:
    """Be the worker process until SIGTERM or SIGINT.

    Args:
        inherited: what the parent has opened.
        options: how to run.
        configuration: where the store is.
        ready: called once when requests are answered.

    Raises:
        NexioError: the store or its key cannot be used at the start.
    """
    sys.setswitchinterval(HAND_OVER_SECONDS)

    patience = Patience.of_a_server()

    def open_store() -> Store:
        return Store.open(configuration, patience=patience)

    with (
        following(Follower(open_store, Horizon())) as follower,
        shared_guard(configuration, patience) as guard,
    ):
        folder = configuration.home / "spool"
        recorder = Recorder(Spool(folder / "radiusd.db", AuthEvent), open_store, record_events)
        worker = Worker(inherited, follower, recorder, options, guard=guard)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        signal.signal(signal.SIGHUP, lambda *_: follower.reload())
        recorder.start()
        try:
            with accounting(inherited, options, follower, folder / "accounting.db", open_store):
                ready()
                try:
                    worker.run()
                finally:
                    patience.end_in(STOP_SECONDS)  # what is not in the store by then is spooled
        finally:
            recorder.stop()
            worker.close()


@contextmanager
def following(follower: Follower) -> Iterator[Follower]:
    """Follow the store while it is in use."""
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()
