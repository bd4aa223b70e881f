"""A store of version 0018 is brought up: accepts say what they said, and can say more."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError

from nexio.input.reply_settings import ReplySetting
from nexio.locations.locations import edit_location, get_location
from nexio.network.nas import NasChanges, edit_nas, list_nas
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0018", rows_of_0002


def test_accepts_can_say_more(old: Configuration) -> None:
    """Nothing else changes; NAS are of no known kind."""
    done = upgrade(old)
    assert done.version == "0018"
    done.check_rows()
    assert {row["reply"] for row in (*done.after["location"], *done.after["nas"])} == {"[]"}
    assert {row["profile"] for row in done.after["nas"]} == {"generic"}
    vlan = {"vlan": [ReplySetting("", "vlan", "20")]}
    with closing(Store.open(old)) as store:
        with store.write() as work:
            place = get_location(work, done.after["location"][0]["name"])
            assert edit_location(work, place, reply=vlan).reply == (*vlan["vlan"],)
            name = list_nas(work)[0].name
            changes = NasChanges(profile="coova-chilli", reply=vlan)
            assert edit_nas(work, name, changes).counts_for_client
        with pytest.raises(IntegrityError):
            run_sql(store, "UPDATE nas SET counts = 'both'")
