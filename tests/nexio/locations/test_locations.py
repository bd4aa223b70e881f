"""Locations: adding, editing, finding, and choosing the one that is meant."""

from datetime import timedelta

import pytest

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.locations.locations import (
    Location,
    add_location,
    change_settings,
    edit_location,
    find_location,
    get_location,
    list_locations,
)
from nexio.locations.settings import Settings
from nexio.store.engine import Store
from tests.support import people
from tests.support.stores import row_counts


def test_a_new_location_has_every_setting_at_its_start(store: Store) -> None:
    """R3: visitor tokens are off at first."""
    with store.write() as work:
        location = add_location(work, " Harbour House ", "europe/london")
    with store.read() as work:
        assert list_locations(work) == [location]
    assert location == Location(
        id=location.id, name="Harbour House", time_zone="Europe/London", settings=Settings()
    )
    assert location.zone.key == "Europe/London"


@pytest.mark.parametrize(
    "name", ["Zoë’s Café", "ZOË’S CAFÉ", " zoë’s café ", "Zoe\u0308’s Cafe\u0301"]
)
def test_a_location_is_found_in_any_case(store: Store, name: str) -> None:
    """And however its letters are composed."""
    added = people.add_location(store, "Zoë’s Café")
    with store.read() as work:
        assert find_location(work, name) == added
        assert get_location(work, name) == added


@pytest.mark.parametrize(
    ("name", "zone", "message"),
    [
        ("", "Europe/London", "the location has no name"),
        ("  ", "Europe/London", "the location has no name"),
        ("x" * 61, "Europe/London", "has 61 characters"),
        ("a\nb", "Europe/London", "has a line break"),
        ("Quay", "Europe/Londn", "no time zone"),
        ("Quay", "../../etc/passwd", "no time zone"),
    ],
)
def test_a_location_that_cannot_be(sqlite_store: Store, name: str, zone: str, message: str) -> None:
    """Nothing is added then."""
    with pytest.raises(InvalidValue, match=message), sqlite_store.write() as work:
        add_location(work, name, zone)
    assert row_counts(sqlite_store)["location"] == 0


def test_a_taken_name_is_refused(store: Store, location: Location) -> None:
    """In any case."""
    with pytest.raises(Refused, match="there is a location 'HARBOUR HOUSE' already"):
        people.add_location(store, "HARBOUR HOUSE")


def test_a_location_is_renamed_and_moved(store: Store, location: Location) -> None:
    """Its settings and its number stay."""
    with store.write() as work:
        edited = edit_location(work, location, name="HARBOUR house", time_zone="Europe/Dublin")
    assert (edited.name, edited.time_zone) == ("HARBOUR house", "Europe/Dublin")
    assert (edited.id, edited.settings) == (location.id, location.settings)
    with store.read() as work:
        assert list_locations(work) == [edited]


def test_an_edit_without_a_change_is_an_error(store: Store, location: Location) -> None:
    """The advice names what can be changed."""
    with pytest.raises(InvalidValue, match="nothing to change") as caught, store.write() as work:
        edit_location(work, location)
    assert "--timezone" in caught.value.advice


def test_a_location_cannot_take_anothers_name(store: Store, location: Location) -> None:
    """All or nothing: the zone stays too."""
    quay = people.add_location(store, "Quay")
    with pytest.raises(Refused), store.write() as work:
        edit_location(work, quay, name="harbour house", time_zone="Asia/Tokyo")
    with store.read() as work:
        assert find_location(work, "Quay") == quay


def test_the_only_location_is_meant_where_none_is_named(store: Store, location: Location) -> None:
    """--location defaults to the only one."""
    with store.read() as work:
        assert get_location(work, None) == location


def test_with_several_locations_one_must_be_named(store: Store, location: Location) -> None:
    """The advice lists them."""
    people.add_location(store, "Annex")
    with store.read() as work, pytest.raises(InvalidValue, match="which location") as caught:
        get_location(work, None)
    assert caught.value.advice == "Say --location with one of: Annex, Harbour House"


def test_without_any_location_the_advice_adds_one(store: Store) -> None:
    """It is the first thing that a new deployment needs."""
    with store.read() as work, pytest.raises(InvalidValue, match="no location yet") as caught:
        get_location(work, None)
    assert "nexio init --location NAME" in caught.value.advice


def test_an_unknown_location_is_not_found(store: Store, location: Location) -> None:
    """The advice lists those that there are."""
    with store.read() as work, pytest.raises(NotFound, match="no location 'Quay'") as caught:
        get_location(work, "Quay")
    assert caught.value.advice == "The locations are: Harbour House"


def test_settings_are_saved_all_or_nothing(store: Store, location: Location) -> None:
    """R9: one of them is refused, so none is saved."""
    with pytest.raises(Refused), store.write() as work:
        change_settings(work, location, {"pin_length": 8, "wifi_login": "pin"})
    with store.read() as work:
        assert get_location(work, None) == location


def test_saved_settings_are_read_back(store: Store, location: Location) -> None:
    """Each type of them, on both engines."""
    words = ("token-duration=2d", "planned-guests=40", "roaming=on", "ssid=Gäste")
    saved = people.set_up(store, location, *words)
    assert saved.settings == Settings(
        visitor_tokens=True,
        token_duration=timedelta(days=2),
        planned_guests=40,
        roaming=True,
        ssid="Gäste",
    )
    with store.read() as work:
        assert get_location(work, None) == saved
