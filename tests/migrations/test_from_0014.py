"""A store of version 0014 is brought up: its locations speak English, and may speak otherwise."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.locations.locations import change_settings, get_location
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0014", rows_of_0002


def test_a_location_can_be_given_a_language(old: Configuration) -> None:
    """Nothing else changes."""
    done = upgrade(old)
    assert done.version == "0014"
    done.check_rows()
    assert {row["language"] for row in done.after["location"]} == {"en"}
    name = done.after["location"][0]["name"]
    with closing(Store.open(old)) as store, store.write() as work:
        change_settings(work, get_location(work, name), {"language": "vi"})
        assert get_location(work, name).settings.language == "vi"
