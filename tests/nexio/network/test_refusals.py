"""Whom the Wi-Fi refused: once each, and not who got on later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent
from nexio.network.refusals import list_refusals
from tests.support.people import add_location, register

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

PHONE, LAPTOP = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Logins:
    """Decisions at a location, a minute after each other."""

    def __init__(self, store: Store, location: Location, clock: Clock) -> None:
        self._store, self._location, self._clock = store, location, clock
        self.began = clock.now

    def log(
        self,
        user_name: str,
        reason: str,
        device: str | None = PHONE,
        visit: Visit | None = None,
        location: Location | None = None,
    ) -> None:
        """One more, at another location where one is named."""
        self._clock.advance(minutes=1)
        event = AuthEvent(
            at=self._clock.now,
            user_name=user_name,
            device=device,
            nas="lobby",
            location_id=(location or self._location).id,
            visit_id=None if visit is None else visit.id,
            outcome="accept" if reason == "valid" else "reject",
            reason=reason,
            latency_us=1,
        )
        with self._store.write() as work:
            record_events(work, [event])

    @property
    def refused(self) -> list[tuple[str, str, int]]:
        """Name of the visitor or as typed, the last reason, and how many times."""
        with self._store.read() as work:
            found = list_refusals(work, self._location, self.began, {"MAC authentication"})
        return [(each.name or each.user_name, each.reason, each.count) for each in found]


@pytest.fixture
def logins(store: Store, location: Location, clock: Clock) -> Logins:
    """At Harbour House."""
    return Logins(store, location, clock)


def test_each_person_once(store: Store, location: Location, logins: Logins) -> None:
    """With the last reason and how often; the latest first; only guests, and only of here."""
    zoe = register(store, location)
    logins.log("zoe@example.com", "wrong PIN", visit=zoe)
    logins.log("aba@example.com", "unknown user", LAPTOP)
    logins.log("ZOE@example.com", "too soon", visit=zoe)
    logins.log(PHONE, "MAC authentication")
    logins.log("eve@example.com", "unknown user", location=add_location(store, "Annex"))
    assert logins.refused == [
        ("Zoë Nguyễn", "too soon", 2),
        ("aba@example.com", "unknown user", 1),
    ]


def test_who_got_on_later_is_left_out(store: Store, location: Location, logins: Logins) -> None:
    """By the device, also where the name was typed wrong before; or by the visit."""
    zoe = register(store, location)
    logins.log("zo@example.com", "unknown user", PHONE)
    logins.log("zoe@example.com", "wrong PIN", LAPTOP, zoe)
    assert len(logins.refused) == 2
    logins.log("zoe@example.com", "valid", PHONE, zoe)
    assert logins.refused == []
    logins.log("zoe@example.com", "ended", LAPTOP, zoe)
    assert logins.refused == [("Zoë Nguyễn", "ended", 2)]


def test_what_was_before_is_over(logins: Logins, clock: Clock) -> None:
    """Only since the moment that is asked for."""
    logins.log("aba@example.com", "unknown user", None)
    assert logins.refused == [("aba@example.com", "unknown user", 1)]
    clock.advance(seconds=1)
    logins.began = clock.now
    assert logins.refused == []
