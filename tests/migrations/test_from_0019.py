"""A store of version 0019 is brought up: nobody is in a group, no Wi-Fi starts early."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.locations.locations import change_settings, get_location
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0019", rows_of_0002


def test_a_location_can_open_its_wifi_early(old: Configuration) -> None:
    """Nothing else changes."""
    done = upgrade(old)
    assert done.version == "0019"
    done.check_rows()
    assert {row["early_minutes"] for row in done.after["location"]} == {0}
    assert {row["group_name"] for row in done.after["visit"]} == {None}
    name = done.after["location"][0]["name"]
    with closing(Store.open(old)) as store, store.write() as work:
        change_settings(work, get_location(work, name), {"early_minutes": 15})
        assert get_location(work, name).settings.early_minutes == 15
