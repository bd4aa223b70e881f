"""A store of version 0020 is brought up: nothing is forgotten earlier, who did what stays."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from nexio.store import audit
from nexio.store.audit_entries import AuditFilter, list_entries
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring


def rows_of_0020(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """As before, and somebody did something."""
    done = {
        "at": datetime(2026, 11, 20, 9, tzinfo=UTC),
        "operator": "frances",
        "action": "register",
        "subject": "visit",
        "subject_id": 1,
        "details": {"token": True},
    }
    return {**rows_of_0002(keyring), "audit": [done]}


OLD = "0020", rows_of_0020


def test_nothing_is_forgotten_earlier(old: Configuration) -> None:
    """What was done keeps its number, which is never used again."""
    done = upgrade(old)
    assert done.version == "0020"
    done.check_rows()
    assert {row["nas_key_id"] for row in done.after["store_revision"]} == {None}
    with closing(Store.open(old)) as store:
        with store.write() as work:
            (entry,) = list_entries(work, AuditFilter(visits=[1], operator="frances"))
            assert (entry.action, entry.details) == ("register", {"token": True})
            audit.record(work, "edit", "visit", 1)
        run_sql(store, "DELETE FROM audit")
        with store.write() as work:
            audit.record(work, "edit", "visit", 1)
            work.session.flush()
            assert [each.id for each in list_entries(work, AuditFilter())] == [entry.id + 2]
        with pytest.raises(IntegrityError):
            run_sql(store, "UPDATE location SET audit_retention_days = 0")
