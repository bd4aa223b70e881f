"""Following changes."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete as sql_delete
from sqlalchemy import update
from sqlalchemy.event import listens_for, remove

from nexio.locations.locations import Location, edit_location
from nexio.network import news as reading
from nexio.network.following import FollowedVisit, Horizon, News, Position
from nexio.network.nas import NewNas, add_nas, remove_nas
from nexio.reception.tokens import revoke_all
from nexio.reception.visits import Visit, delete_visit
from nexio.store import groups
from nexio.store.engine import Reading, Store
from nexio.store.tables import MemberRow, OutboxRow, VisitRow
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.people import add_location, delete, look_up, register, revoke, set_up
from tests.support.stores import run_sql

HORIZON = Horizon()
LOBBY = NewNas(name="lobby", address="192.0.2.10", secret="a long enough secret")


def read_all(store: Store) -> News:
    """What a server reads first."""
    with store.read() as work:
        return reading.read_all(work, HORIZON)


def read_news(store: Store, seen: Position) -> News:
    """What a server reads from then on; there must be an answer."""
    with store.read() as work:
        news = reading.read_news(work, seen)
    assert news is not None
    return news


def read(store: Store, look: Callable[[Reading], list[FollowedVisit]]) -> set[int]:
    """The numbers of the visits that a look at the store finds."""
    with store.read() as work:
        return {visit.id for visit in look(work)}


def test_everything_is_read_at_first(store: Store, location: Location) -> None:
    """Visits with and without a token, locations and NAS."""
    with store.write() as work:
        nas = add_nas(work, location, LOBBY)
    visit = register(store, location, pin="012345")
    set_up(store, location, "visitor-tokens=off")
    without = register(store, location)
    news = read_all(store)
    assert news.complete
    assert news.locations is not None
    assert [found.id for found in news.locations] == [location.id]
    assert news.nas is not None
    assert [found.id for found in news.nas] == [nas.id]
    assert news.position.number == 6
    first, second = sorted(news.visits, key=lambda found: found.id)
    assert visit.token is not None
    assert first == FollowedVisit(
        id=visit.id,
        location_id=location.id,
        email_key="zoe@example.com",
        pin_digest=store.keyring.digest(location.id, "012345"),
        pin_sealed=first.pin_sealed,
        opens_at=FRIDAY_MORNING.replace(hour=0, minute=0),
        closes_at=FRIDAY_MORNING.replace(hour=0, minute=0) + timedelta(days=1),
        deleted_at=None,
        replaced=False,
        token_id=visit.token.id,
        valid_from=visit.token.valid_from,
        valid_until=visit.token.valid_until,
        revoked_at=None,
    )
    assert store.keyring.unseal(first.pin_sealed, "visit.pin") == "012345"
    assert (second.id, second.token_id, second.valid_from) == (without.id, None, None)
    assert "pin" not in repr(first)


def test_nothing_new_is_nothing(store: Store, location: Location) -> None:
    """The position stays."""
    register(store, location)
    position = read_all(store).position
    assert read_news(store, position) == News(
        position=position, complete=False, visits=[], locations=None, nas=None, removed_visits=[]
    )


def test_a_registered_visit_is_news_once(store: Store, location: Location) -> None:
    """And no other visit is."""
    register(store, location)
    seen = read_all(store).position
    visit = register(store, location)
    news = read_news(store, seen)
    assert [found.id for found in news.visits] == [visit.id]
    assert (news.locations, news.nas, news.removed_visits) == (None, None, [])
    assert news.position == replace(seen, number=seen.number + 1)
    assert read_news(store, news.position).visits == []


def test_a_revoked_token_is_news_of_its_visit(store: Store, location: Location) -> None:
    """Though the row of the visit did not change."""
    visit = register(store, location)
    register(store, location)
    seen = read_all(store).position
    revoke(store, visit)
    (found,) = read_news(store, seen).visits
    assert (found.id, found.revoked_at) == (visit.id, FRIDAY_MORNING)
    assert found.deleted_at is None


def test_a_deleted_visit_is_news(store: Store, location: Location) -> None:
    """It is told of as deleted, so that the guest can be told why (R11)."""
    visit = register(store, location)
    seen = read_all(store).position
    delete(store, visit)
    (found,) = read_news(store, seen).visits
    assert (found.deleted_at, found.revoked_at) == (FRIDAY_MORNING, FRIDAY_MORNING)


def test_all_tokens_revoked_at_once_are_one_batch(store: Store, location: Location) -> None:
    """R4: the number grows by one, and every visit is news."""
    visits = [register(store, location) for _ in range(3)]
    seen = read_all(store).position
    with store.write() as work:
        revoke_all(work, location)
    news = read_news(store, seen)
    assert {found.id for found in news.visits} == {visit.id for visit in visits}
    assert news.position.number == seen.number + 1


def test_several_changes_of_a_visit_are_told_of_once(store: Store, location: Location) -> None:
    """As it is now."""
    seen = read_all(store).position
    visit = register(store, location)
    revoke(store, visit)
    delete(store, visit)
    news = read_news(store, seen)
    assert [found.id for found in news.visits] == [visit.id]
    assert news.position.number == seen.number + 3


def test_a_replaced_visit_is_told_of_as_replaced(store: Store, location: Location) -> None:
    """R5, R11: so that the guest can be told of the newer PIN."""
    old = register(store, location)
    seen = read_all(store).position
    new = register(store, location)
    with store.write() as work:
        delete_visit(work, old.id)
        work.session.get_one(VisitRow, new.id).replaces_id = old.id
    for news in (read_all(store), read_news(store, seen)):
        assert {found.id: found.replaced for found in news.visits} == {old.id: True, new.id: False}


def test_a_changed_location_brings_all_locations_and_nas(store: Store, location: Location) -> None:
    """A NAS holds its location and that one's settings."""
    annex = add_location(store, "Annex")
    with store.write() as work:
        add_nas(work, location, LOBBY)
    visit = register(store, location)
    seen = read_all(store).position
    changed = set_up(store, location, "roaming=on")
    news = read_news(store, seen)
    assert news.locations == [annex, changed]
    assert news.nas is not None
    assert [nas.location for nas in news.nas] == [changed]
    assert news.visits == []
    with store.write() as work:
        edit_location(work, location, time_zone="Europe/Dublin")
    assert look_up(store, visit).location.time_zone == "Europe/Dublin"
    assert read_news(store, news.position).locations is not None


def test_a_new_and_a_removed_nas_are_noticed(store: Store, location: Location) -> None:
    """All NAS are told of, without the one that is gone."""
    seen = read_all(store).position
    with store.write() as work:
        added = add_nas(work, location, LOBBY)
    news = read_news(store, seen)
    assert news.nas == [added]
    with store.write() as work:
        remove_nas(work, "lobby")
    gone = read_news(store, news.position)
    assert gone.nas == []
    assert (gone.visits, gone.locations, gone.removed_visits) == ([], None, [])


def test_a_nas_that_came_and_went_is_noticed(store: Store, location: Location) -> None:
    """Between two looks of a slow reader."""
    seen = read_all(store).position
    with store.write() as work:
        add_nas(work, location, LOBBY)
    with store.write() as work:
        remove_nas(work, "lobby")
    assert read_news(store, seen).nas == []


def test_a_removed_visit_is_told_of_by_its_number(store: Store, location: Location) -> None:
    """Retention and erasure take rows away."""
    visit = delete(store, register(store, location))
    seen = read_all(store).position
    with store.write() as work:
        row = work.session.get_one(VisitRow, visit.id)
        assert row.token is not None
        work.session.delete(row.token)
        work.session.execute(sql_delete(OutboxRow))
        work.session.flush()
        work.session.expire(row)
        work.session.delete(row)
    news = read_news(store, seen)
    assert news.removed_visits == [visit.id]
    assert news.visits == []


def test_what_radius_need_not_know_is_no_news(store: Store, location: Location) -> None:
    """A row that nobody follows, or a save of what was there already."""
    seen = read_all(store).position
    with store.write() as work:
        member = {"first_name": "Ana", "last_name": "Reyes", "email": "ana@example.com"}
        work.session.add(
            MemberRow(
                **member,
                location_id=location.id,
                email_key="ana@example.com",
                pin_sealed=b"sealed",
                created_at=work.now,
            )
        )
    set_up(store, location, "visitor-tokens=on")
    with store.write():
        pass
    assert read_news(store, seen).position == seen


def test_more_changes_than_fit_into_one_statement(
    store: Store, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that was away for long."""
    seen = read_all(store).position
    visits = [register(store, location) for _ in range(7)]
    revoke(store, visits[0])
    monkeypatch.setattr(groups, "LARGEST_GROUP", 3)
    news = read_news(store, seen)
    assert sorted(found.id for found in news.visits) == [visit.id for visit in visits]
    assert [found.revoked_at for found in news.visits if found.id == visits[0].id] != [None]


@pytest.mark.parametrize(
    ("statement", "known"),
    [
        ("UPDATE store_revision SET oldest = 1", True),
        ("UPDATE store_revision SET oldest = 2", False),
        ("UPDATE store_revision SET epoch = 'after a restore'", False),
    ],
)
def test_a_reader_that_cannot_be_told_what_changed_reads_everything(
    store: Store, location: Location, statement: str, known: bool
) -> None:
    """Older than what is kept, or of another epoch."""
    seen = replace(read_all(store).position, number=1)
    register(store, location)
    run_sql(store, statement)
    with store.read() as work:
        assert (reading.read_news(work, seen) is not None) is known


def test_the_visits_of_an_address_however_long_ago(
    store: Store, location: Location, clock: Clock
) -> None:
    """For ``explain``; R8: the key is in lower case."""
    old = register(store, location, email="ZOE@example.com")
    register(store, location, email="other@example.com")
    clock.advance(days=400)
    new = register(store, location)
    assert read(store, lambda work: reading.read_visits_of(work, "zoe@example.com")) == {
        old.id,
        new.id,
    }


def test_the_horizon_moves_over_visits(store: Store, location: Location) -> None:
    """Those whose first day begins in a half-open stretch of time."""
    tomorrow, next_day = (
        register(store, location, arrival=f"2026-11-{day} 09:00") for day in (21, 22)
    )
    start = FRIDAY_MORNING.replace(hour=0, minute=0) + timedelta(days=1)

    def opening(start_days: int, end_days: int) -> set[int]:
        begin, end = (start + timedelta(days=days) for days in (start_days, end_days))
        return read(store, lambda work: reading.read_visits_opening(work, begin, end))

    assert opening(0, 1) == {tomorrow.id}
    assert opening(1, 2) == {next_day.id}
    assert opening(0, 2) == {tomorrow.id, next_day.id}
    assert opening(-1, 0) == set()


def test_what_is_far_away_is_not_read(store: Store, location: Location, clock: Clock) -> None:
    """From 24 hours after the end or the deletion to 7 days before the start."""
    visit = register(store, location)  # its day ends on Saturday 00:00
    far = register(store, location, arrival="2026-11-28 09:00")  # its day begins at 00:00
    deleted = delete(store, register(store, location))

    def known(hours: float) -> set[Visit]:
        clock.now = FRIDAY_MORNING + timedelta(hours=hours)
        numbers = {found.id for found in read_all(store).visits}
        return {each for each in (visit, far, deleted) if each.id in numbers}

    assert known(0) == {visit, deleted}
    assert known(15.5) == {visit, deleted}
    assert known(15.6) == {visit, far, deleted}
    assert known(23.9) == {visit, far, deleted}
    assert known(24) == {visit, far}
    assert known(39.4) == {visit, far}
    assert known(39.5) == {far}


HOURS = st.integers(-400, 400)


@given(opens=HOURS, length=st.integers(1, 800), deleted=st.none() | HOURS, now=HOURS)
def test_what_is_read_is_what_is_held(
    opens: int, length: int, deleted: int | None, now: int
) -> None:
    """A visit is dropped from memory when the store would not give it any more."""

    def hour(number: int) -> timedelta:
        return timedelta(hours=number)

    visit = FollowedVisit(
        id=1,
        location_id=1,
        email_key="",
        pin_digest=b"",
        pin_sealed=b"",
        opens_at=FRIDAY_MORNING + hour(opens),
        closes_at=FRIDAY_MORNING + hour(opens + length),
        deleted_at=None if deleted is None else FRIDAY_MORNING + hour(deleted),
        replaced=False,
        token_id=None,
        valid_from=None,
        valid_until=None,
        revoked_at=None,
    )
    given_by_store = (
        opens + length > now - 24
        and (deleted is None or deleted > now - 24)
        and opens < now + 24 * 7
    )
    assert HORIZON.holds(visit, FRIDAY_MORNING + hour(now)) is given_by_store


def test_what_the_store_gives_is_what_is_held(
    store: Store, location: Location, clock: Clock
) -> None:
    """A visit that was deleted after its end is forgotten 24 hours after the end."""
    visit = register(store, location)
    clock.advance(hours=30)
    delete(store, visit)
    with store.write() as work:
        work.session.execute(update(VisitRow).values(closes_at=clock.now - timedelta(hours=25)))
    with store.read() as work:
        (found,) = reading.read_visits_of(work, "zoe@example.com")
    assert not HORIZON.holds(found, clock.now)
    assert read_all(store).visits == []


def test_nothing_is_looked_for_in_all_visits(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """However many there were: each look goes by an index, at the start and at each change."""
    register(sqlite_store, sqlite_location)
    seen = read_all(sqlite_store).position
    register(sqlite_store, sqlite_location)
    plans: list[str] = []

    @listens_for(sqlite_store.engine, "before_cursor_execute")
    def explain(_: object, cursor: Any, statement: str, values: Any, *__: object) -> None:
        if statement.startswith("SELECT"):
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.extend(row[3] for row in rows)

    with sqlite_store.read() as work:
        assert reading.read_news(work, seen) is not None
        reading.read_all(work, HORIZON)
        reading.read_visits_opening(work, work.now, work.now + timedelta(minutes=1))
    remove(sqlite_store.engine, "before_cursor_execute", explain)

    assert any("visit USING" in plan for plan in plans)
    assert not [plan for plan in plans if re.match("SCAN (visit|access_token)", plan)]
