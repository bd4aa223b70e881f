"""Desks: a link opens one browser, once and soon; a login ends, or is ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from nexio.checkin.desks import (
    GOOD_FOR,
    IDLE,
    LASTS,
    find_desk,
    get_desk,
    issue_link,
    list_desks,
    note_seen,
    open_link,
    revoke_desk,
)
from nexio.errors import NotFound, Refused

if TYPE_CHECKING:
    from nexio.checkin.desks import Desk
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

HERE = "192.0.2.7"


def logged_in(store: Store, location: Location, name: str | None = None) -> str:
    """The credential of a browser that has opened a link."""
    with store.write() as work:
        _, secret = issue_link(work, location, name)
    with store.write() as work:
        credential = open_link(work, secret, HERE)
    assert credential is not None
    return credential


def found(store: Store, credential: str) -> Desk | None:
    """The desk that holds a credential."""
    with store.read() as work:
        return find_desk(work, credential)


def test_a_link_opens_one_browser_within_its_time(
    store: Store, location: Location, clock: Clock
) -> None:
    """The second browser is refused, and so is one that comes late; no link stays behind."""
    with store.write() as work:
        desk, secret = issue_link(work, location)
        _, late = issue_link(work, location)
        assert list_desks(work) == []
    with store.write() as work:
        credential = open_link(work, secret, HERE)
        assert open_link(work, secret, HERE) is None
        assert open_link(work, "another", HERE) is None
    assert credential is not None
    seen = found(store, credential)
    assert seen is not None
    assert (seen.id, seen.name, seen.seen_from) == (desk.id, "Harbour House 1", HERE)
    clock.now += GOOD_FOR
    with store.write() as work:
        assert open_link(work, late, HERE) is None
        renewed, _ = issue_link(work, location)
        assert renewed.name == "Harbour House 2"  # that of the late one is free again


def test_a_login_ends(store: Store, location: Location, clock: Clock) -> None:
    """After three days without its page, and after thirty in any case."""
    idle = logged_in(store, location)
    clock.now += IDLE - timedelta(seconds=1)
    assert found(store, idle) is not None
    clock.now += timedelta(seconds=1)
    assert found(store, idle) is None

    busy, days = logged_in(store, location), 0
    while (desk := found(store, busy)) is not None:
        days += 1
        clock.now += timedelta(days=1)
        with store.write() as work:
            note_seen(work, desk.id, HERE)
    assert timedelta(days=days) == LASTS


def test_a_desk_is_turned_away(store: Store, location: Location) -> None:
    """By its name in any case; also a link that nobody has opened yet."""
    credential = logged_in(store, location, "Front desk")
    with store.write() as work:
        with pytest.raises(Refused, match="already"):
            issue_link(work, location, "FRONT desk")
        _, secret = issue_link(work, location, "Lost link")
        revoke_desk(work, get_desk(work, "front DESK"))
        revoke_desk(work, get_desk(work, "Lost link"))
        assert open_link(work, secret, HERE) is None
        with pytest.raises(NotFound):
            get_desk(work, "Front desk")
    assert found(store, credential) is None


def test_the_store_does_not_hold_what_logs_in(store: Store, location: Location) -> None:
    """Neither link nor credential: a copy of it logs nobody in."""
    with store.write() as work:
        _, secret = issue_link(work, location)
    credential = logged_in(store, location)
    with store.read() as work:
        rows = repr(work.session.execute(text("SELECT * FROM desk")).all())
    assert secret not in rows
    assert credential not in rows
