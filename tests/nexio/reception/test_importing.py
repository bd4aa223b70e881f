"""Registering the visitors of a file: the rules of a single registration, all or nobody."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from nexio.errors import Refused, StoreUnreachable
from nexio.operations.rotation import rotate_key
from nexio.outbox.outbox import Template
from nexio.reception.exporting import write_visits
from nexio.reception.importing import Imported, Wishes, import_visits
from nexio.reception.registration_texts import Allowed
from nexio.reception.staging import Watch
from nexio.reception.visits import VisitFilter, list_visits
from nexio.store.tables import PinDayRow, VisitRow
from radius_auth.decision.decide import Accepted
from tests.support.contents import contents
from tests.support.people import add_location, register, set_up
from tests.support.reception import Blind, add_member, mails, wifi
from tests.support.stores import row_counts, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

# It is 08:30 on Friday, 20 November 2026.
HEAD = "first name,last name,email,arrival,duration,host,company,phone,notes,pin,group\n"
ZOE = "Zoë,Nguyễn,zoe@example.com,now,,,,,,,\n"
ADA = "Ada,Example,ada@example.com,tomorrow at 9,2h,Grace,Ltd,'+49 30 1,on foot,735201,Board\n"


PLAIN, BLIND = Wishes(), Blind()


def take(store: Store, rows: str, wishes: Wishes = PLAIN, watch: Watch = BLIND) -> Imported:
    """Import some rows."""
    return import_visits(store, None, io.BytesIO((HEAD + rows).encode()), wishes, watch)


def visits_of(store: Store, location: Location, group: str | None = None) -> list[Visit]:
    """All visits of a location."""
    with store.read() as work:
        return list_visits(work, location, VisitFilter(past_and_deleted=True, group=group))


def many(number: int, arrival: str = "now") -> str:
    """Rows for as many visitors."""
    return "".join(f"Zoë,N,visitor{each}@example.com,{arrival},,,,,,,\n" for each in range(number))


def test_an_import_is_as_many_registrations(store: Store, location: Location) -> None:
    """R1 to R3, R6: the same rows as of single registrations, in every table."""
    annex = add_location(store, "Annex", "Europe/London", "visitor-tokens=on")
    imported = take_at(store, location, ZOE + ADA)
    assert (imported.ready, len(imported.visits)) == (2, 2)
    register(store, annex, email="zoe@example.com", pin="735999")
    zoe, ada = visits_of(store, location)
    again = visits_of(store, annex)[0]
    same = {"id", "location", "pin", "token"}
    assert {name: getattr(zoe, name) for name in zoe.__slots__ if name not in same} == {
        name: getattr(again, name) for name in zoe.__slots__ if name not in same
    }
    assert zoe.token is not None
    assert again.token is not None
    assert (zoe.token.valid_from, zoe.token.valid_until) == (
        again.token.valid_from,
        again.token.valid_until,
    )
    assert isinstance(wifi(store, zoe), Accepted)
    assert (ada.pin, ada.group, ada.host, ada.phone) == ("735201", "Board", "Grace", "+49 30 1")
    assert mails(store, Template.VISITOR_REGISTERED)[:2] == [
        ("visitor-registered", zoe.id, "queued"),
        ("visitor-registered", ada.id, "queued"),
    ]
    with store.read() as work:
        rows = [
            {column.name: getattr(row, column.name) for column in VisitRow.__table__.columns}
            for row in work.session.scalars(select(VisitRow).order_by(VisitRow.id))
        ]
    own = {"id", "location_id", "batch", "pin_sealed", "pin_digest"}
    first, last = ({k: v for k, v in rows[n].items() if k not in own} for n in (0, 2))
    assert first == last


def take_at(store: Store, location: Location, rows: str, wishes: Wishes = PLAIN) -> Imported:
    """Import some rows at a location of several."""
    octets = io.BytesIO((HEAD + rows).encode())
    return import_visits(store, location.name, octets, wishes, Blind())


def test_every_bad_row_is_named(store: Store, location: Location) -> None:
    """Each with its line and all that is wrong with it; nobody is registered."""
    register(store, location, email="eve@example.com", arrival="14:00")
    before = contents(store)
    imported = take(
        store,
        ZOE
        + ",,bob@,10/12/2026 9:00,,,,,,,\n"
        + "Bob,B,bob@example.com,,,,,,,,\n"
        + "Bob,B,bob@example.com,6:00,,,,,,,\n"
        + "Bob,B,bob@example.com,tomorrow 9am,5,,,,,12,\n"
        + "Eve,E,EVE@example.com,14:00,,,,,,,\n"
        + "Zoë,N,zoe@example.com,8:30,,,,,,,\n"
        + "Ann,A,ann@example.com,25/4 9am,,,,,,,\n"
        + "Ann,A,ann@example.com,tomorrow 9am,,,,,,12345,\n"
        + ADA
        + "Kim,K,kim@example.com,now,,,,,,735201,\n",
    )
    found: dict[int, list[str]] = {}
    for fault in imported.faults:
        found.setdefault(fault.line, []).append(fault.message)
    assert list(found) == [3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert len(found[3]) == 3
    assert any("two readings" in message for message in found[3])
    assert found[4] == ["The arrival is empty"]
    assert "is over" in found[5][0]
    assert len(found[6]) == 2
    assert "visit 1 is for EVE@example.com" in found[7][0]
    assert "the time of line 2" in found[8][0]
    assert "no year" in found[9][0]
    assert "NIST" in found[10][0]
    assert "somebody else" in found[12][0]
    assert not any("735201" in message for each in found.values() for message in each)
    assert contents(store) == before


def test_duplicates_are_left_out_on_request(store: Store, location: Location) -> None:
    """They are shown all the same; a second import registers nobody twice."""
    wishes = Wishes(skip_duplicates=True)
    assert len(take(store, ZOE + ADA, wishes).visits) == 2
    again = take(store, ZOE + ADA + ADA.replace("Ada", "Adah"), wishes)
    assert (again.visits, again.ready, again.faults) == ((), 0, [])
    assert [remark.line for remark in again.duplicates] == [2, 3, 4]
    assert len(visits_of(store, location)) == 2


def test_a_trial_changes_nothing(store: Store, location: Location) -> None:
    """It says how many there would be."""
    del location
    before = contents(store)
    assert take(store, ZOE + ADA, Wishes(dry_run=True)).ready == 2
    assert contents(store) == before


def test_r6_pins_grow_as_if_they_were_drawn_one_after_the_other(
    store: Store, location: Location
) -> None:
    """And those of another day count for themselves."""
    take(store, many(60) + many(3, "in 20 days at 9").replace("visitor", "later"))
    lengths = [len(visit.pin) for visit in visits_of(store, location)]
    assert lengths[:60] == [6] * 33 + [7] * 27
    assert lengths[60:] == [6] * 3
    annex = add_location(store, "Annex", "Europe/London", "visitor-tokens=on")
    for number in range(60):
        register(store, annex, email=f"visitor{number}@example.com")
    assert [len(visit.pin) for visit in visits_of(store, annex)] == lengths[:60]
    with store.read() as work:
        counts = {
            place.id: sorted(
                (row.length, row.pins)
                for row in work.session.scalars(select(PinDayRow))
                if row.location_id == place.id and row.day.day == 20 and row.day.month == 11
            )
            for place in (location, annex)
        }
    assert counts[location.id] == counts[annex.id] == [(6, 33), (7, 27)]


def test_r7_pins_whose_time_has_passed_can_be_brought_along(
    store: Store, location: Location, clock: Clock
) -> None:
    """A PIN that is live is refused; one of yesterday is not."""
    register(store, location, pin="735201")
    assert len(take(store, ADA).faults) == 1
    clock.advance(days=2)
    assert len(take(store, ADA).visits) == 1
    assert row_counts(store)["pin"] == 1


def test_r9_no_more_than_planned(store: Store, location: Location) -> None:
    """Where the PIN alone logs in, the whole file is held against the plan."""
    words = ("pin-length=8", "wifi-login=pin", "planned-guests=3")
    set_up(store, location, *words, insecure_pin_login=True)
    with pytest.raises(Refused, match="planned for 3 guests"):
        take(store, many(4))
    assert row_counts(store)["visit"] == 0
    assert len(take(store, many(3)).visits) == 3
    with pytest.raises(Refused, match="planned for 3 guests"):
        take(store, ZOE)


def test_visitors_without_an_email(store: Store, location: Location) -> None:
    """They get names to log in with, of which none is there twice, and no mail."""
    rows = "Zoë,Nguyễn,,now,,,,,,,\nZoë,Nguyễn,,7:45,,,,,,,\n"
    allowed = Allowed(no_email=True)
    assert len(take(store, rows).faults) == 2
    take(store, rows, Wishes(allowed=allowed))
    again = take(store, rows * 2, Wishes(allowed=allowed, skip_duplicates=True))
    assert (again.ready, len(again.duplicates)) == (0, 4)
    visits = visits_of(store, location)
    assert [visit.login for visit in visits] == ["zoe.nguyen2", "zoe.nguyen"]
    assert all(isinstance(wifi(store, visit), Accepted) for visit in visits)
    assert not isinstance(wifi(store, visits[0], visits[1].pin), Accepted)
    assert mails(store) == []


def test_a_group_that_is_named_once(store: Store, location: Location) -> None:
    """For the rows that name none, however it is typed."""
    take(store, ZOE + ADA, Wishes(group="Visit of Ways"))
    assert [visit.first_name for visit in visits_of(store, location, "VISIT of ways")] == ["Zoë"]
    assert [visit.first_name for visit in visits_of(store, location, "board")] == ["Ada"]


def test_an_export_is_imported_again(store: Store, location: Location) -> None:
    """With PINs, formulas and all: to another store, or after they were deleted here."""
    odd = "=cmd|x,Example,x@example.com,tomorrow 14:00-16:30,,@h,-co,+1 2,=1+1,,'=G\n"
    take(store, (ADA + odd).replace("=cmd|x", "Bo"))
    before = visits_of(store, location)
    file = io.StringIO(newline="")
    write_visits(before, file)
    assert "'=1+1" in file.getvalue()
    run_sql(store, "DELETE FROM pin")
    run_sql(store, "UPDATE visit SET deleted_at = registered_at")
    imported = import_visits(store, None, io.BytesIO(file.getvalue().encode()), Wishes(), Blind())
    assert imported.faults == []
    after = visits_of(store, location)[2:] or visits_of(store, location)
    fresh = [visit for visit in visits_of(store, location) if visit.id in imported.visits]
    assert after
    for old, new in zip(before, fresh, strict=True):
        assert replace(new, id=old.id, token=old.token, mail=old.mail) == old
        assert old.token is not None
        assert new.token is not None
        assert new.token.valid_until == old.token.valid_until


class Meddling:
    """Somebody else does something when the file has been read."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._acts = list(acts)

    def step(self, what: str, done: int, of: int) -> None:
        """Act once for each try."""
        if what == "reading" and done == of and self._acts:
            self._acts.pop(0)()


def test_what_another_desk_registers_meanwhile_counts(store: Store, location: Location) -> None:
    """The file is held against it anew: it is a duplicate now."""
    act = Meddling(lambda: register(store, location, email="zoe@example.com"))
    imported = take(store, ZOE + ADA, watch=act)
    assert [fault.line for fault in imported.faults] == [2]
    assert row_counts(store)["visit"] == 1


def test_pins_that_others_draw_meanwhile_count(store: Store, location: Location) -> None:
    """R6: the bound of the day holds, too; R7: of two equal PINs one is drawn again."""

    def others() -> None:
        for number in range(20):
            register(store, location, email=f"other{number}@example.com")

    assert len(take(store, many(33), watch=Meddling(others)).visits) == 33
    lengths = sorted(len(visit.pin) for visit in visits_of(store, location))
    assert lengths.count(6) <= 53
    taken = Meddling(lambda: register(store, location, pin="735201", email="x@example.com"))
    assert [fault.line for fault in take(store, ADA, watch=taken).faults] == [2]


def test_settings_and_keys_that_change_meanwhile_count(
    configuration: Configuration, store: Store, location: Location
) -> None:
    """What is stored is by the settings of then, and sealed with the key of then."""
    off = Meddling(
        lambda: set_up(store, location, "visitor-tokens=off"),
        lambda: rotate_key(store, configuration.key_file),
    )
    imported = take(store, ZOE + ADA.replace("2h", ""), watch=off)
    assert len(imported.visits) == 2
    assert [visit.token for visit in visits_of(store, location)] == [None, None]
    assert all(visit.pin for visit in visits_of(store, location))


def test_who_is_overtaken_again_and_again_gives_up(store: Store, location: Location) -> None:
    """Nobody was registered."""
    minutes = iter(range(10, 20))

    def others() -> None:
        set_up(store, location, f"token-duration={next(minutes)}m")

    with pytest.raises(Refused, match="again and again"):
        take(store, ZOE, watch=Meddling(*[others] * 10))
    assert row_counts(store)["visit"] == 0


class Injected(Exception):
    """The fault that a test makes."""


@contextmanager
def failing_at(store: Store, step: int) -> Iterator[list[int]]:
    """Have the n-th statement fail; yields how many there were."""
    count = [0]

    def fail(*_: Any) -> None:
        count[0] += 1
        if count[0] == step:
            raise Injected

    event.listen(store.engine, "before_cursor_execute", fail)
    try:
        yield count
    finally:
        event.remove(store.engine, "before_cursor_execute", fail)


def test_a_failure_at_each_statement_leaves_nothing(store: Store, location: Location) -> None:
    """From the first look at the store to the last, which publishes the change."""
    register(store, location)
    before, step = contents(store), 0
    while True:
        step += 1
        try:
            with failing_at(store, step) as count:
                take(store, ZOE.replace("now", "14:00") + ADA)
        except Injected:
            assert contents(store) == before
        else:
            break
    assert step > 10
    assert count[0] == step - 1
    assert len(visits_of(store, location)) == 3


@pytest.mark.parametrize("table", ["visit", "access_token", "pin", "outbox", "audit", "pin_day"])
def test_a_failure_of_the_database_in_each_table_leaves_nothing(
    store: Store, location: Location, table: str
) -> None:
    """It fails at the second row, after the first was stored."""
    register(store, location, arrival="in 3 days 9:00")
    before = contents(store)
    try:
        for statement in fault_in(store, table):
            run_sql(store, statement)
        with pytest.raises((StoreUnreachable, IntegrityError)):
            take(store, many(20, "in 2 days 9:00") + many(2, "in 5 days 9:00").replace("v", "w"))
        assert contents(store) == before
    finally:  # the tests of a process share the database of PostgreSQL
        if store.engine.dialect.name != "sqlite":
            run_sql(store, "DROP FUNCTION broken() CASCADE")


def fault_in(store: Store, table: str) -> list[str]:
    """What lets a table take one more row and then none."""
    full = f"(SELECT count(*) FROM {table}) > 1"  # noqa: S608 (names of a test)
    broken = "the disk is broken"
    trigger = f"CREATE TRIGGER broken BEFORE INSERT ON {table}"
    if store.engine.dialect.name == "sqlite":
        return [f"{trigger} WHEN {full} BEGIN SELECT RAISE(ABORT, '{broken}'); END"]
    body = f"BEGIN IF {full} THEN RAISE EXCEPTION '{broken}'; END IF; RETURN new; END"
    return [
        f"CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"{trigger} FOR EACH ROW EXECUTE FUNCTION broken()",
    ]


def test_r7_the_pin_of_a_member_is_refused(store: Store, location: Location) -> None:
    """They share the PINs of a location."""
    member = add_member(store, location)
    assert len(take(store, ADA.replace("735201", member.pin)).faults) == 1


@pytest.mark.parametrize("early", [0, 45])
def test_r1_the_window_may_open_early(store: Store, location: Location, early: int) -> None:
    """Its end stays; so it does for a single registration."""
    set_up(store, location, f"early-minutes={early}")
    take(store, ADA.replace("at 9", "0:15"))
    register(store, location, arrival="tomorrow 0:15", duration="2h")
    for visit in visits_of(store, location):
        assert visit.token is not None
        assert visit.token.valid_from is not None
        assert visit.token.valid_until is not None
        assert visit.expected_arrival - visit.token.valid_from == timedelta(minutes=early)
        assert visit.token.valid_until - visit.expected_arrival == timedelta(hours=2)
    with store.read() as work:
        days = {(row.day.day, row.pins) for row in work.session.scalars(select(PinDayRow))}
    assert days == ({(21, 2)} if early == 0 else {(20, 2), (21, 2)})
