"""What a monitor reads of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from nexio import __version__
from nexio.checkin.check_ins import tap_visit
from nexio.metrics.store_numbers import StoreNumbers
from nexio.store.engine import Store
from tests.support.accounting import record, tell
from tests.support.people import add_location, register

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock


class Read:
    """The numbers of a store, after one look."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self.numbers = StoreNumbers(lambda: Store.open(configuration, clock))
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self.numbers)

    def __call__(self, name: str, **labels: str) -> float | None:
        """One of them."""
        self.numbers.read()
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def read(configuration: Configuration, clock: Clock) -> Read:
    """The numbers of Harbour House."""
    return Read(configuration, clock)


HOUSE = "Harbour House"


def test_an_empty_house(read: Read, location: Location) -> None:
    """Each location is there, with 0."""
    assert read("nexio_store_up") == 1
    assert read("nexio_sessions_open", location=HOUSE) == 0
    assert read("nexio_people_in", location=HOUSE) == 0
    assert read("nexio_pins_free", location=HOUSE) == 1_000_000
    assert read("nexio_pins", location=HOUSE) == 1_000_000
    assert read("nexio_sessions_past_end") == 0
    assert read("nexio_mail_outbox", state="queued") == 0
    assert read("nexio_mail_outbox", state="failed") == 0


def test_people_mail_and_pins(read: Read, store: Store, location: Location, clock: Clock) -> None:
    """A visitor in the house: until the cut-off, whether or not that was written down."""
    add_location(store, "Annex", "UTC")
    visit = register(store, location)
    with store.write() as work:
        tap_visit(work, visit.id)
    assert read("nexio_people_in", location=HOUSE) == 1
    assert read("nexio_people_in", location="Annex") == 0
    assert read("nexio_pins_free", location=HOUSE) == 999_999
    assert read("nexio_mail_outbox", state="queued") == 1
    clock.advance(hours=24)
    assert read("nexio_people_in", location=HOUSE) == 0


def test_sessions(read: Read, store: Store, location: Location, clock: Clock) -> None:
    """One that goes on, also after the visitor's Wi-Fi is over."""
    visit = register(store, location)
    tell(store, record(visit=visit, location_id=location.id))
    assert read("nexio_sessions_open", location=HOUSE) == 1
    assert read("nexio_sessions_past_end") == 0
    clock.advance(hours=2)
    assert read("nexio_sessions_past_end") == 1


def test_a_store_that_is_away(
    sqlite_configuration: Configuration, sqlite_location: Location, clock: Clock
) -> None:
    """What was true is not told as if it still were."""
    read = Read(sqlite_configuration, clock)
    assert read("nexio_people_in", location=HOUSE) == 0
    (sqlite_configuration.home / "nexio.db").rename(sqlite_configuration.home / "away")
    assert read("nexio_store_up") == 0
    assert read("nexio_people_in", location=HOUSE) is None
    assert read("nexio_build_info", version=__version__) == 1


def test_nobody_is_named(read: Read, store: Store, location: Location) -> None:
    """No e-mail, name, PIN or MAC address is in a label."""
    visit = register(store, location, email="zoe@example.com")
    tell(store, record(visit=visit, location_id=location.id))
    read.numbers.read()
    text = generate_latest(read.registry).decode()
    device = record(visit=visit).calling_station
    assert not any(each in text for each in ("zoe", "Zoë", visit.pin, device))
