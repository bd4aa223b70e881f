"""Making a store: key, tables, and the one row about the store itself."""

import shutil
from contextlib import closing

import pytest
from sqlalchemy import select

from nexio.configuration import Configuration
from nexio.errors import KeyUnusable, StoreUnreachable
from nexio.keys.key_file import load_keys
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.tables import StoreRevisionRow
from tests.support.people import add_location, register
from tests.support.postgresql import PostgreSQL
from tests.support.stores import row_counts, run_sql


def revision_of(configuration: Configuration) -> tuple[str, str, bytes]:
    """What makes a store this one: epoch, key and signing key."""
    with closing(Store.open(configuration)) as store, store.read() as work:
        row = work.session.scalars(select(StoreRevisionRow)).one()
    return row.epoch, row.key_id, row.signing_key_sealed


def test_a_store_is_made_once(configuration: Configuration) -> None:
    """``nexio init`` may be run again: nothing changes."""
    before, key = revision_of(configuration), configuration.key_file.read_bytes()
    assert create_store(configuration) is False
    assert revision_of(configuration) == before
    assert configuration.key_file.read_bytes() == key


def test_what_is_in_a_store_stays(store: Store, configuration: Configuration) -> None:
    """Also when ``nexio init`` is run on a store in use."""
    with store.write() as work:
        work.session.get_one(StoreRevisionRow, 1).oldest = 0
    before = row_counts(store)
    assert create_store(configuration) is False
    assert row_counts(store) == before


def test_a_new_store_starts_at_zero(store: Store) -> None:
    """Under a new epoch, with the active key of the file."""
    with store.read() as work:
        row = work.session.scalars(select(StoreRevisionRow)).one()
    assert (row.id, row.number, row.oldest) == (1, 0, 0)
    assert len(row.epoch) == 32
    assert row.key_id == store.keyring.active


def test_no_new_key_is_made_for_a_store_that_is_there(configuration: Configuration) -> None:
    """It would hide that the old one is missed."""
    configuration.key_file.unlink()
    with pytest.raises(KeyUnusable, match="but not its key file"):
        create_store(configuration)
    assert not configuration.key_file.exists()


def test_a_key_file_that_is_there_is_used(
    configuration: Configuration, postgresql: PostgreSQL
) -> None:
    """A second store of the same deployment; it has an epoch of its own."""
    first = revision_of(configuration)
    if configuration.database_url.startswith("sqlite"):
        (configuration.home / "nexio.db").unlink()
        for rest in configuration.home.glob("nexio.db-*"):
            rest.unlink()
    else:
        name = configuration.database_url.partition("?")[0].rpartition("/")[2]
        postgresql.drop_database(name)
        postgresql.create_database(name)
    assert create_store(configuration) is True
    second = revision_of(configuration)
    assert second[1] == first[1] == load_keys(configuration.key_file).active
    assert second[0] != first[0]


def test_a_store_that_was_not_finished_is_finished(
    store: Store, configuration: Configuration
) -> None:
    """The power went between the tables and their first row."""
    run_sql(store, "DELETE FROM store_revision")
    with pytest.raises(StoreUnreachable, match="the store is not complete") as caught:
        Store.open(configuration)
    assert caught.value.advice == "Finish it with: nexio init"
    assert create_store(configuration) is True
    Store.open(configuration).close()


def test_a_new_last_key_changes_nothing_in_a_store(
    store: Store, configuration: Configuration
) -> None:
    """The store names its key itself; a rotation is what changes it."""
    one = store.keyring.active
    spare = configuration.home / "spare"
    shutil.copy2(configuration.key_file, spare)
    with configuration.key_file.open("a") as file:
        file.write("0000bbbb " + "A" * 43 + "=\n")
    assert load_keys(configuration.key_file).active == "0000bbbb"
    with closing(Store.open(configuration)) as again:
        assert again.keyring.active == one


def test_a_visitor_can_be_registered_in_a_new_store(configuration: Configuration) -> None:
    """Made by ``create_store``, opened, used."""
    with closing(Store.open(configuration)) as store:
        assert register(store, add_location(store, "Quay")).id == 1
