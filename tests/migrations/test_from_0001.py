"""A store of version 0001 is brought up: nothing is lost, and all of it is still of use."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.taps import Direction
from nexio.network.nas import list_nas
from nexio.reception.members import get_member
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import VisitState, get_visit
from nexio.store.engine import Store
from radius_auth.decision.decide import Accepted
from tests.support.old_rows import ANA, ZOE, rows_of_0001
from tests.support.reception import mails, reissue, use_pin, use_qr, wifi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import Clock
    from tests.support.old_stores import Upgrade

OLD = "0001", rows_of_0001


@pytest.fixture
def store(upgraded: Upgrade, clock: Clock) -> Iterator[Store]:
    """The same store in the version of today, open."""
    with closing(Store.open(upgraded.configuration, clock)) as store:
        yield store


def test_nothing_is_lost(upgraded: Upgrade) -> None:
    """Each row of each table has the values that it had; what is new is empty."""
    assert upgraded.version == "0001"
    assert all(upgraded.before.values())
    upgraded.check_rows()
    counted = upgraded.after["pin_day"]
    assert {(row["length"], row["pins"]) for row in counted} == {(6, 3)}
    assert all(upgraded.after[name] == [] for name in upgraded.new_tables() - {"pin_day"})


def test_what_was_registered_is_of_use(store: Store) -> None:
    """A visit is read with its PIN, gets on the Wi-Fi, checks in, and is reissued."""
    with store.read() as work:
        visit = get_visit(work, "1", None)
        assert get_visit(work, "2", None).state is VisitState.DELETED
        assert get_visit(work, "3", None).source == "customer"
        assert get_member(work, "ana@example.com", None).pin == ANA
        assert [nas.secret for nas in list_nas(work)] == [b"a long enough secret"]
        code = qr_text(work, visit)
    assert (visit.pin, visit.notes, visit.mail.value) == (ZOE, "ramp", "none")
    assert visit.state is VisitState.EXPECTED
    assert isinstance(wifi(store, visit), Accepted)
    assert use_pin(store, visit.location, ZOE).direction is Direction.IN
    assert use_qr(store, code).repeated
    assert use_pin(store, visit.location, ANA).kind == "member"
    assert mails(store) == [("visitor-arrived", 1, "queued")]
    new = reissue(store, visit)
    assert new.id == 4
    assert new.state is VisitState.CHECKED_IN
