"""Migration 0012: a store of the version before is brought up, and members can have passes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.operations.checking import find_damage
from nexio.reception.members import get_member
from nexio.reception.passes import issue_pass, link_of
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock

OLD = "0011", rows_of_0002


def test_nothing_is_lost_and_a_member_gets_a_pass(old: Configuration, clock: Clock) -> None:
    """Each row is what it was; the new tables are empty, and take a pass."""
    done = upgrade(old)
    done.check_rows()
    assert {"member_pass", "pass_code"} <= set(done.new_tables())
    assert done.after["member_pass"] == done.after["pass_code"] == []
    with closing(Store.open(old, clock)) as store:
        with store.write() as work:
            member = get_member(work, "1", None)
            issue_pass(work, member.id)
        with store.read() as work:
            assert link_of(work, member.id) is not None
            assert find_damage(work) == []
