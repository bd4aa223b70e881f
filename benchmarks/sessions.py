"""Measures how soon sessions end, and how much accounting slows down logins meanwhile.

``python -m benchmarks.sessions`` prints how soon; ``make bench`` measures both.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.crowd import fill
from benchmarks.form import RATE, Form
from benchmarks.generator.load import Generator, Load, Order
from benchmarks.packets import SOCKETS
from benchmarks.results import Endings
from nexio.configuration import Configuration
from nexio.locations.locations import get_location
from nexio.network.accounting_records import Status
from nexio.network.nas import NewNas, add_nas
from nexio.reception.tokens import revoke_token
from nexio.reception.visits import VisitFilter, list_visits
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.tables import AccessTokenRow
from radius_auth.protocol.packet import Acct, read_packet
from tests.support.accounting import record, tell
from tests.support.radius.fake_nas import FakeNas, reply
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import Radiusd, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.servers.server import Server
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit

REVOKED: Final = 12
"""Visitors who are revoked one after the other."""

ENDS_IN: Final = 3.0
"""Seconds until the windows of all others end together."""

HERE: Final = "127.0.0.1"
_chance = random.Random(5)


def measure(sessions: int) -> Endings:
    """End so many sessions together, and before that some one by one.  The store is SQLite."""
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as home:
        configuration = Configuration.from_environment({"NEXIO_HOME": home})
        create_store(configuration)
        fill(configuration, REVOKED + 1)
        with closing(Store.open(configuration)) as store, FakeNas(then=reply()) as nas:
            location, (whole, *single) = _visits(store)
            new = NewNas(name="ap", address=HERE, secret=SECRET.decode(), disconnect=f":{nas.port}")
            with store.write() as work:
                number = add_nas(work, location, new).id
            with Radiusd(configuration):
                noticed = sorted(_revoke(store, nas, number, each) for each in single[:REVOKED])
                until = _end_together(store, number, whole, sessions)
                wait_until(lambda: len(_times_together(nas)) >= sessions)
            times = _times_together(nas)
    return Endings(
        noticed=noticed,
        together=sessions,
        last=times[-1] - until,
        per_second=(sessions - 1) / (times[-1] - times[0]),
    )


def words(endings: Endings) -> str:
    """The results as text."""
    return (
        f"After a visitor was revoked, the access point had the Disconnect-Request"
        f" {median(endings.noticed):.1f} s later (half of {len(endings.noticed)}),"
        f" {endings.noticed[-1]:.1f} s (the longest). {endings.together:,} windows ended in the"
        f" same moment: the last request came {endings.last:.1f} s later, at"
        f" {endings.per_second:,.0f} a second, on SQLite."
    )


def beside_accounting(
    folder: Path, generator: Generator, server: Server, known: dict[str, Load], form: Form
) -> list[tuple[float, float]]:
    """Accepts a second alone, and beside :data:`RATE` accounting records a second: pairs.

    More pairs than rounds, each other one in the other order: what is compared is a few percent.
    """
    folder.mkdir()
    pairs = 2 * form.rounds + 1
    other, records = Generator(folder), known["accounting beside"]
    part = len(records.requests) // pairs // SOCKETS * SOCKETS
    logins = Order(port=server.port, seconds=form.seconds)

    def alone() -> float:
        server.wait_until_quiet()  # nothing is recorded any more that came before
        outcome = generator.send(known["accept"], logins)
        return outcome.answers / outcome.seconds

    def beside(number: int) -> float:
        server.wait_until_quiet()
        started = threading.Event()
        order = Order(
            port=server.port + 1,
            seconds=form.seconds + 1,
            rate=RATE,
            first=number * part,
            limit=part,
        )
        accounting = threading.Thread(target=other.send, args=(records, order, started.set))
        accounting.start()
        started.wait()
        outcome = generator.send(known["accept"], logins)
        accounting.join()
        return outcome.answers / outcome.seconds

    found = []
    for number in range(pairs):
        if number % 2:
            with_records, without = beside(number), alone()
        else:
            without, with_records = alone(), beside(number)
        found.append((without, with_records))
    return found


def _visits(store: Store) -> tuple[Location, list[Visit]]:
    with store.read() as work:
        location = get_location(work, "Bench")
        return location, list_visits(work, location, VisitFilter(past_and_deleted=True))


def _begin(store: Store, nas: int, visit: Visit, first: int, count: int = 1) -> None:
    about = {"nas_id": nas, "nas": "ap", "source_address": HERE, "at": store.clock()}
    starts = [
        record(Status.START, visit, key=f"{each:032x}", session_id=str(each), **about)
        for each in range(first, first + count)
    ]
    tell(store, *starts)


def _revoke(store: Store, nas: FakeNas, number: int, visit: Visit) -> float:
    """Seconds until the NAS is asked to disconnect."""
    before = len(nas.heard)
    _begin(store, number, visit, visit.id % REVOKED)
    time.sleep(_chance.random())  # servers look once a second: at any moment of it
    with store.write() as work:
        revoke_token(work, visit.id)
    began = time.time()
    wait_until(lambda: len(nas.heard) > before)
    return nas.times[before] - began


def _times_together(nas: FakeNas) -> list[float]:
    """When those came that are not about visitors who were revoked, who are asked for again."""
    heard = zip(nas.times, list(nas.heard), strict=False)
    return [
        at
        for at, (octets, _) in heard
        if int(read_packet(octets).values(Acct.SESSION_ID)[0]) >= REVOKED
    ]


def _end_together(store: Store, nas: int, visit: Visit, sessions: int) -> float:
    """Begin so many; when their window ends."""
    _begin(store, nas, visit, REVOKED, sessions)
    assert visit.token is not None
    with store.write() as work:
        token = work.session.get_one(AccessTokenRow, visit.token.id)
        token.valid_until = work.now + timedelta(seconds=ENDS_IN)
        return token.valid_until.timestamp()


if __name__ == "__main__":
    print(words(measure(1_000)))
