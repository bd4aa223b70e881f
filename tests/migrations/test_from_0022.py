"""A store of version 0022 is brought up: decisions and acts of the guard have fewer indexes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from nexio.network.devices import list_devices
from nexio.operations.pruning import forget_visits
from nexio.store.engine import Store
from nexio.store.tables import AuthEventRow
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0022", rows_of_0002


def test_decisions_have_no_index_by_visit(old: Configuration) -> None:
    """Nothing else changes, and those of a visit are found and forgotten all the same."""
    done = upgrade(old)
    assert done.version == "0022"
    done.check_rows()
    with closing(Store.open(old)) as store:
        found = inspect(store.engine)
        for table in ("auth_event", "guard_act"):
            names = {index["name"] for index in found.get_indexes(table)}
            assert f"ix_{table}_at" in names
            assert f"ix_{table}_visit_id" not in names
        visits = [row["id"] for row in done.after["visit"]]
        with store.read() as look:
            assert look.count(AuthEventRow.visit_id.in_(visits))
            assert [list_devices(look, visit) for visit in visits] == [[] for _ in visits]
        with store.write() as work:
            forget_visits(work, visits)
            assert not work.count(AuthEventRow.visit_id.in_(visits))
