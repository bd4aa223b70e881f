"""PINs: R6, R7, R8."""

import re
import sys
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexio.errors import InvalidValue, Refused
from nexio.input.pins import normalize_pin
from nexio.locations.locations import Location
from nexio.reception import pins
from nexio.reception.pins import NewPin, draw_pin, new_pin, parse_pin
from nexio.reception.visits import delete_visit
from nexio.store.engine import Store
from nexio.store.tables import PinRow
from tests.support.clocks import Clock
from tests.support.people import add_location, hold_pins, register, set_up
from tests.support.stores import row_counts


def drawn(store: Store, location: Location, how_many: int = 20) -> Iterable[str]:
    """The digits of some new PINs."""
    with store.read() as work:
        candidates = pins._candidates(work, location, location.settings.pin_length)  # noqa: SLF001
        return [next(candidates).digits for _ in range(how_many)]


@pytest.mark.parametrize("length", range(5, 11))
def test_r6_a_pin_has_the_locations_length(
    sqlite_store: Store, sqlite_location: Location, length: int
) -> None:
    """Digits only, 5 to 10 of them."""
    location = set_up(
        sqlite_store, sqlite_location, f"pin-length={length}", insecure_short_pin=True
    )
    with sqlite_store.write() as work:
        assert re.fullmatch(f"[0-9]{{{length}}}", draw_pin(work, location).digits)
    assert len(register(sqlite_store, location).pin) == length


def test_r6_leading_zeros_are_kept(store: Store, location: Location) -> None:
    """A PIN is text; one in ten starts with a zero."""
    with store.write() as work:
        assert new_pin(work, location, "000123").digits == "000123"
    assert register(store, location, pin="000123").pin == "000123"
    assert any(digits.startswith("0") for digits in drawn(store, location, 500))
    assert {len(digits) for digits in drawn(store, location, 500)} == {6}


BLANKS = " \t\u00a0\u1680\u2002\u2007\u2009\u200b\u202f\u205f\u2060\u3000\ufeff"
DASHES = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d\u05be"
DIGITS = [
    "0123456789",
    "０１２３４５６７８９",  # full width
    "٠١٢٣٤٥٦٧٨٩",  # Arabic
    "۰۱۲۳۴۵۶۷۸۹",  # Persian
    "०१२३४५६७८९",  # Devanagari
    "๐๑๒๓๔๕๖๗๘๙",  # Thai
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",  # mathematical, beyond 16 bits
]


@pytest.mark.parametrize(
    ("typed", "pin"),
    [
        (b"123456", "123456"),
        (b"012345", "012345"),
        (b"  123456\t", "123456"),
        (b"123 456", "123456"),
        (b"12-34-56", "123456"),
        (b"- 1 2 3 - 4 5 6 -", "123456"),
        (b"12345", "12345"),
        (b"1234567890", "1234567890"),
        (b"1234", None),
        (b"12345678901", None),
        (b"", None),
        (b"-----", None),
        (b"12345a", None),
        (b"12.345", None),
        (b"+12345", None),
        (b"12\xff34", None),
        (b"12\xff345", None),
        (b"123456\0", None),
        (b"\x00123456", None),
        (b"123456\n", None),
        (b"123\r456", None),
        *((f"{blank}123{blank}456{blank}".encode(), "123456") for blank in BLANKS),
        *((f"{dash}123{dash}456{dash}".encode(), "123456") for dash in DASHES),
        *(("".join(digits).encode(), "0123456789") for digits in DIGITS),
        ("１２٣४५6".encode(), "123456"),
        ("\u202d１２３–\u00a0４５６\u202c".encode(), None),
        (b"123\xa0456", None),
        (b"123\x96456", None),
        ("12345²".encode(), None),
        ("12345⑥".encode(), None),
        ("12345½".encode(), None),
        ("12345五".encode(), None),
        ("12345Ⅵ".encode(), None),
        (b"l23456", None),
        ("１２３４５Ｏ".encode(), None),
        ("12345\u0301".encode(), None),
        (b"123_456", None),
        ("123・456".encode(), None),
        ("１２３４".encode(), None),
        ("１２３４５６７８９０１".encode(), None),
        ("１２３４５６".encode("utf-16-le"), None),
        ("１２３４５６".encode("shift-jis"), None),
        (b"\xc0\xb1\xc0\xb2\xc0\xb3\xc0\xb4\xc0\xb5", None),
        (b"\xed\xa0\x80123456", None),
    ],
)
def test_r8_what_a_keyboard_adds_is_overlooked_and_nothing_else(
    typed: bytes, pin: str | None
) -> None:
    """Blanks, dashes and digits of any kind; a PIN among other octets is not that PIN."""
    assert normalize_pin(typed) == pin


def test_r8_any_decimal_digit_of_unicode_counts() -> None:
    """Of every script and width that this Python knows."""
    digits = [chr(code) for code in range(sys.maxunicode) if chr(code).isdecimal()]

    assert len(digits) > 600
    for digit in digits:
        value = unicodedata.decimal(digit)
        assert normalize_pin(f"1234{digit}".encode()) == f"1234{value}"


@given(st.binary() | st.text("0123456789 -\t").map(str.encode))
@example(b"123456\n")
def test_r8_whatever_was_typed_is_a_pin_or_nothing(typed: bytes) -> None:
    """5 to 10 ASCII digits, all of which were typed, in that order."""
    pin = normalize_pin(typed)
    if pin is not None:
        assert re.fullmatch("[0-9]{5,10}", pin)
        decimals = [unicodedata.decimal(each, None) for each in typed.decode()]
        assert pin == "".join(str(value) for value in decimals if value is not None)
        assert normalize_pin(pin.encode()) == pin


@pytest.mark.parametrize(
    "text", ["1234", "secret1", "12345678901", "", "12345\udc80", "１２３４５x"]
)
def test_what_is_no_pin_is_not_repeated(text: str) -> None:
    """It may be one with a slip of the finger."""
    with pytest.raises(InvalidValue) as caught:
        parse_pin(text)
    assert str(caught.value) == "this is not a PIN"
    assert caught.value.advice == "A PIN has 5 to 10 digits and no letters."


def test_a_new_pin_does_not_show_itself() -> None:
    """A repr ends up in logs."""
    assert repr(NewPin(digits="123456", digest=b"x")) == "NewPin(length=6)"


def twin_of(session: Session) -> PinRow:
    """A member's row with the digest of a visit's PIN."""
    row = session.scalars(select(PinRow).where(PinRow.visit_id.is_not(None))).one()
    return PinRow(location_id=row.location_id, digest=row.digest, length=6, member_id=1)


def test_r7_a_pin_is_unique_by_a_constraint(store: Store, location: Location) -> None:
    """Not only by a look before: a second row of the same digest is impossible."""
    register(store, location)
    hold_pins(store, location, 1, 1)
    with Session(store.engine) as session:
        session.execute(delete(PinRow).where(PinRow.member_id == 1))
        session.add(twin_of(session))
        with pytest.raises(IntegrityError, match=r"uq_pin_location_id_digest|pin\.digest"):
            session.flush()


def test_r7_a_pin_that_is_lost_to_another_desk_is_refused(store: Store, location: Location) -> None:
    """What the constraint says reaches a person in words."""
    register(store, location)
    hold_pins(store, location, 1, 1)
    with pytest.raises(Refused, match="somebody else made the same change"), store.write() as work:
        work.session.add(twin_of(work.session))


def test_r7_a_live_pin_is_never_drawn(
    store: Store, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next candidate is taken."""
    taken = register(store, location, pin="111111").pin
    with store.write() as work:
        both = [
            NewPin(digits=digits, digest=work.keyring.digest(location.id, digits))
            for digits in (taken, "222222")
        ]
        monkeypatch.setattr(pins, "_candidates", lambda *_: iter(both))
        assert draw_pin(work, location).digits == "222222"


def test_r7_two_locations_may_share_a_pin(store: Store, location: Location) -> None:
    """It is unique among the live PINs of its location."""
    annex = add_location(store, "Annex")
    assert register(store, location, pin="123456").pin == register(store, annex, pin="123456").pin


def test_r7_a_live_pin_cannot_be_taken(store: Store, location: Location) -> None:
    """The message does not say whose it is."""
    register(store, location, pin="123456")
    with pytest.raises(Refused, match="belongs to somebody else at this location") as caught:
        register(store, location, pin="123-456", email="other@example.com")
    assert "123" not in str(caught.value)


def test_r7_a_pin_lives_until_its_day_and_its_token_are_over(
    store: Store, location: Location, clock: Clock
) -> None:
    """Freed rows are removed when the next PIN is drawn, at the very instant."""
    register(store, location, pin="123456", arrival="14:00")
    clock.now = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
    with pytest.raises(Refused):
        register(store, location, pin="123456")
    clock.advance(seconds=1)
    assert register(store, location, pin="123456").pin == "123456"
    assert row_counts(store)["pin"] == 1


def test_r7_a_pin_outlives_the_day_where_its_token_does(
    store: Store, location: Location, clock: Clock
) -> None:
    """The later of both counts."""
    register(store, location, pin="123456", arrival="23:30")
    clock.now = datetime(2026, 11, 21, 0, 29, 59, tzinfo=UTC)
    with pytest.raises(Refused):
        register(store, location, pin="123456")
    clock.advance(seconds=1)
    register(store, location, pin="123456")


def test_r7_only_the_locations_own_rows_are_removed(
    store: Store, location: Location, clock: Clock
) -> None:
    """A desk does not wait for the rows of another one."""
    annex = add_location(store, "Annex")
    register(store, annex)
    register(store, location)
    clock.advance(days=2)
    register(store, location)
    assert row_counts(store)["pin"] == 2


def test_r7_r13_a_deleted_visits_pin_is_free_at_once(store: Store, location: Location) -> None:
    """Only deletion or revocation frees it sooner."""
    visit = register(store, location, pin="123456")
    with store.write() as work:
        delete_visit(work, visit.id)
    register(store, location, pin="123456")


def test_r7_more_than_half_of_all_pins_live_is_refused_with_the_numbers(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """Members' PINs count too; longer PINs are a way out."""
    short = set_up(sqlite_store, sqlite_location, "pin-length=5", insecure_short_pin=True)
    hold_pins(sqlite_store, sqlite_location, 1, 50_000)
    with sqlite_store.write() as work:
        assert len(draw_pin(work, short).digits) == 5
    hold_pins(sqlite_store, sqlite_location, 50_001, 50_001)
    with sqlite_store.write() as work, pytest.raises(Refused) as caught:
        draw_pin(work, short)
    assert str(caught.value) == "50001 of the 100000 PINs of 5 digits are in use at Harbour House"
    assert "nexio settings set pin-length=6" in caught.value.advice
    assert (
        len(register(sqlite_store, set_up(sqlite_store, sqlite_location, "pin-length=6")).pin) == 6
    )


def test_r7_a_members_pin_has_no_end(store: Store, location: Location, clock: Clock) -> None:
    """A constraint: only a member's row is without one."""
    hold_pins(store, location, 1, 1)
    clock.advance(days=4000)
    register(store, location)
    assert row_counts(store)["pin"] == 2
    with Session(store.engine) as session, pytest.raises(IntegrityError, match="members_keep"):
        session.execute(update(PinRow).values(free_at=clock.now))
