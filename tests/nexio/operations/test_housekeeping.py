"""Housekeeping: cut-offs, retention, changes that nobody needs any more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from nexio.locations.locations import Location
from nexio.network import news as reading
from nexio.network.accounting_records import Status
from nexio.network.event_log import record_events
from nexio.network.following import Horizon, News, Position
from nexio.operations import pruning
from nexio.operations.housekeeping import Tidied, tidy
from nexio.reception.members import remove_member
from nexio.reception.visits import Visit, find_visit
from nexio.store.audit_entries import AuditFilter, list_entries
from nexio.store.engine import Store
from nexio.store.tables import AuditRow, OutboxRow, Row, VisitRow
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.people import add_location, delete, look_up, register, set_up
from tests.support.radius.decisions import event
from tests.support.reception import add_member, at, by_hand, mails, reissue, seen, use_pin
from tests.support.stores import row_counts

NOTHING = Tidied(cut_offs=0, visits=0, events=0)


def is_known(store: Store, visit: Visit) -> bool:
    """Whether the store still has the visit."""
    with store.read() as work:
        return find_visit(work, visit.id) is not None


def read_news(store: Store, seen: Position) -> News | None:
    """What a RADIUS server would read."""
    with store.read() as work:
        return reading.read_news(work, seen)


def position(store: Store) -> Position:
    """Where a RADIUS server is that has read everything."""
    with store.read() as work:
        return reading.read_all(work, Horizon()).position


def log(store: Store, location: Location | None, visit: Visit | None, when: str) -> None:
    """Note a decision, as a RADIUS server does."""
    number = row_counts(store)["auth_event"] + 1
    place = None if location is None else location.id
    about = None if visit is None else visit.id
    with store.write() as work:
        record_events(work, [event(number, at=at(when), location_id=place, visit_id=about)])


def test_there_is_nothing_to_do(store: Store, location: Location, clock: Clock) -> None:
    """Without a retention everything is kept, for however long; but no count of PINs to come."""
    visit = register(store, location)
    log(store, location, visit, "2026-11-20 09:00")
    clock.advance(days=4000)
    before = contents(store)
    assert tidy(store) == NOTHING
    assert contents(store) == before | {"pin_day": []}


def test_cut_offs_are_written_once(store: Store, location: Location, clock: Clock) -> None:
    """Of all locations, visitors and members."""
    annex = add_location(store, "Annex", "Pacific/Auckland")
    use_pin(store, location, register(store, location).pin)
    use_pin(store, location, add_member(store, location).pin)
    use_pin(store, annex, register(store, annex).pin)
    clock.now = at("2026-11-20 11:00")  # midnight in Auckland
    assert tidy(store).cut_offs == 1
    clock.now = at("2026-11-21 00:00")
    assert tidy(store).cut_offs == 2
    assert tidy(store) == NOTHING


def test_retention_forgets_a_visit_with_everything_of_it(
    store: Store, location: Location, clock: Clock
) -> None:
    """No row of any table leads to it or tells of it any more; what was before is as before."""
    set_up(store, location, "retention-days=30")
    add_member(store, location)
    before = row_counts(store)
    old = register(store, location, host="Ana Reyes")
    use_pin(store, location, old.pin)
    visit = reissue(store, old)
    for each in (visit, old):  # somebody tries the PINs weeks later
        log(store, location, each, "2026-12-20 09:00")
    tell(store, record(Status.START, visit, at=at("2026-12-20 09:00")))
    assert sessions(store)[0].visit_id == visit.id
    clock.now = at("2026-12-21 00:00")
    assert tidy(store) == Tidied(cut_offs=1, visits=1, events=0)  # deleted on the 20th
    assert not is_known(store, old)
    assert look_up(store, visit).replaces is None
    clock.advance(microseconds=1)
    assert tidy(store).visits == 1
    after = row_counts(store)
    for table in Row.metadata.tables:
        if table not in {"change", "removed", "store_revision", "audit"}:
            assert after[table] == before[table], table
    with store.read() as work:
        entries = list_entries(work, AuditFilter())[before["audit"] :]
    assert {(each.action, each.subject) for each in entries} == {("housekeeping", "store")}


def test_retention_is_exact_and_counts_from_the_end(
    store: Store, location: Location, clock: Clock
) -> None:
    """Of the day or the window, whichever is later; or from the deletion."""
    set_up(store, location, "retention-days=30", "token-duration=3d")
    window = register(store, location)  # until 23 November 08:30
    cancelled = delete(store, register(store, location, arrival="2027-06-01 09:00"))
    clock.now = at("2026-12-20 08:30")
    assert tidy(store).visits == 0
    clock.advance(microseconds=1)
    assert tidy(store).visits == 1
    assert not is_known(store, cancelled)
    clock.now = at("2026-12-23 08:30")
    assert tidy(store).visits == 0
    assert is_known(store, window)
    clock.advance(microseconds=1)
    assert tidy(store).visits == 1


def test_retention_keeps_everybody_else(store: Store, location: Location, clock: Clock) -> None:
    """Other locations' visits, those to come, the tracks of those that stay, and members."""
    annex = add_location(store, "Annex", "Europe/London")
    set_up(store, location, "retention-days=30")
    elsewhere, past = register(store, annex), register(store, location)
    member = add_member(store, location)
    clock.advance(days=40)
    current = register(store, location, host="Ana Reyes")
    use_pin(store, location, current.pin)
    future = register(store, location, arrival="2027-06-01 09:00")
    log(store, location, current, "2026-12-30 09:00")
    assert tidy(store) == Tidied(cut_offs=0, visits=1, events=0)
    assert not is_known(store, past)
    assert all(is_known(store, visit) for visit in (elsewhere, current, future))
    assert ("visitor-arrived", current.id, "queued") in mails(store)
    assert use_pin(store, location, member.pin).id == member.id
    with store.read() as work:
        registered = select(func.count()).where(AuditRow.action == "register")
        assert work.session.scalar(registered) == 3
    assert row_counts(store)["auth_event"] == 1


def test_retention_keeps_who_is_in_the_building(
    store: Store, location: Location, clock: Clock
) -> None:
    """The desk let somebody in whose visit was over long ago: they count from their leaving."""
    set_up(store, location, "retention-days=30")
    visit = register(store, location)
    clock.advance(days=40)
    by_hand(store, visit, override=True)
    assert tidy(store) == NOTHING
    assert seen(store, location, open_only=True) == ["in Zoë Nguyễn"]
    clock.advance(days=32)
    assert tidy(store).visits == 1


def test_retention_forgets_decisions(store: Store, location: Location, clock: Clock) -> None:
    """By the location that they were made at."""
    annex = add_location(store, "Annex", "Europe/London", "retention-days=90")
    set_up(store, location, "retention-days=30")
    for place in (location, annex):
        log(store, place, None, "2026-11-20 09:00")
        log(store, place, None, "2026-12-25 09:00")
    clock.now = at("2026-12-24 12:00")
    assert tidy(store) == Tidied(cut_offs=0, visits=0, events=1)
    clock.now = at("2027-02-19 12:00")
    assert tidy(store) == Tidied(cut_offs=0, visits=0, events=2)


def test_a_decision_that_led_nowhere_is_forgotten_with_the_last(
    store: Store, location: Location, clock: Clock
) -> None:
    """It is of no location: kept as long as any keeps its own, for ever where one does."""
    annex = add_location(store, "Annex", "Europe/London")
    set_up(store, location, "retention-days=30")
    log(store, None, None, "2026-11-20 09:00")
    clock.now = at("2027-11-20 09:00")
    assert tidy(store).events == 0
    set_up(store, annex, "retention-days=365")
    assert tidy(store).events == 0
    clock.advance(seconds=1)
    assert tidy(store).events == 1


def test_more_visits_than_are_forgotten_at_once(
    store: Store, location: Location, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Group after group, until none is left."""
    monkeypatch.setattr(pruning, "VISITS_PER_TRANSACTION", 2)
    monkeypatch.setattr(pruning, "FOUND_AT_ONCE", 3)
    set_up(store, location, "retention-days=1")
    for count in (6, 7):
        for _ in range(count):
            register(store, location)
        clock.advance(days=9)
        assert tidy(store).visits == count
    assert row_counts(store)["visit"] == 0


def test_readers_are_told_of_what_was_forgotten(
    store: Store, location: Location, clock: Clock
) -> None:
    """By number, as of everything that is taken away."""
    set_up(store, location, "retention-days=1")
    visit = register(store, location)
    before = position(store)
    clock.advance(days=9)
    tidy(store)
    news = read_news(store, before)
    assert news is not None
    assert news.removed_visits == [visit.id]


def test_changes_that_nobody_needs_are_dropped(
    store: Store, location: Location, clock: Clock
) -> None:
    """A reader that is as far behind as is kept goes on; one further behind reads everything."""
    set_up(store, location, "retention-days=1")
    register(store, location)
    clock.advance(days=9)
    tidy(store)  # something to be found in `removed`, too
    positions = [position(store)]
    for _ in range(5):
        visit = register(store, location)
        positions.append(position(store))
    assert row_counts(store)["removed"] == 1
    tidy(store, most_changes=5)
    assert row_counts(store)["removed"] == 0
    assert read_news(store, positions[0]) is not None
    tidy(store, most_changes=3)
    counts = row_counts(store)
    assert (counts["change"], counts["removed"]) == (3, 0)
    assert [read_news(store, seen) is None for seen in positions] == [True] * 2 + [False] * 4
    news = read_news(store, positions[2])
    assert news is not None
    assert [found.id for found in news.visits] == [visit.id - 2, visit.id - 1, visit.id]
    tidy(store, most_changes=4)
    assert row_counts(store)["change"] == 3
    assert read_news(store, positions[1]) is None
    assert position(store) == positions[-1]


def test_retention_forgets_sessions(store: Store, location: Location, clock: Clock) -> None:
    """By when they were heard of last; one of no location as the most patient location says."""
    annex = add_location(store, "Annex")
    set_up(store, location, "retention-days=30")
    for number, place in enumerate((location.id, annex.id, None), 1):
        tell(store, record(key=f"{number:032x}", location_id=place))
    clock.advance(days=30)
    assert tidy(store) == replace(NOTHING, lost=3)
    clock.advance(seconds=1)
    assert tidy(store).sessions == 1
    set_up(store, annex, "retention-days=60")
    assert [session.location_id for session in sessions(store)] == [annex.id, None]
    clock.advance(days=30)
    assert tidy(store).sessions == 2


def test_each_kind_is_kept_for_its_own_time(store: Store, location: Location, clock: Clock) -> None:
    """Sessions, mail, check-ins, removed members and the audit; the visits stay."""
    visit, member = register(store, location), add_member(store, location)
    gone = add_member(store, location, email="gone@example.com")
    for pin in (visit.pin, member.pin, gone.pin):
        use_pin(store, location, pin)
    with store.write() as work:
        row = work.session.get_one(OutboxRow, 1)
        row.state, row.sent_at = "sent", work.now
        remove_member(work, gone.id)
    tell(store, record(Status.STOP, visit))
    clock.advance(days=31)
    assert tidy(store) == replace(NOTHING, cut_offs=2)
    for kind, forgotten in {
        "session": {"sessions": 1},
        "mail": {"mails": 1},
        "check-in": {"check_ins": 3},
        "member": {"members": 1},
    }.items():
        set_up(store, location, f"{kind}-retention-days=30")
        assert tidy(store) == replace(NOTHING, **forgotten)
        assert tidy(store) == NOTHING
    assert look_up(store, visit).mail.value == "none"
    set_up(store, location, "audit-retention-days=30")
    assert tidy(store).audit == 6
    with store.read() as work:
        assert {each.at for each in list_entries(work, AuditFilter())} == {clock.now}
    counts = row_counts(store)
    assert (counts["visit"], counts["member"]) == (1, 1)


def test_a_member_stays_as_long_as_a_visit_names_them(
    store: Store, location: Location, clock: Clock
) -> None:
    """A visit that a member registered has its host."""
    member = add_member(store, location)
    visit = register(store, location)
    with store.write() as work:
        row = work.session.get_one(VisitRow, visit.id)
        row.source, row.member_id = "customer", member.id
        remove_member(work, member.id)
    set_up(store, location, "member-retention-days=1")
    clock.advance(days=3)
    assert tidy(store) == NOTHING
    assert row_counts(store)["member"] == 1
    set_up(store, location, "retention-days=1")
    assert tidy(store) == replace(NOTHING, visits=1, members=1)
    assert row_counts(store)["member"] == 0


def test_check_ins_of_a_visit_that_goes_on_stay(
    store: Store, location: Location, clock: Clock
) -> None:
    """They say what state it is in."""
    set_up(store, location, "token-duration=30d", "check-in-retention-days=1")
    visit = register(store, location)
    use_pin(store, location, visit.pin)
    clock.advance(days=3)
    assert tidy(store) == replace(NOTHING, cut_offs=1)
    assert look_up(store, visit).state.value == "checked_out"
