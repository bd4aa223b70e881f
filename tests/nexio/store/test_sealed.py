"""The registry of sealed columns and of digests."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, update

from nexio.errors import KeyUnusable
from nexio.keys import purposes
from nexio.locations.locations import Location
from nexio.network.accounting_records import seal_name
from nexio.network.nas import NewNas, add_nas
from nexio.operations.checking import find_damage
from nexio.reception.members import add_member
from nexio.reception.passes import issue_pass
from nexio.store.engine import Store
from nexio.store.sealed import DIGESTS, OF_NO_KEY, SEALED
from nexio.store.tables import Row
from tests.support.accounting import record, tell
from tests.support.people import register
from tests.support.stores import run_sql

BO = {"first_name": "Bo", "last_name": "Peep", "email": "bo@example.com"}


def test_each_column_that_looks_sealed_is_in_the_registry() -> None:
    """What is not in it is lost with the next key, and nobody notices."""
    suspect = {
        (table.name, column.name)
        for table in Row.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
        or column.name.endswith(("_sealed", "_digest"))
        or column.name in {"sealed", "digest"}
    }
    known: list[tuple[type[Row], str]] = [
        *((sealed.table, sealed.column) for sealed in SEALED),
        *((digest.table, digest.column) for digest in DIGESTS),
        *OF_NO_KEY,
    ]
    assert suspect == {(table.__tablename__, column) for table, column in known}


@pytest.fixture
def full(store: Store, location: Location) -> Store:
    """A store with something in each column of the registry."""
    register(store, location)
    with store.write() as work:
        issue_pass(work, add_member(work, location, BO, send_pin=False).id)
        add_nas(work, location, NewNas(name="lobby", address="192.0.2.1"))
        name = seal_name(work.keyring, b"zoe@example.com")
    tell(store, record(user_name_sealed=name))
    return store


def damage(store: Store) -> list[str]:
    """What ``db check`` says."""
    with store.read() as work:
        return find_damage(work)


def test_each_sealed_value_is_opened(full: Store) -> None:
    """A value of another column, which no key opens here, is named with its row."""
    assert damage(full) == []
    with full.read() as work:
        foreign = work.keyring.seal("123456" * 6, "somewhere.else")
    with full.write() as work:
        for sealed in SEALED:
            work.session.execute(update(sealed.table).values({sealed.column: foreign}))
    found = {line.partition(" of row 1: ")[0]: line for line in damage(full)}
    assert found.keys() == {sealed.purpose for sealed in SEALED}
    assert all("cannot be opened" in line for line in found.values())


def test_each_damaged_digest_is_named(full: Store) -> None:
    """Nobody would get in with the right PIN: visits, and the live PINs of both kinds."""
    for octets in (b"", b"x", b"\0" * 32, b"x" * 33):
        run_sql(full, "UPDATE visit SET pin_digest = :octets", octets=octets)
        run_sql(full, "UPDATE pin SET digest = :octets WHERE id = 1", octets=octets)
        run_sql(full, "UPDATE pin SET digest = :octets WHERE id = 2", octets=octets + b"y")
        assert damage(full) == [
            "visit.pin_digest of row 1: not of its PIN",
            *(f"pin.digest of row {n}: not of its PIN" for n in (1, 2)),
        ]


def test_a_digest_of_another_location_is_named(full: Store) -> None:
    """The same PIN elsewhere is another one."""
    with full.read() as work:
        digest = work.keyring.digest(2, "123456")
    run_sql(full, "UPDATE visit SET pin_digest = :digest", digest=digest)
    assert damage(full) == ["visit.pin_digest of row 1: not of its PIN"]


def test_what_cannot_be_opened_is_named_once(full: Store) -> None:
    """Its digest cannot be told to be wrong."""
    run_sql(full, "UPDATE member SET pin_sealed = :short", short=b"short")
    (line,) = damage(full)
    assert line.startswith("member.pin of row 1: ")
    with full.read() as work, pytest.raises(KeyUnusable):
        work.keyring.unseal(b"short", "member.pin")


def test_everybody_knows_what_values_are_sealed_for() -> None:
    """They are opened without the registry, which needs the tables."""
    of_columns = {value for name, value in vars(purposes).items() if name.isupper()}
    assert {each.purpose for each in SEALED} == of_columns - {purposes.SAVED_TABLE}
