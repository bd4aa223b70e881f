"""A desk that registers while something else goes on."""

from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.store.engine import Store
from nexio.store.patience import Patience
from tests.support.people import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.clock import Clock
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location

WAITS = 5.0
"""Seconds that a desk has patience for a lock, and for its registration."""

PAUSE = 0.05
"""Seconds between two visitors."""


@contextmanager
def a_busy_desk(
    configuration: Configuration, location: Location, clock: Clock = utc_now
) -> Iterator[list[float]]:
    """A desk that registers one visitor after the other, and how long each has taken.

    It gives up, and the test fails, where it has to wait for :data:`WAITS`.
    """
    waits: list[float] = []
    faults: list[BaseException] = []
    over = threading.Event()

    def work() -> None:
        patience = Patience(busy=WAITS)
        try:
            with closing(Store.open(configuration, clock, patience)) as desk:
                while not over.is_set():
                    began = time.monotonic()
                    register(desk, location, email=f"desk{len(waits)}@example.com")
                    waits.append(time.monotonic() - began)
                    over.wait(PAUSE)  # else it would hardly let anybody else in on SQLite
        except BaseException as error:  # noqa: BLE001 (raised below, in the test's thread)
            faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()
    for fault in faults:
        raise fault
