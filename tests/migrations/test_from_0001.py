"""A store of version 0001 is brought up: nothing is lost, and all of it is still of use."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, insert, select

from nexio.checkin.taps import Direction
from nexio.keys.key_file import create_key_file, load_keys
from nexio.network.nas import SECRET_PURPOSE, list_nas
from nexio.reception.members import PIN_PURPOSE as MEMBER_PIN_PURPOSE
from nexio.reception.members import get_member
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import PIN_PURPOSE, VisitState, get_visit
from nexio.store import schema
from nexio.store.creation import SIGNING_KEY_PURPOSE
from nexio.store.engine import Store, connect, create_sqlite_file
from radius_auth.decision.decide import Accepted
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.reception import mails, reissue, use_pin, use_qr, wifi
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.postgresql import PostgreSQL

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZOE, GONE, ANA, NOTHING = "482913", "004711", "222222", "777777"
"""PINs of a visit with a token, of a deleted one, of a member, of a visit without a token."""


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL
) -> Iterator[Configuration]:
    """A store of version 0001 with something in each of its tables."""
    database = postgresql if request.param == "postgresql" else None
    with store_of("0001", tmp_path / "old", database, rows_of_0001) as configuration:
        yield configuration


@contextmanager
def store_of(
    version: str,
    home: Path,
    postgresql: PostgreSQL | None,
    rows_of: Callable[[Keyring], dict[str, list[dict[str, Any]]]],
) -> Iterator[Configuration]:
    """A store of that version, filled by nothing but its tables.

    Args:
        version: of a migration.
        home: where its key is.
        postgresql: None is SQLite.
        rows_of: gives the rows of each table.
    """
    configuration, name = configuration_of(home), f"of_{version}"
    if postgresql is not None:
        url = postgresql.create_database(name)
        configuration = replace(configuration, database_url=url)
    create_sqlite_file(configuration.database_url)
    create_key_file(configuration.key_file)
    engine = connect(configuration.database_url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("nexio_migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        fill(connection, rows_of(load_keys(configuration.key_file)))
    engine.dispose()
    yield configuration
    if postgresql is not None:
        postgresql.drop_database(name)


def fill(connection: Connection, rows_by_table: dict[str, list[dict[str, Any]]]) -> None:
    """Write as the software of that version did, by nothing but its tables."""
    tables = MetaData()
    tables.reflect(connection)
    on_sqlite = connection.dialect.name == "sqlite"
    for name, rows in rows_by_table.items():
        for row in rows:
            values = {
                column: value.replace(tzinfo=None)
                if on_sqlite and isinstance(value, datetime)
                else value
                for column, value in row.items()
            }
            connection.execute(insert(tables.tables[name]).values(values))


def rows_of_0001(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """Harbour House on Friday morning, in the order in which rows lead to each other.

    Each is given the next number of its table.
    """
    now = FRIDAY_MORNING
    house: dict[str, Any] = {"location_id": 1, "batch": 5}
    settings = {
        "visitor_tokens": True,
        "walk_in_tokens": False,
        "remember_devices": False,
        "end_wifi_at_checkout": False,
        "roaming": False,
        "cut_off": MIDNIGHT.time(),
        "token_duration": 3600,
        "token_starts": "expected-arrival",
        "max_devices": None,
        "pin_length": 6,
        "wifi_login": "email",
        "planned_guests": None,
        "retention_days": None,
        "ssid": "Harbour",
    }
    person = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "Zoe@example.com"}
    visit = {
        **house,
        **person,
        "email_key": "zoe@example.com",
        "host": "Ana Reyes",
        "company": None,
        "phone": None,
        "notes": "ramp",
        "source": "admin",
        "member_id": None,
        "expected_arrival": now,
        "opens_at": MIDNIGHT,
        "closes_at": MIDNIGHT + DAY,
        "token_starts": "expected-arrival",
        "replaces_id": None,
        "registered_at": now,
        "deleted_at": None,
    }
    visits = [
        visit
        | {
            "pin_sealed": keyring.seal(pin, PIN_PURPOSE),
            "pin_digest": keyring.digest(1, pin),
        }
        for pin in (ZOE, GONE, NOTHING)
    ]
    visits[1] |= {"deleted_at": now}
    visits[2] |= {"source": "customer", "member_id": 1}
    token = {"duration": 3600, "issued_at": now, "valid_from": now, "valid_until": now + HOUR}
    nas = {
        **house,
        "name": "Lobby",
        "name_key": "lobby",
        "address": "192.0.2.10/32",
        "secret_sealed": keyring.seal("a long enough secret", SECRET_PURPOSE),
        "ssid": None,
        "ssid_key": "",
        "identifier": None,
        "identifier_key": "",
        "require_message_authenticator": True,
        "limit_proxy_state": True,
        "created_at": now,
    }
    event = {
        "record_id": f"{1:032x}",
        "at": now,
        "user_name": "zoe@example.com",
        "device": None,
        "nas": "Lobby",
        "location_id": 1,
        "visit_id": 1,
        "outcome": "accept",
        "reason": "valid",
        "latency_us": 50,
    }
    pin = {"location_id": 1, "length": 6}
    return {
        "store_revision": [
            {
                "id": 1,
                "number": 7,
                "oldest": 2,
                "epoch": "0" * 32,
                "key_id": keyring.active,
                "signing_key_sealed": keyring.seal("c2lnbmluZyBrZXk=", SIGNING_KEY_PURPOSE),
            }
        ],
        "location": [
            {
                "name": "Harbour House",
                "name_key": "harbour house",
                "batch": 5,
                "time_zone": "Europe/London",
                "created_at": now,
                **settings,
            }
        ],
        "member": [
            {
                "location_id": 1,
                "first_name": "Ana",
                "last_name": "Reyes",
                "email": "ana@example.com",
                "email_key": "ana@example.com",
                "pin_sealed": keyring.seal(ANA, MEMBER_PIN_PURPOSE),
                "created_at": now,
                "removed_at": None,
            }
        ],
        "visit": visits,
        "access_token": [
            token | {"visit_id": 1, "revoked_at": None, "batch": 5},
            token | {"visit_id": 2, "revoked_at": now, "batch": 6},
        ],
        "pin": [
            {**pin, "digest": keyring.digest(1, ZOE), "visit_id": 1, "free_at": MIDNIGHT + DAY},
            {**pin, "digest": keyring.digest(1, NOTHING), "visit_id": 3, "free_at": MIDNIGHT + DAY},
            {**pin, "digest": keyring.digest(1, ANA), "member_id": 1, "free_at": None},
        ],
        "nas": [nas],
        "auth_event": [event],
        "audit": [
            {
                "at": now,
                "operator": "desk",
                "action": "register",
                "subject": "visit",
                "subject_id": 1,
                "details": {"token": True},
            }
        ],
        "change": [{"number": 6, "batch": 5}, {"number": 7, "batch": 6}],
        "removed": [{"kind": "nas", "object_id": 9, "batch": 6}],
    }


def contents(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is there, by columns."""
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        return {
            name: [dict(row._mapping) for row in connection.execute(select(table))]  # noqa: SLF001
            for name, table in tables.tables.items()
            if name != "alembic_version"
        }


@pytest.fixture
def upgraded(old: Configuration, clock: Clock) -> Iterator[Store]:
    """The same store in the version of today, open."""
    engine = connect(old.database_url)
    assert schema.upgrade(engine) == "0001"
    engine.dispose()
    with closing(Store.open(old, clock)) as store:
        yield store


def test_nothing_is_lost(old: Configuration) -> None:
    """Each row of each table has the values that it had; what is new is empty."""
    engine = connect(old.database_url)
    before = contents(engine)
    assert all(before.values())
    schema.upgrade(engine)
    after = contents(engine)
    for name, rows in before.items():
        assert len(after[name]) == len(rows), name
        for row, kept in zip(rows, after[name], strict=True):
            assert {column: kept[column] for column in row} == row
            new = kept.keys() - row.keys() - {"qr_edition"}  # the first one
            assert all(kept[column] is None for column in new)
    counted = after.pop("pin_day")
    assert {(row["length"], row["pins"]) for row in counted} == {(6, 3)}
    assert all(after[name] == [] for name in after.keys() - before.keys())
    with engine.connect() as connection:
        assert schema.drift(connection) == []
    engine.dispose()


def test_what_was_registered_is_of_use(upgraded: Store) -> None:
    """A visit is read with its PIN, gets on the Wi-Fi, checks in, and is reissued."""
    with upgraded.read() as work:
        visit = get_visit(work, "1", None)
        assert get_visit(work, "2", None).state is VisitState.DELETED
        assert get_visit(work, "3", None).source == "customer"
        assert get_member(work, "ana@example.com", None).pin == ANA
        assert [nas.secret for nas in list_nas(work)] == [b"a long enough secret"]
        code = qr_text(work, visit)
    assert (visit.pin, visit.notes, visit.mail.value) == (ZOE, "ramp", "none")
    assert visit.state is VisitState.EXPECTED
    assert isinstance(wifi(upgraded, visit), Accepted)
    assert use_pin(upgraded, visit.location, ZOE).direction is Direction.IN
    assert use_qr(upgraded, code).repeated
    assert use_pin(upgraded, visit.location, ANA).kind == "member"
    assert mails(upgraded) == [("visitor-arrived", 1, "queued")]
    new = reissue(upgraded, visit)
    assert new.id == 4
    assert new.state is VisitState.CHECKED_IN
