"""A store of version 0017 is brought up: its tokens have no limit, and new ones may have one."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.locations.locations import get_location
from nexio.network.devices import free_device, list_devices, take_slots
from nexio.network.news import read_visits
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade
from tests.support.people import register, set_up

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock

OLD = "0017", rows_of_0002
PHONE, LAPTOP = "02:00:00:00:00:01", "02:00:00:00:00:02"


def test_r18_no_old_token_is_limited(old: Configuration, clock: Clock) -> None:
    """Nothing else changes; a visitor who is registered from now on may have a limit."""
    done = upgrade(old)
    assert done.version == "0017"
    done.check_rows()
    assert done.new_tables() == {"device", "mail_text", "server", "nas_signature"}
    assert {row["device_limit_outage"] for row in done.after["location"]} == {"allow"}
    with closing(Store.open(old, clock)) as store:
        with store.read() as work:
            location = get_location(work, done.after["location"][0]["name"])
            assert read_visits(work, [1])[1].max_devices is None
        set_up(store, location, "visitor-tokens=on", "max-devices=1")
        visit = register(store, location, email="new@example.com")
        with store.write() as work:
            assert list(take_slots(work, [(visit.id, PHONE), (visit.id, LAPTOP)]).values()) == [
                True,
                False,
            ]
            free_device(work, visit.id, PHONE)
            assert take_slots(work, [(visit.id, LAPTOP)]) == {(visit.id, LAPTOP): True}
        with store.read() as work:
            assert [each.holds_slot for each in list_devices(work, visit.id)] == [False, True]
