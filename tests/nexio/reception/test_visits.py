"""Visits: listing, finding and deleting them (R7, R13)."""

from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexio.errors import NotFound, Refused
from nexio.locations.locations import Location
from nexio.reception.importing import Wishes, import_visits
from nexio.reception.tokens import TokenState
from nexio.reception.visits import (
    VisitFilter,
    VisitState,
    delete_visit,
    find_visit,
    find_visits_by_email,
    get_visit,
    list_visits,
)
from nexio.store.engine import Store
from nexio.store.groups import LARGEST_GROUP
from nexio.store.tables import AuditRow, VisitRow
from tests.support.clocks import Clock
from tests.support.people import add_location, delete, look_up, register, revoke, set_up
from tests.support.reception import Blind
from tests.support.stores import row_counts

MANY = LARGEST_GROUP + 1
"""More than one statement asks for at once."""


def listed(store: Store, location: Location, **which: object) -> list[str]:
    """The addresses before the @, as ``visitor list`` with these filters has them."""
    chosen = VisitFilter(**which)  # type: ignore[arg-type]  # a table gives them
    with store.read() as work:
        return [visit.email.split("@")[0] for visit in list_visits(work, location, chosen)]


FILTERS: list[tuple[dict[str, object], str]] = [
    ({}, "night friday later saturday"),
    ({"past_and_deleted": True}, "wednesday night friday cancelled later saturday"),
    ({"day": date(2026, 11, 20)}, "friday later"),
    ({"day": date(2026, 11, 20), "past_and_deleted": True}, "friday cancelled later"),
    ({"day": date(2026, 11, 19)}, "night"),
    ({"day": date(2026, 11, 18)}, "wednesday"),
    ({"day": date(2026, 11, 21)}, "saturday"),
    ({"day": date(2026, 11, 22)}, ""),
    ({"state": VisitState.EXPECTED}, "friday later saturday"),
    ({"state": VisitState.EXPIRED}, "wednesday night"),
    ({"state": VisitState.DELETED}, "cancelled"),
    ({"state": VisitState.DELETED, "day": date(2026, 11, 21)}, ""),
    ({"token_state": TokenState.VALID}, "friday"),
    ({"token_state": TokenState.UPCOMING}, "saturday"),
    ({"token_state": TokenState.EXPIRED}, "night"),
    ({"token_state": TokenState.EXPIRED, "past_and_deleted": True}, "wednesday night"),
    ({"token_state": TokenState.REVOKED}, "later"),
    ({"with_token": True}, "night friday later saturday"),
    ({"search": "friday@"}, "friday"),
    ({"search": "EXAMPLE.COM"}, "night friday later saturday"),
]

SEARCHES = {
    "zoë": True,
    "ZOË": True,
    "Zoe\u0308": True,
    "zoë nguyễn": True,
    "ë n": True,
    " zoë ": True,
    "zoe@": True,
    "reyes": True,
    "100% Café_1": True,
    "CAFÉ": True,
    "%": True,
    "_": True,
    "\\": False,
    "z%o": False,
    "z_ë": False,
    "ramp": False,
    "123456": False,
}
"""Words, and whether they find Zoë Nguyễn."""


@pytest.fixture
def four_days(store: Store, location: Location, clock: Clock) -> Location:
    """Visits of Wednesday to Saturday at a place that is ahead of UTC, seen on Friday."""
    auckland = add_location(store, "Auckland", "Pacific/Auckland", "visitor-tokens=on")
    register(store, location, email="elsewhere@example.com")
    clock.now = datetime(2026, 11, 17, 20, tzinfo=UTC)  # Wednesday 09:00 there
    for email, arrival in (
        ("wednesday", "2026-11-18 10:00"),
        ("night", "2026-11-19 23:30"),
        ("cancelled", "2026-11-20 11:00"),
        ("friday", "2026-11-20 09:00"),
        ("later", "2026-11-20 15:00"),
        ("saturday", "2026-11-21 00:00"),
    ):
        visit = register(store, auckland, email=f"{email}@example.com", arrival=arrival)
        if email == "cancelled":
            delete(store, visit)
        if email == "later":
            revoke(store, visit)
    clock.now = datetime(2026, 11, 19, 20, 30, tzinfo=UTC)  # Friday 09:30 there
    return auckland


def test_visits_are_listed_by_arrival(store: Store, four_days: Location) -> None:
    """From today on and not deleted, unless more or less is asked for; days are local."""
    found = [(which, " ".join(listed(store, four_days, **which))) for which, _ in FILTERS]
    assert found == FILTERS


def test_a_list_is_of_one_location(store: Store, four_days: Location, location: Location) -> None:
    """Harbour House has its own visitors."""
    assert listed(store, location, past_and_deleted=True) == ["elsewhere"]


def test_visits_without_a_token_are_not_among_those_with_one(
    store: Store, location: Location
) -> None:
    """``token list`` shows tokens."""
    register(store, location, email="with@example.com")
    set_up(store, location, "visitor-tokens=off")
    register(store, location, email="without@example.com")
    assert listed(store, location) == ["with", "without"]
    assert listed(store, location, with_token=True) == ["with"]


def test_a_search_is_for_a_part_in_any_case(store: Store, location: Location) -> None:
    """Of name, address, host or company; % and _ mean themselves; a PIN cannot be searched."""
    said = {"host": "Ana Reyes", "company": "100% Café_1", "notes": "needs a ramp"}
    register(store, location, pin="123456", **said)
    register(store, location, email="other@example.com", first_name="Ed", last_name="Day")
    found = {words: listed(store, location, search=words) for words in SEARCHES}
    assert found == {words: ["zoe"] if finds else [] for words, finds in SEARCHES.items()}
    assert listed(store, location, search="") == ["zoe", "other"]


ALIKE = {
    "İSTANBUL Işıl": ("istanbul", "ISTANBUL", "ışıl", "IŞIL", "İstanbul"),
    "Ζωή ΟΔΥΣΣΕΩΣ": ("οδυσσεως", "οδυσσεωσ", "ζωή"),
    "Жуков": ("ЖУКОВ", "жук"),
    "Groß O’Brien": ("GROSS", "o'brien", "O‘BRIEN"),
    "Nguyễn Văn": ("NGUYỄN", "nguye\u0302\u0303n"),
    "می\u200cخواهم": ("میخواهم",),
}


@pytest.mark.parametrize("name", ALIKE)
def test_a_search_is_the_same_on_every_database(
    store: Store, location: Location, name: str
) -> None:
    """Upper and lower case of any script, whatever the locale of the database is."""
    register(store, location, last_name=name)
    register(store, location, email="other@example.com", company=name)
    register(store, location, email="third@example.com", host=name.swapcase())
    for words in (name, *ALIKE[name]):
        assert listed(store, location, search=words) == ["zoe", "other", "third"], words
    assert listed(store, location, search="nobody") == []


def test_a_search_finds_both_spellings_of_a_domain(store: Store, location: Location) -> None:
    """R8: and the visit by its whole address."""
    visit = register(store, location, email="zoe@xn--bcher-kva.example.com")
    for words in ("bücher", "BÜCHER.example", "@xn--bcher-kva"):
        assert listed(store, location, search=words) == ["zoe"]
    for address in ("zoe@bücher.example.com", "ZOE@XN--BCHER-KVA.example.com"):
        with store.read() as work:
            assert get_visit(work, address, None).id == visit.id


def test_a_search_that_finds_many(store: Store, location: Location) -> None:
    """All of them, by arrival, also where one statement cannot ask for all at once."""
    rows = "".join(f"Zoë,N,zoe{number}@example.com,now\n" for number in range(MANY))
    file = BytesIO(f"first name,last name,email,arrival\n{rows}".encode())
    import_visits(store, location.name, file, Wishes(), Blind())
    found = listed(store, location, search="zoë")
    assert found == [f"zoe{number}" for number in range(MANY)]


def test_visits_at_the_same_time_are_listed_as_they_were_registered(
    store: Store, location: Location
) -> None:
    """The order does not jump from one look to the next."""
    for email in ("c", "a", "b"):
        register(store, location, email=f"{email}@example.com")
    assert listed(store, location) == ["c", "a", "b"]


def test_an_address_finds_its_visits_that_are_not_over(
    store: Store, location: Location, clock: Clock
) -> None:
    """R8: in any case; not deleted ones, not another location's."""
    annex = add_location(store, "Annex")
    register(store, location, arrival="now")
    clock.advance(days=1)
    visit = register(store, location, arrival="10:00")
    sooner = register(store, location, arrival="09:00")
    delete(store, register(store, location))
    register(store, annex)
    register(store, location, email="other@example.com")
    with store.read() as work:
        assert find_visits_by_email(work, location, " ZOE@Example.com ") == [sooner, visit]
        assert find_visits_by_email(work, location, "zoe") == []


def test_a_number_finds_its_visit_and_no_other_does(store: Store, location: Location) -> None:
    """Deleted ones too."""
    visit = register(store, location)
    deleted = delete(store, visit)
    with store.read() as work:
        assert find_visit(work, visit.id) == deleted
        for number in (0, -1, visit.id + 1):
            assert find_visit(work, number) is None


def test_no_number_is_too_big_to_be_looked_up(store: Store) -> None:
    """An operator may type any."""
    for number in (2**31 - 1, 2**31, 2**63, 10**30):
        with store.read() as work:
            assert find_visit(work, number) is None
        with pytest.raises(NotFound, match=f"there is no visit {number}"), store.write() as work:
            delete_visit(work, number)


def test_r13_a_deleted_visits_token_is_revoked_and_its_pin_is_free(
    store: Store, location: Location
) -> None:
    """The visit itself stays, so that the guest can be told."""
    visit = register(store, location)
    deleted = delete(store, visit)
    assert deleted == look_up(store, visit)
    assert deleted.state is VisitState.DELETED
    assert deleted.token is not None
    assert deleted.token.state is TokenState.REVOKED
    assert row_counts(store)["pin"] == 0
    assert row_counts(store)["visit"] == 1


def test_a_visit_is_deleted_once(store: Store, location: Location, clock: Clock) -> None:
    """The second time is refused and changes nothing."""
    visit = delete(store, register(store, location))
    before = row_counts(store)
    clock.advance(minutes=1)
    with pytest.raises(Refused, match=f"visit {visit.id} was deleted before"):
        delete(store, visit)
    assert row_counts(store) == before


def test_a_visit_without_a_token_is_deleted_too(store: Store, location: Location) -> None:
    """Its PIN is free; there is no token to speak of."""
    set_up(store, location, "visitor-tokens=off")
    visit = delete(store, register(store, location))
    assert (visit.state, visit.token) == (VisitState.DELETED, None)
    assert row_counts(store)["pin"] == 0


def test_a_visit_that_is_not_there_cannot_be_deleted(store: Store) -> None:
    """The advice says where the numbers are."""
    with pytest.raises(NotFound, match="there is no visit 7") as caught, store.write() as work:
        delete_visit(work, 7)
    assert "nexio visitor list" in caught.value.advice


def test_a_visit_that_nobody_came_to_expires_with_its_day(
    store: Store, location: Location, clock: Clock
) -> None:
    """R15: at the very instant, without anybody running anything."""
    visit = register(store, location)
    clock.advance(hours=15, minutes=29, seconds=59)
    assert look_up(store, visit).state is VisitState.EXPECTED
    clock.advance(seconds=1)
    assert look_up(store, visit).state is VisitState.EXPIRED


def test_the_audit_does_not_hold_what_a_visitor_said(store: Store, location: Location) -> None:
    """For personal fields only which ones changed."""
    delete(store, register(store, location, host="Ana Reyes", pin="123456"))
    with store.read() as work:
        rows = work.session.scalars(select(AuditRow).where(AuditRow.subject == "visit")).all()
    assert [row.action for row in rows] == ["register", "revoke", "delete"]
    written = " ".join(str(row.details) for row in rows)
    assert not any(word in written for word in ("Zoë", "zoe", "Reyes", "123456"))


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"source": "friend"}, "ck_visit_source"),
    ({"source": "customer"}, "ck_visit_customer_host"),
    ({"token_starts": "never"}, "ck_visit_token_starts"),
    ({"closes_at": datetime(2026, 11, 20, 8, 30, tzinfo=UTC)}, "ck_visit_closes_after_arrival"),
    ({"opens_at": datetime(2026, 11, 20, 8, 31, tzinfo=UTC)}, "ck_visit_opens_before_arrival"),
    ({"location_id": 99}, "fk_visit_location_id_location|FOREIGN KEY"),
]


def test_what_cannot_be_is_kept_out_by_constraints(store: Store, location: Location) -> None:
    """Business invariants are in the store, not only in Python."""
    register(store, location)
    for values, constraint in IMPOSSIBLE:
        with Session(store.engine) as session, pytest.raises(IntegrityError, match=constraint):
            session.execute(update(VisitRow).values(values))


def test_a_visit_is_replaced_once(store: Store, location: Location) -> None:
    """R5: two desks that reissue the same visit cannot both succeed."""
    old, first, second = (register(store, location) for _ in range(3))
    with Session(store.engine) as session:
        by_first = update(VisitRow).where(VisitRow.id == first.id).values(replaces_id=old.id)
        session.execute(by_first)
        with pytest.raises(IntegrityError, match=r"uq_visit_replaces_id|visit\.replaces_id"):
            session.execute(
                update(VisitRow).where(VisitRow.id == second.id).values(replaces_id=old.id)
            )


def test_numbers_are_never_used_twice(store: Store, location: Location) -> None:
    """They leave the store in QR codes and Class attributes."""
    visit = register(store, location)
    with Session(store.engine) as session:
        row = session.get_one(VisitRow, visit.id)
        copied = {key: value for key, value in vars(row).items() if key in VisitRow.__table__.c}
        copied.pop("id")
        session.execute(insert(VisitRow).values(copied))
        session.execute(VisitRow.__table__.delete().where(VisitRow.id > visit.id))  # type: ignore[attr-defined]
        session.commit()
    assert register(store, location).id == visit.id + 2
