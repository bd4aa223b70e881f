"""QR codes: signed by the store, and not the PIN."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from nexio.checkin.taps import Direction
from nexio.configuration import Configuration
from nexio.errors import Refused, UnknownCode
from nexio.locations.locations import Location
from nexio.operations.rotation import rotate_key
from nexio.reception.changing import edit_visit
from nexio.reception.members import set_pin
from nexio.reception.qr_codes import qr_text, read_qr
from nexio.reception.visits import Visit
from nexio.store.creation import create_store
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.people import add_location, delete, register
from tests.support.reception import add_member, reissue, use_pin, use_qr
from tests.support.stores import configuration_of, row_counts


def text_of(store: Store, visit: Visit) -> str:
    """What the visitor's code says."""
    with store.read() as work:
        return qr_text(work, visit)


def test_a_visit_has_one_text_and_no_other_visit_has_it(store: Store, location: Location) -> None:
    """A code in a mail stays good."""
    one, two = register(store, location), register(store, location)
    assert text_of(store, one) == text_of(store, one)
    assert text_of(store, one) != text_of(store, two)
    assert text_of(store, one).split(":")[2] != text_of(store, two).split(":")[2]


def test_a_text_is_small_and_does_not_hold_the_pin(store: Store, location: Location) -> None:
    """Capitals, digits and colons: a QR code in alphanumeric mode (ISO/IEC 18004 section 7.4.4)."""
    visit = register(store, location, pin="980123")
    assert re.fullmatch(f"NEXIO1:{visit.id}:[A-Z2-7]{{24}}", text_of(store, visit))
    assert "980123" not in text_of(store, visit)


def read(store: Store, text: str) -> int:
    """The visit that a scanned text names."""
    with store.read() as work:
        return read_qr(work, text)


def test_a_scanned_text_names_its_visit(store: Store, location: Location) -> None:
    """Also as a scanner may type it: in small letters, with blanks around it."""
    visits = [register(store, location) for _ in range(3)]
    for visit in visits:
        text = text_of(store, visit)
        for scanned in (text, text.lower(), f" {text}\r\n"):
            assert read(store, scanned) == visit.id


@pytest.mark.parametrize(
    "text",
    [
        *("", "482913", "NEXIO1", "NEXIO1:", "NEXIO1::", "NEXIO1:x:AAAA", "NEXIO1:-1:AAAA"),
        *("NEXIO2:1:AAAA", "https://example.com/NEXIO1:1:A", "NEXIO1:١:AAAA", "NEXIO1: 1:AAAA"),
        *("\udc82", "\udc82NEXIO1:1:AAAA", "NEXIO1\udc82:1:AAAA", "NEXIO1:1\udc82:AAAA"),
    ],
)
def test_another_code_is_told_from_ours(
    sqlite_store: Store, sqlite_location: Location, text: str
) -> None:
    """A label on a parcel, an address of the web, a PIN."""
    register(sqlite_store, sqlite_location)
    with pytest.raises(Refused, match="this is not a visitor's code") as caught:
        read(sqlite_store, text)
    assert "registration e-mail" in caught.value.advice


@pytest.mark.parametrize("text", ["NEXIO1:1:\udc82", "NEXIO1:1:1:\ud800AA", "NEXIO1:1:\udc82:AAAA"])
def test_octets_that_are_no_text_are_no_signature(
    sqlite_store: Store, sqlite_location: Location, text: str
) -> None:
    """An argument of a command that is not UTF-8 comes as surrogates (PEP 383)."""
    register(sqlite_store, sqlite_location)
    with pytest.raises(UnknownCode, match="this code was not made here"):
        read(sqlite_store, text)


def test_a_forged_or_cut_code_is_refused(store: Store, location: Location) -> None:
    """The signature of one visit fits no other; every letter of it counts."""
    one, two = register(store, location), register(store, location)
    text = text_of(store, one)
    prefix, number, signature = text.split(":")
    before = row_counts(store)
    cut = [text[:length] for length in range(len(f"{prefix}:{number}"), len(text))]
    turned = "B" if signature[0] == "A" else "A"
    forged = [
        f"{prefix}:{two.id}:{signature}",
        f"{prefix}:0{number}:{signature}",
        f"{prefix}:{2**31}:{signature}",
        f"{prefix}:{10**30}:{signature}",
        f"{prefix}:0:{signature}",
        f"{prefix}:{number}:{turned}{signature[1:]}",
        f"{text}A",
        f"{text}:A",
        f"{text} x",
    ]
    for wrong in [*cut, *forged]:
        with pytest.raises(Refused, match="was not made here, or a part of it is missing"):
            use_qr(store, wrong, location)
    assert row_counts(store) == before


def test_a_code_of_another_store_is_refused(
    store: Store, location: Location, clock: Clock, tmp_path: Path
) -> None:
    """Another deployment numbers its visits too, and signs them with a key of its own."""
    register(store, location)
    foreign = configuration_of(tmp_path / "foreign")
    create_store(foreign)
    with closing(Store.open(foreign, clock)) as other:
        theirs = text_of(other, register(other, add_location(other, "Harbour House")))
    assert theirs.startswith("NEXIO1:1:")
    with pytest.raises(Refused, match="was not made here"):
        use_qr(store, theirs, location)


def test_a_code_of_another_location_is_told_where_to_go(store: Store, location: Location) -> None:
    """Where the desk has said which one it is; else the code says it."""
    annex = add_location(store, "Annex", "Europe/London")
    text = text_of(store, register(store, annex))
    with pytest.raises(Refused, match="this code is for a visit at Annex"):
        use_qr(store, text, location)
    tap = use_qr(store, text)
    assert (tap.direction, tap.location) == (Direction.IN, annex)


def test_a_code_of_a_deleted_visit_is_refused(store: Store, location: Location) -> None:
    """In words, as it is one of ours; after a reissue the newer mail has the newer code."""
    deleted, old = register(store, location), register(store, location)
    delete(store, deleted)
    new = reissue(store, old)
    with pytest.raises(Refused, match=f"^visit {deleted.id} was deleted$"):
        use_qr(store, text_of(store, deleted), location)
    with pytest.raises(Refused, match=f"^visit {old.id} was reissued as visit {new.id}$"):
        use_qr(store, text_of(store, old), location)
    assert use_qr(store, text_of(store, new), location).id == new.id


def edit(store: Store, visit: Visit, **texts: str) -> Visit:
    """Correct what is known of a visitor."""
    with store.write() as work:
        return edit_visit(work, visit.id, texts)


def test_a_code_of_the_old_address_is_refused(store: Store, location: Location) -> None:
    """Each new PIN raises the edition; only the code of the newest mail checks in."""
    visit = register(store, location)
    texts = [text_of(store, visit)]
    for email in ("ada@example.com", "eve@example.com", "zoe@example.com"):
        visit = edit(store, visit, email=email)
        texts.append(text_of(store, visit))
    assert [len(text.split(":")) for text in texts] == [3, 4, 4, 4]
    before = row_counts(store)
    for text in texts[:-1]:
        for _ in range(2):
            with pytest.raises(Refused, match="a newer mail was sent") as caught:
                use_qr(store, text)
            assert "newest mail" in caught.value.advice
    assert row_counts(store) == before
    assert use_qr(store, texts[-1]).id == visit.id


def test_a_code_stays_good_where_pin_and_address_stay(store: Store, location: Location) -> None:
    """Another name, host or way to write the same address changes no code."""
    visit = register(store, location)
    text = text_of(store, visit)
    edit(store, visit, first_name="Ada", host="Ana", email="ZOE@example.com")
    assert text_of(store, visit) == text
    assert use_qr(store, text).name == "Ada Nguyễn"


def test_an_edition_cannot_be_forged(store: Store, location: Location) -> None:
    """It is signed: neither taken out, nor put in, nor raised."""
    visit = register(store, location)
    first = text_of(store, visit)
    visit = edit(store, visit, email="ada@example.com")
    prefix, number, edition, signature = text_of(store, visit).split(":")
    old = first.split(":")[2]
    assert edition == "2"
    for wrong in (
        f"{prefix}:{number}:{signature}",
        f"{prefix}:{number}:2:{old}",
        f"{prefix}:{number}:1:{old}",
        f"{prefix}:{number}:1:{signature}",
        f"{prefix}:{number}:02:{signature}",
        f"{prefix}:{number}:3:{signature}",
        f"{prefix}:{number}::{signature}",
        f"{prefix}:{number}:{2**31}:{signature}",
        f"{prefix}:{number}:2:{signature}:2",
    ):
        with pytest.raises(Refused, match="was not made here, or a part of it is missing"):
            use_qr(store, wrong)


def test_who_is_inside_does_not_leave_by_the_code_of_a_deleted_visit(
    store: Store, location: Location
) -> None:
    """As with the PIN, which is free by then; the desk is told how they leave."""
    visit = register(store, location)
    text = text_of(store, visit)
    use_qr(store, text)
    delete(store, visit)
    with pytest.raises(Refused, match=f"^visit {visit.id} was deleted$") as caught:
        use_qr(store, text)
    assert f"nexio checkin --visit {visit.id} --out" in caught.value.advice
    with pytest.raises(Refused, match=f"^visit {visit.id} was deleted$") as caught:
        use_pin(store, location, visit.pin)
    assert f"nexio checkin --visit {visit.id} --out" in caught.value.advice


def test_the_old_pin_of_a_member_does_not_check_in(store: Store, location: Location) -> None:
    """Members have no QR code; another PIN ends the old one at once."""
    member = add_member(store, location)
    with store.write() as work:
        new = set_pin(work, member.id, None, send_pin=False)
    with pytest.raises(Refused, match="this PIN is nobody's"):
        use_pin(store, location, member.pin)
    assert use_pin(store, location, new.pin).id == member.id


def test_a_code_stays_good_when_the_key_is_changed(
    store: Store, location: Location, configuration: Configuration
) -> None:
    """It is in a mail that was sent."""
    visit = register(store, location)
    text = text_of(store, visit)
    rotate_key(store, configuration.key_file)
    assert text_of(store, visit) == text
    assert use_qr(store, text, location).id == visit.id
