"""Tablets: their codes, and what comes of backups, keys and checks of the store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.tablets import (
    CHANGES,
    answer,
    code_of,
    find_tablet,
    is_offered,
    is_paired,
    list_tablets,
    new_secret,
    offer,
    pair_at_once,
    withdraw,
)
from nexio.errors import InvalidValue
from nexio.operations.backups import back_up
from nexio.operations.checking import find_damage
from nexio.operations.rotation import rotate_key
from nexio.store.engine import Store
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock


def test_codes_change_and_the_one_before_is_good(
    store: Store, location: Location, clock: Clock
) -> None:
    """Who types slowly is not told that it was wrong; an older one is nobody's."""
    secret = new_secret()
    with store.read() as work:
        code = code_of(work, secret)
        assert code == code_of(work, secret)
        assert code != code_of(work, new_secret())
    clock.advance(minutes=10)
    with store.write() as work:
        assert code_of(work, secret) != code
        offer(work, location, code)
        assert is_offered(work, secret)
    clock.now += CHANGES
    with store.write() as work:
        offer(work, location, code)
        assert not is_offered(work, secret)
        assert answer(work, secret) is None


def test_an_offer_is_taken_once(store: Store, location: Location) -> None:
    """And cannot be withdrawn then; one that nobody took can."""
    secret = new_secret()
    with store.write() as work:
        offered = offer(work, location, code_of(work, secret))
        assert not is_paired(work, offered.id)
        assert list_tablets(work) == []
        credential = answer(work, secret)
        assert credential is not None
        assert answer(work, secret) is None
        assert is_paired(work, offered.id)
        assert not withdraw(work, offered.id)
        found = find_tablet(work, credential)
        assert found is not None
        assert found.id == offered.id
        assert withdraw(work, offer(work, location, "BCDF-GHJK", "Side door").id)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 101])
def test_names_that_cannot_be_used(store: Store, location: Location, name: str) -> None:
    """As for everything else that has a name."""
    with store.write() as work, pytest.raises(InvalidValue):
        offer(work, location, "BCDF-GHJK", name)


def test_what_looks_after_the_store_knows_tablets(
    store: Store, location: Location, configuration: Configuration, tmp_path: Path
) -> None:
    """A new key leaves them paired, a backup has them, and a check finds a row that is damaged."""
    with store.write() as work:
        credential = pair_at_once(work, location)
    rotate_key(store, configuration.key_file)
    with store.read() as work:
        assert find_tablet(work, credential) is not None
        assert find_damage(work) == []
    back_up(store.engine, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        assert backup.execute("SELECT name FROM tablet").fetchall() == [("Harbour House 1",)]
    if configuration.database_url.startswith("sqlite"):
        run_sql(store, "UPDATE tablet SET paired_at = 'never'")
        with store.read() as work:
            assert any("tablet" in line for line in find_damage(work))


def test_two_tablets_get_two_names(store: Store, location: Location) -> None:
    """Numbers that are free."""
    with store.write() as work:
        for _ in range(2):
            pair_at_once(work, location)
        assert [each.name for each in list_tablets(work)] == ["Harbour House 1", "Harbour House 2"]


def test_an_offer_that_was_never_withdrawn(store: Store, location: Location, clock: Clock) -> None:
    """The command was killed: its name is free again soon."""
    with store.write() as work:
        offer(work, location, "BCDF-GHJK", "Front door")
    clock.now += timedelta(seconds=31)
    with store.write() as work:
        assert offer(work, location, "KJHG-FDCB", "Front door").name == "Front door"


def test_another_process_knows_them(
    store: Store, location: Location, configuration: Configuration
) -> None:
    """What is known is in the store."""
    with store.write() as work:
        credential = pair_at_once(work, location)
    with closing(Store.open(configuration)) as other, other.read() as work:
        assert find_tablet(work, credential) is not None
