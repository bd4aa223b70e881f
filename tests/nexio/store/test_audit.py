"""The audit: who did what, when."""

import pytest
from sqlalchemy import select

from nexio.locations.locations import Location, edit_location
from nexio.store import audit
from nexio.store.engine import Store
from nexio.store.tables import AuditRow
from tests.support.clocks import Clock
from tests.support.people import set_up
from tests.support.stores import row_counts


def newest(store: Store) -> AuditRow:
    """What was noted last."""
    with store.read() as work:
        return work.session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first() or (
            pytest.fail("nothing was noted")
        )


def test_an_action_is_noted_with_who_and_when(store: Store, clock: Clock) -> None:
    """The operator of the configuration, at the time of the transaction."""
    with store.write() as work:
        audit.record(work, "restore", "location", 7)
    row = newest(store)
    assert (row.action, row.subject, row.subject_id) == ("restore", "location", 7)
    assert (row.operator, row.at, row.details) == ("test desk", clock.now, {})


def test_settings_are_noted_before_and_after(store: Store, location: Location) -> None:
    """Only those that changed, in the words of the command line."""
    set_up(store, location, "token-duration=90m", "visitor-tokens=on", "ssid=Gäste")
    assert newest(store).details == {
        "token-duration": {"before": "1h", "after": "1h30m"},
        "ssid": {"before": None, "after": "Gäste"},
    }


def test_a_save_that_changes_nothing_is_not_noted(store: Store, location: Location) -> None:
    """Nothing happened."""
    before = row_counts(store)
    set_up(store, location, "visitor-tokens=on")
    assert row_counts(store) == before


def test_an_edited_location_is_noted_before_and_after(store: Store, location: Location) -> None:
    """Name, time zone and what accepts say more."""
    with store.write() as work:
        edit_location(work, location, time_zone="Europe/Dublin")
    assert newest(store).details == {
        "before": {"name": "Harbour House", "time_zone": "Europe/London", "reply": "[]"},
        "after": {"name": "Harbour House", "time_zone": "Europe/Dublin", "reply": "[]"},
    }


def test_an_action_that_is_undone_is_not_noted(store: Store) -> None:
    """It is part of the same transaction."""
    with pytest.raises(ZeroDivisionError), store.write() as work:
        audit.record(work, "add", "location", 1 // 0)
    assert row_counts(store)["audit"] == 0
