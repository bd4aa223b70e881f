"""Octets from the network, as a log may show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.network.masking import MASK
from radius_auth.decision.passwords import Pap
from radius_auth.protocol.printable import device_for_log, printable, user_name_for_log


def nobody(email: str) -> bool:
    """No visit has any e-mail."""
    del email
    return False


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"zoe@example.com", "zoe@example.com"),
        ("Zoë Nguyễn".encode(), "Zoë Nguyễn"),
        (b"line\nbreak\r\n", "line\\nbreak\\r\\n"),
        (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        (b"nul\0", "nul\\x00"),
        (b"Caf\xe9", "Caf\\xe9"),
        ("a\u202eb\u2028c\u200bd\x85".encode(), "a\\u202eb\\u2028c\\u200bd\\x85"),
        (b"", ""),
        (b"x" * 253, "x" * 120),
    ],
)
def test_what_could_harm_a_terminal_is_escaped(octets: bytes, shown: str) -> None:
    """Must 20: control characters, escape sequences and invalid UTF-8."""
    assert printable(octets) == shown


@pytest.mark.parametrize(
    "typed", [b"482913", b"004711", b" 482913 ", b"482-913", b"48 29 13", b"482\t913", b"12"]
)
def test_a_user_name_that_could_be_a_pin_is_masked(typed: bytes) -> None:
    """Must 20: guests type the PIN in the wrong field, with blanks and dashes (R8)."""
    assert user_name_for_log(typed, nobody) == MASK


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"44863544@guest", "******@guest"),
        (b"PIN459\xa0377", "PIN******"),
        (b"x" * 118 + b"459377", "x" * 118 + "**"),
        (b"\x1bzoe459377", "\\x1bzoe******"),
        (b"zoe \xff\xfe", "zoe \\xff\\xfe"),
    ],
)
def test_digits_within_a_user_name_are_masked(octets: bytes, shown: str) -> None:
    """Must 20: with a realm, with octets that are no text, and at the place where it is cut."""
    assert user_name_for_log(octets, nobody) == shown


def test_the_email_of_a_visit_is_shown() -> None:
    """Unless it holds what was typed as the PIN."""
    email = b"jan459377@example.com"
    assert user_name_for_log(email, lambda _: True) == email.decode()
    assert user_name_for_log(email, lambda _: True, Pap(b"459377")) == "jan******@example.com"


@pytest.mark.parametrize("typed", [b"zoe@example.com", b"room 12", b"", b" - "])
def test_any_other_user_name_is_shown(typed: bytes) -> None:
    """Must 20: only what could be a PIN is hidden."""
    assert user_name_for_log(typed, nobody) == typed.decode()


@pytest.mark.parametrize("typed", ["482913", "４８２９１３", "٤٨٢٩١٣", "482–913"])
def test_the_pin_within_a_user_name_is_masked_as_it_was_typed(typed: str) -> None:
    """Must 20: a portal adds its realm to what the guest typed, in whichever digits (R8)."""
    assert (
        user_name_for_log(f"{typed}@portal".encode(), nobody, Pap(typed.encode()))
        == f"{MASK}@portal"
    )


@pytest.mark.parametrize(
    ("station", "shown"),
    [
        (None, None),
        (b"02-00-00-AB-CD-EF", "02:00:00:ab:cd:ef"),
        (b"192.0.2.7", "192.0.2.7"),
        (b"198.51.100.23", "198.51.100.23"),
        (b"2001:db8::7", "2001:db8::7"),
        (b"fe80::1%482913", "fe80::1%" + MASK),
        (b"482913", MASK),
        (b"guest-482913", "guest-" + MASK),
        (b"482 913@portal", MASK + "@portal"),
        (b"port 12", "port 12"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ],
)
def test_a_device_is_shown_in_one_notation(station: bytes | None, shown: str | None) -> None:
    """R18 and Must 20: the MAC, or whatever the NAS says, harmless and without a PIN."""
    assert device_for_log(station) == shown


@given(st.one_of(st.binary(max_size=300), st.text(max_size=150).map(str.encode)))
def test_whatever_comes_is_one_printable_line(octets: bytes) -> None:
    """Must 20: no octets from the network can steer a log or a terminal."""
    for shown in (
        printable(octets),
        user_name_for_log(octets, nobody),
        device_for_log(octets) or "",
    ):
        assert shown.isprintable()
        assert shown.splitlines() in ([], [shown])
