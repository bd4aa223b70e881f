"""What of a User-Name may be stored and logged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.input.pins import normalize_pin
from nexio.network.masking import MASK, mask_pins

KNOWN = {"jan459377@example.com", "459377@example.com"}


def masked(name: str) -> str:
    """With two e-mails of visits that hold digits."""
    return mask_pins(name, KNOWN.__contains__)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("44863544@guest", "******@guest"),
        ("PIN459377", "PIN******"),
        ("459377@example.org", "******@example.org"),
        ("12345@a", "******@a"),
        ("1234567890@a", "******@a"),
        ("459377459377@a", "******@a"),  # typed twice
        ("20261120 459377 zoe", "****** zoe"),
        ("zoe 459 377 guest", "zoe ****** guest"),
        ("zoe 459-377", "zoe ******"),
        ("zoe 4 5 9 3 7 7", "zoe ******"),
        ("zoe 459\u00a0377", "zoe ******"),
        ("zoe 459\u202f377", "zoe ******"),
        ("zoe 459\u2011377", "zoe ******"),
        ("zoe 459\u2013377", "zoe ******"),
        ("zoe 459\u2212377", "zoe ******"),
        ("zoe 459\u200b377", "zoe ******"),
        ("zoe 459\x00377", "zoe ******"),
        ("zoe 459\t377", "zoe ******"),
        ("zoe 459\udca0377", "zoe ******"),  # a no-break space in Latin-1
        (r"zoe 459\xa0377", "zoe ******"),  # as an older version has stored it
        ("zoe \uff14\uff15\uff19\uff13\uff17\uff17", "zoe ******"),
        ("zoe \u0664\u0665\u0669\u0663\u0667\u0667", "zoe ******"),
        ("zoe \u096a\u096b\u096f377", "zoe ******"),
        ("zoe \u2463\u2464\u2468\u2462\u2466", "zoe ******"),
        ("a459377b004711c", "a******b******c"),
        (r"guest\459377", "guest\\******"),
    ],
)
def test_what_could_be_a_pin_is_masked(name: str, shown: str) -> None:
    """Each run of five digits or more, of any script, also with blanks and dashes in it."""
    assert masked(name) == shown


def test_whatever_a_pin_may_be_typed_with_is_masked() -> None:
    """R8: what check-in and the servers overlook between digits, and digits of any script."""
    overlooked = [chr(code) for code in range(0x20000) if normalize_pin(pin_with(code))]
    assert {"-", "\u2043", "\u00ad", "\uff14", "\U00010ead"} < set(overlooked)
    for between in overlooked:
        assert masked(f"zoe 459{between}377@x") == "zoe ******@x", hex(ord(between))


def pin_with(code: int) -> bytes:
    """What a guest types with any one character in the middle of it."""
    return f"459{chr(code)}377".encode(errors="replace")


@pytest.mark.parametrize("name", ["459377", " 459-377 ", "12", "\uff11\uff12", "45 9 3!"])
def test_without_a_letter_all_of_it_is_masked(name: str) -> None:
    """A guest who typed a part of the PIN into the wrong field gives that part away, else."""
    assert masked(name) == MASK


@pytest.mark.parametrize(
    "name", ["zoe@example.com", "room 12", "room-1234", "", " - ", "Zoë", "a1b2c3d4e5", "1.2.3.a45"]
)
def test_anything_else_is_shown(name: str) -> None:
    """Fewer than five digits, or letters and dots between them, are no PIN."""
    assert masked(name) == name


@pytest.mark.parametrize(
    "name", ["jan459377@example.com", "JAN459377@Example.com", " jan459377@example.com "]
)
def test_the_email_of_a_visit_is_shown(name: str) -> None:
    """In any case: its digits are no secret."""
    assert masked(name) == name


@pytest.mark.parametrize("name", ["jan459377@example.com x", "xjan459377@example.com"])
def test_only_the_whole_name_is_an_email(name: str) -> None:
    """What has more in it may hold a PIN."""
    assert MASK in masked(name)


@given(st.text(max_size=60), st.from_regex(r"[0-9]{5,10}", fullmatch=True), st.text(max_size=60))
def test_no_run_is_left(before: str, pin: str, after: str) -> None:
    """Whatever stands around it; a second look finds nothing more to mask."""
    shown = mask_pins(before + pin + after, lambda _: False)
    assert pin not in shown
    assert mask_pins(shown, lambda _: False) == shown
