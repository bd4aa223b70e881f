"""A store with something in every table."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from nexio.keys.key_file import load_keys
from nexio.keys.purposes import PASS_SECRET, USER_NAME
from nexio.store.tables import Row
from tests.support.clocks import FRIDAY_MORNING
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import copied, make_store, upgrade
from tests.support.stores import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.postgresql import PostgreSQL

DAY = timedelta(days=1)


@contextmanager
def full_store(home: Path, postgresql: PostgreSQL | None) -> Iterator[Configuration]:
    """Harbour House with a history; some rows have gone, and their numbers with them."""
    with copied("full", home, postgresql, _make) as (configuration, _):
        yield configuration


def _make(configuration: Configuration) -> None:
    make_store(configuration, "0002", rows_of_0002)
    upgrade(configuration)
    with engine_of(configuration.database_url) as engine, engine.begin() as connection:
        for name, rows in _rows(load_keys(configuration.key_file)).items():
            table = Row.metadata.tables[name]
            for row in rows:
                connection.execute(insert(table).values(row))
            last = table.autoincrement_column
            if last is not None and len(rows) > 1:
                connection.execute(table.delete().where(last == len(rows)))


def _rows(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """Of the tables that an old store does not have; the last one of several goes again."""
    now = FRIDAY_MORNING.replace(microsecond=123_456)
    house = {"location_id": 1}
    desk = {**house, "linked_at": now, "seen_at": now, "seen_from": "192.0.2.7"}
    tablet = {**house, "paired_at": now, "seen_at": None, "seen_from": None}
    act = {
        "kind": "guess",
        "at": now,
        "writer": "w",
        "serial": 2**40,
        "host": "radius1",
        **house,
        "visit_id": 1,
        "device": "02:00:00:00:00:01",
        "nas": "lobby",
        "cost": 0.1,
        "chance": 1e-7,
    }
    session = {
        "key": "k",
        "occurrence": 0,
        "visit_id": None,
        "token_id": None,
        **house,
        "nas_id": 1,
        "sender": "s",
        "nas": "lobby",
        "source_address": "192.0.2.10",
        "session_id": "S1",
        "user_name": "******",
        "user_name_sealed": keyring.seal("1", USER_NAME),
        "started_at": now,
        "heard_at": now,
        "seconds": 2**40,
        "octets_in": 2**62,
    }
    ended = {"ended_at": now, "ended_by": "gone"}
    tap = {"tap_id": "t", "tablet": "Door", **house, "at": now, "delivered_at": now, "why": None}
    member_pass = {"member_id": 1, "secret_sealed": keyring.seal("s", PASS_SECRET)}
    server = {
        "kind": "nexio-radiusd",
        "place": "1812",
        "version": "0.1.0",
        "writer": "w",
        "started_at": now - DAY,
        "seen_at": now,
        "table_age": 0.1,
        "spool_age": 0.0,
        "requests": 1e-7,
        "spooled": 2**30,
    }
    signed = {"since": now - DAY, "signed": 2**40, "unsigned": 0, "signed_at": now}
    return {
        "server": [{**server, "host": name, "clock_off": -0.1} for name in ("radius1", "Ü")],
        "nas_signature": [{**signed, "nas_id": number} for number in (2, 1)],
        "desk": [
            {**desk, "name": "Ünit 1", "name_key": "ünit 1", "credential_digest": b"\0\xff"},
            {**desk, "name": "Unit 2", "name_key": "unit 2", "link_digest": b"\1"},
        ],
        # Upper and lower case are sorted in another way by many a database.
        "event_batch": [{"id": name, "at": now} for name in ("b-1", "B-2", "a_3", "Ä")],
        "guard_act": [act, act],
        "mail_text": [
            {**house, "template": name, "language": "vi", "text": "Chào\n{x}", "changed_at": now}
            for name in ("registered", "moved")
        ],
        "member_pass": [{**member_pass, "issued_at": now, "browser_digest": b"\0"}],
        "pass_code": [{"pass_id": 1, "step": step} for step in (10, 9)],
        "tablet": [
            {**tablet, "name": "Door", "name_key": "door", "code": "1234"},
            {**tablet, "name": "Back", "name_key": "back", "credential_digest": b"\2"},
        ],
        "offline_tap": [tap, {**tap, "tap_id": "u", "settled_at": now + DAY}],
        "device": [
            {"visit_id": 1, "mac": f"02:00:00:00:00:{end}", "first_at": now, "freed_at": None}
            for end in ("0B", "0a", "01")
        ],
        "wifi_session": [session, {**session, "occurrence": 1, **ended}],
    }
