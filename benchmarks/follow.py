"""Measures the cost of a change after very many visits: ``python -m benchmarks.follow``.

Prints milliseconds of CPU that the companion takes to follow one registration, and to read the
whole store, with 1,000 visits today and 1,000,000 in the past (or as many as are named).
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from benchmarks.crowd import fill
from nexio.configuration import Configuration
from nexio.locations.locations import get_location
from nexio.network.following import Horizon
from nexio.reception.registration import Repetition, register
from nexio.reception.registration_texts import read_registration
from nexio.store.creation import create_store
from nexio.store.engine import Store
from radius_auth.replica.follower import Follower

if TYPE_CHECKING:
    from collections.abc import Callable

PAST: Final = 1_000_000
TODAY: Final = 1_000
CHANGES: Final = 20

_COPY: Final = """
    WITH RECURSIVE past(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < :count)
    INSERT INTO visit (location_id, first_name, last_name, email, email_key, source,
        expected_arrival, opens_at, closes_at, token_starts, pin_sealed, pin_digest, registered_at,
        batch)
    SELECT location_id, first_name, last_name, 'past' || n || '@example.com',
        'past' || n || '@example.com', source, datetime(expected_arrival, '-60 days'),
        datetime(opens_at, '-60 days'), datetime(closes_at, '-60 days'), token_starts, pin_sealed,
        pin_digest, datetime(registered_at, '-60 days'), batch
    FROM past CROSS JOIN (SELECT * FROM visit ORDER BY id LIMIT 1)
"""


def registered(store: Store, number: int) -> None:
    """Register one more visitor."""
    with store.write() as work:
        location = get_location(work, None)
        email = f"new{number}@example.com"
        texts = {"first_name": "Ada", "last_name": "Example", "email": email}
        register(work, location, read_registration(texts, work.now, location), Repetition())


def milliseconds(act: Callable[[], object]) -> float:
    """Milliseconds of CPU of a call."""
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1e3


def measure(past: int) -> tuple[float, list[float]]:
    """Milliseconds to read all, and to follow each of the changes."""
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as folder:
        home = str(Path(folder) / "nexio")
        configuration = Configuration.from_environment({"NEXIO_HOME": home})
        create_store(configuration)
        today = len(fill(configuration, TODAY))
        with closing(Store.open(configuration)) as store:
            with store.engine.begin() as connection:
                connection.execute(text(_COPY), {"count": past})
            began = time.process_time()
            follower = Follower(lambda: Store.open(configuration), Horizon())
            read = (time.process_time() - began) * 1e3
            gc.freeze()
            spent = []
            for number in range(CHANGES):
                registered(store, number)
                spent.append(milliseconds(follower.follow))
            held = len(follower.table.all_visits())
            follower.stop()
    if held != today + CHANGES:
        raise RuntimeError(f"{held} visits are followed")
    return read, spent


def main() -> None:
    """Print the figures without a past, and with one."""
    for past in (1, int(sys.argv[1]) if sys.argv[1:] else PAST):
        read, spent = measure(past)
        print(
            f"{past:9,} past visits: {read:7.1f} ms to read the store,"
            f" {median(spent):5.1f} ms to follow a change, {max(spent):5.1f} at worst"
        )


if __name__ == "__main__":
    main()
