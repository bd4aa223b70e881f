"""Members: who works here, hosts visitors and has a PIN of their own (R7, R21)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from nexio.checkin.taps import list_taps
from nexio.errors import InvalidValue, NotFound, Refused
from nexio.locations.locations import Location
from nexio.reception import members
from nexio.reception.members import Member
from nexio.reception.registration import register
from nexio.reception.registration_texts import read_registration
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from nexio.store.tables import AuditRow, OutboxRow, PinRow
from tests.support import people
from tests.support.clocks import Clock
from tests.support.people import add_location, look_up, set_up
from tests.support.reception import add_member, use_pin
from tests.support.stores import row_counts

ZOE = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "zoe@example.com"}


def get(store: Store, which: str, location_name: str | None = None) -> Member:
    """The member that a person means."""
    with store.read() as work:
        return members.get_member(work, which, location_name)


def edit(store: Store, member: Member, **texts: str | None) -> Member:
    """Correct what is known of a member."""
    with store.write() as work:
        return members.edit_member(work, member.id, texts)


def set_pin(store: Store, member: Member, pin: str | None = None, *, mail: bool = False) -> Member:
    """Give a member another PIN."""
    with store.write() as work:
        return members.set_pin(work, member.id, pin, send_pin=mail)


def remove(store: Store, member: Member) -> Member:
    """Remove a member."""
    with store.write() as work:
        return members.remove_member(work, member.id)


def listed(store: Store, location: Location) -> list[str]:
    """The members by name."""
    with store.read() as work:
        return [member.name for member in members.list_members(work, location)]


def register_by(store: Store, location: Location, host: Member, **texts: str) -> Visit:
    """Register Zoë as a member does."""
    with store.write() as work:
        return register(work, location, read_registration(ZOE | texts, work.now, location, host))


def test_a_member_is_read_back(store: Store, location: Location) -> None:
    """By number and by e-mail in any case, with a PIN that no repr shows."""
    member = add_member(store, location, email="Ana@Example.com")
    assert (member.name, member.email) == ("Ana Reyes", "Ana@example.com")
    assert (member.location, len(member.pin)) == (location, 6)
    assert member.pin not in repr(member)
    for which in (str(member.id), "ana@example.com", "ANA@EXAMPLE.COM"):
        assert get(store, which) == member


@pytest.mark.parametrize("which", ["0", "7", str(2**31), "1" * 40, "nobody@example.com", "", "Ana"])
def test_nobody(store: Store, location: Location, which: str) -> None:
    """By a number or an address that leads to nobody."""
    add_member(store, location)
    with pytest.raises(NotFound, match="there is no member"):
        get(store, which)


def test_a_member_by_both_spellings_of_a_domain(store: Store, location: Location) -> None:
    """R8: one address is one member, however it is written."""
    member = add_member(store, location, email="ana@bücher.example.com")
    for which in ("ANA@xn--bcher-kva.example.com", "ana@bu\u0308cher.example.com"):
        assert get(store, which) == member
        with pytest.raises(Refused, match="belongs to member 1 already"):
            add_member(store, location, email=which)


def test_members_are_listed_by_name(store: Store, location: Location) -> None:
    """Of one location, without those who were removed."""
    annex = add_location(store, "Annex", "Europe/London")
    add_member(store, annex, first_name="Eve")
    add_member(store, location, first_name="Zoë", email="zoe@example.com")
    add_member(store, location)
    remove(store, add_member(store, location, email="gone@example.com"))
    assert listed(store, location) == ["Ana Reyes", "Zoë Reyes"]
    assert listed(store, annex) == ["Eve Reyes"]


@pytest.mark.parametrize(
    ("field", "text"),
    [("first_name", "<b>"), ("last_name", "Agent 7"), ("email", "ana"), ("pin", "secret")],
)
def test_what_cannot_be_read_is_an_error(
    sqlite_store: Store, sqlite_location: Location, field: str, text: str
) -> None:
    """And adds nobody."""
    before = row_counts(sqlite_store)
    with pytest.raises(InvalidValue):
        add_member(sqlite_store, sqlite_location, **{field: text})
    assert row_counts(sqlite_store) == before


def test_an_address_belongs_to_one_member_of_a_location(store: Store, location: Location) -> None:
    """In any case; to another one elsewhere, or after the first one was removed."""
    annex = add_location(store, "Annex", "Europe/London")
    first = add_member(store, location)
    other = add_member(store, location, email="bo@example.com")
    with pytest.raises(Refused, match=f"belongs to member {first.id} already"):
        add_member(store, location, email="ANA@example.com")
    with pytest.raises(Refused, match=f"belongs to member {first.id} already"):
        edit(store, other, email="ana@example.com")
    add_member(store, annex)
    remove(store, first)
    again = add_member(store, location)
    assert get(store, "ana@example.com", "Harbour House").id == again.id


def test_a_member_is_edited(store: Store, location: Location) -> None:
    """The PIN stays; the audit says which fields changed, and not what they say."""
    member = add_member(store, location)
    after = edit(store, member, first_name="Anna", email="ANA@example.com", last_name=None)
    assert (after.name, after.email, after.pin) == ("Anna Reyes", "ANA@example.com", member.pin)
    assert edit(store, member, last_name="Li").name == "Anna Li"
    with store.read() as work:
        details = work.session.scalars(select(AuditRow.details).where(AuditRow.action == "edit"))
        assert details.all() == [{"changed": ["email", "first_name"]}, {"changed": ["last_name"]}]
    with pytest.raises(InvalidValue, match="nothing to change"):
        edit(store, member, first_name=None)
    with pytest.raises(InvalidValue):
        edit(store, member, first_name="7")


def test_r7_a_pin_is_unique_among_visitors_and_members(store: Store, location: Location) -> None:
    """Of a location; brought along or drawn."""
    annex = add_location(store, "Annex", "Europe/London")
    people.register(store, location, pin="111111")
    member = add_member(store, location, pin="222222")
    other = add_member(store, location, email="bo@example.com")
    for pin in ("111111", "222222"):
        with pytest.raises(Refused, match="this PIN belongs to somebody else"):
            add_member(store, location, email="li@example.com", pin=pin)
        with pytest.raises(Refused, match="this PIN belongs to somebody else"):
            set_pin(store, other, pin)
    with pytest.raises(Refused, match="this PIN belongs to somebody else"):
        people.register(store, location, pin=member.pin)
    assert add_member(store, annex, pin="222222").pin == "222222"


def test_r7_a_members_pin_lives_as_long_as_the_member(
    store: Store, location: Location, clock: Clock
) -> None:
    """Years on it is nobody else's; removed, it is refused and free at once."""
    member = add_member(store, location, pin="222222")
    clock.advance(days=3000)
    with pytest.raises(Refused, match="belongs to somebody else"):
        people.register(store, location, pin="222222")
    assert use_pin(store, location, "222222").name == "Ana Reyes"
    assert remove(store, member).name == "Ana Reyes"
    with pytest.raises(Refused, match="this PIN is nobody's at Harbour House"):
        use_pin(store, location, "222222")
    with pytest.raises(NotFound):
        get(store, str(member.id))
    people.register(store, location, pin="222222")


def test_another_pin(store: Store, location: Location) -> None:
    """Drawn by today's length, or brought along; the old one is refused and free at once."""
    member = add_member(store, location, pin="222222")
    set_up(store, location, "pin-length=8")
    drawn = set_pin(store, member)
    assert len(drawn.pin) == 8
    with pytest.raises(Refused, match="nobody's"):
        use_pin(store, location, "222222")
    given = set_pin(store, member, "22-22 22")
    assert given.pin == "222222"
    assert use_pin(store, location, "222222").id == member.id
    with store.read() as work:
        assert work.session.scalars(select(PinRow.length)).all() == [6]


def test_a_mail_with_the_pin_goes_out_on_request(store: Store, location: Location) -> None:
    """One that still waits is dropped for a newer one: both would say the newest PIN."""
    member = add_member(store, location)
    assert row_counts(store)["outbox"] == 0
    set_pin(store, member)
    assert row_counts(store)["outbox"] == 0
    for _ in range(2):
        set_pin(store, member, mail=True)
    with store.write() as work:
        said = {"first_name": "Bo", "last_name": "Li", "email": "bo@example.com"}
        other = members.add_member(work, location, said, send_pin=True)
    with store.read() as work:
        rows = work.session.scalars(select(OutboxRow).order_by(OutboxRow.member_id))
        assert [(row.template, row.member_id) for row in rows] == [
            ("member-pin", member.id),
            ("member-pin", other.id),
        ]


def test_r21_a_member_registers_a_visitor(store: Store, location: Location) -> None:
    """The source is ``customer``, the member is the host, and there is a token by R3."""
    visit = register_by(store, location, add_member(store, location))
    assert (visit.source, visit.host) == ("customer", "Ana Reyes")
    assert visit.token is not None


def test_r21_the_visits_of_a_member_stay(store: Store, location: Location) -> None:
    """When the member is removed, and when the member's name changes."""
    member = add_member(store, location)
    visit = register_by(store, location, member)
    edit(store, member, first_name="Anna")
    remove(store, member)
    assert look_up(store, visit).host == "Ana Reyes"
    assert use_pin(store, location, visit.pin).host == "Ana Reyes"


def test_r21_a_member_of_another_location_registers_nobody_here(
    store: Store, location: Location
) -> None:
    """A host is to be found in the building."""
    annex = add_location(store, "Annex", "Europe/London")
    with pytest.raises(Refused, match="Ana Reyes is a member at Annex, not at Harbour House"):
        register_by(store, location, add_member(store, annex))


def test_who_is_removed_while_in_is_checked_out(store: Store, location: Location) -> None:
    """Nobody could check them out any more, and they would stay on the list for an evacuation."""
    member = add_member(store, location)
    use_pin(store, location, member.pin)
    with store.write() as work:
        members.remove_member(work, member.id)
    with store.read() as work:
        assert list_taps(work, location, open_only=True) == []
        assert [tap.direction.value for tap in list_taps(work, location, open_only=False)] == [
            "in",
            "out",
        ]
