"""A reception desk in real time, for tests of a running server."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from copy import copy
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Self

from nexio.clock import utc_now
from nexio.locations.locations import get_location
from nexio.network.event_log import list_events
from nexio.network.nas import NewNas, add_nas
from nexio.network.sessions import SessionFilter, list_sessions
from nexio.store.engine import Store
from tests.support.clocks import Clock, noon_zone
from tests.support.people import add_location, register, set_up
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.network.events import AuthEvent
    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit
    from tests.support.radius.radclient import Reply

_emails = map("guest{}@example.com".format, count(1))


class Desk:
    """A reception desk with a store, and the server that answers its visitors.

    It uses the real time, as the server does.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.store = Store.open(configuration)
        self.location: Location = add_location(
            self.store, "Harbour House", noon_zone(), "visitor-tokens=on"
        )
        self.add_nas("127.0.0.1", "::1")

    def add_nas(self, *addresses: str) -> None:
        """Add a NAS for each of these addresses, named like it."""
        with self.store.write() as work:
            for address in addresses:
                nas = NewNas(name=address, address=address, secret=SECRET.decode())
                add_nas(work, self.location, nas)

    def register(self, arrival: str = "now", **texts: str) -> Visit:
        """Register a visitor with a new e-mail address."""
        email = next(_emails)
        return register(self.store, self.location, arrival=arrival, **{"email": email} | texts)

    def at(self, name: str) -> Self:
        """The desk of another location in the same store."""
        there = copy(self)
        with self.store.read() as work:
            there.location = get_location(work, name)
        return there

    @contextmanager
    def settings(self, changed: str, back: str) -> Iterator[None]:
        """Change settings for a moment."""
        set_up(self.store, self.location, changed)
        yield
        set_up(self.store, self.location, back)

    def register_earlier(self, **ago: float) -> Visit:
        """A visitor who was registered, and expected, some time ago: ``hours=3``."""
        clock = Clock(utc_now() - timedelta(**ago))
        with closing(Store.open(self.configuration, clock)) as earlier:
            return register(earlier, self.location, email=next(_emails))

    def events(self) -> list[AuthEvent]:
        """What the log shows, by the time: each worker tells in its own order."""
        with self.store.read() as work:
            found = [logged.event for logged in list_events(work, None, limit=10_000)]
        return sorted(found, key=lambda event: event.at)

    def reasons(self) -> list[str]:
        """The reasons of the decisions, oldest first."""
        return [event.reason for event in self.events()]

    def wait_for_events(self, complete: Callable[[list[AuthEvent]], bool]) -> list[AuthEvent]:
        """The log's decisions once it is complete; servers write to it twice a second."""
        deadline = time.monotonic() + PATIENCE
        while not complete(found := self.events()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found


@contextmanager
def desk_with(configuration: Configuration) -> Iterator[Desk]:
    """A desk with that store."""
    desk = Desk(configuration)
    with closing(desk.store):
        yield desk


def seconds_left(visit: Visit, now: datetime | None = None) -> int:
    """The seconds left of the visit's window."""
    assert visit.token is not None
    assert visit.token.valid_until is not None
    return int((visit.token.valid_until - (now or utc_now())).total_seconds())


def ask_until(code: str, ask: Callable[[], Reply]) -> Reply:
    """Ask until the server knows a change."""
    deadline = time.monotonic() + PATIENCE
    while (reply := ask()).code != code:
        assert time.monotonic() < deadline, f"never {code}"
        time.sleep(0.02)
    return reply


def sessions_when(desk: Desk, enough: Callable[[list[WifiSession]], bool]) -> list[WifiSession]:
    """The sessions in the store, as soon as they meet a condition."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with desk.store.read() as work:
            found = list_sessions(work, SessionFilter())
        if enough(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
