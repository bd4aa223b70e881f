"""An upgrade on PostgreSQL: one at a time, and no lock that others queue behind for long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from nexio.errors import StoreUnreachable
from nexio.operations.backups import backup_first
from nexio.store import schema
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import contents, store_of
from tests.support.stores import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

OLD = "0022"


@pytest.fixture
def old(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Configuration]:
    """A store of an earlier version with something in it."""
    with store_of(OLD, tmp_path / "old", postgresql, rows_of_0002) as configuration:
        yield configuration


def test_of_two_upgrades_one_waits(
    old: Configuration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And finds nothing to do: there is one backup, and each step is done once."""
    monkeypatch.setattr(schema, "LOCK_SECONDS", 60)  # the first one may be slow
    backup = tmp_path / "backup.db"
    in_the_middle, others = threading.Event(), []
    done: list[schema.Migration] = []

    def other() -> None:
        with engine_of(old.database_url) as engine:
            others.append(
                schema.upgrade(
                    engine, first=backup_first(tmp_path / "other.db", nobody_listens), on_step=fail
                )
            )

    def fail(_: schema.Migration) -> None:
        raise AssertionError

    second = threading.Thread(target=other)

    def first(connection: Connection) -> None:
        second.start()
        wait_for_a_waiting_lock(connection)
        in_the_middle.set()
        backup_first(backup, nobody_listens)(connection)

    with engine_of(old.database_url) as engine:
        assert schema.upgrade(engine, first=first, on_step=done.append) == OLD
    second.join(60)
    assert in_the_middle.is_set()
    assert others == [schema.HEAD]
    assert backup.exists()
    assert not (tmp_path / "other.db").exists()
    assert [each.version for each in done][-1] == schema.HEAD
    assert all(each.seconds > 0 and each.about for each in done)


def nobody_listens(_: int) -> None:
    """How many rows a backup has."""


def wait_for_a_waiting_lock(connection: Connection) -> None:
    """Until somebody else waits for a lock that we have."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = time.monotonic() + 30
    while not connection.scalar(waiting):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_table_that_somebody_uses(
    old: Configuration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A long look at the log: given up within seconds, nothing changed, and whoever reads reads.

    The backup of before goes through, and a login's decision is written right afterwards.
    """
    monkeypatch.setattr(schema, "LOCK_SECONDS", 1)
    with engine_of(old.database_url) as engine, engine_of(old.database_url) as reading:
        before = contents(engine)
        with reading.begin() as reader:
            reader.execute(text("SELECT count(*) FROM auth_event"))
            began = time.monotonic()
            with pytest.raises(StoreUnreachable, match="does not let go") as caught:
                schema.upgrade(engine, first=backup_first(tmp_path / "backup.db", nobody_listens))
            assert time.monotonic() - began < 20
            assert "Nothing was changed" in caught.value.advice
            assert contents(engine) == before
            with engine.begin() as writer:
                writer.execute(text("UPDATE auth_event SET nas = nas"))
        assert schema.upgrade(engine) == OLD


def test_somebody_who_writes(old: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import goes on: the upgrade waits no longer than that either."""
    monkeypatch.setattr(schema, "LOCK_SECONDS", 1)
    with engine_of(old.database_url) as engine, engine_of(old.database_url) as other:
        with other.begin() as importing:
            importing.execute(text("SELECT pg_advisory_xact_lock_shared(:n)"), {"n": 0x6E6578696F})
            with pytest.raises(StoreUnreachable, match="does not let go"):
                schema.upgrade(engine)
        assert schema.upgrade(engine) == OLD
