"""Octets from the network, as a log may show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radius_auth.printable import MASK, device_for_log, printable, user_name_for_log


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
    assert user_name_for_log(typed) == MASK


@pytest.mark.parametrize("typed", [b"zoe@example.com", b"room 12", b"", b" - "])
def test_any_other_user_name_is_shown(typed: bytes) -> None:
    """Must 20: only what could be a PIN is hidden."""
    assert user_name_for_log(typed) == typed.decode()


@pytest.mark.parametrize("typed", ["482913", "４８２９１３", "٤٨٢٩١٣", "482–913"])
def test_the_pin_within_a_user_name_is_masked_as_it_was_typed(typed: str) -> None:
    """Must 20: a portal adds its realm to what the guest typed, in whichever digits (R8)."""
    assert user_name_for_log(f"{typed}@portal".encode(), typed.encode()) == f"{MASK}@portal"


@pytest.mark.parametrize(
    ("station", "shown"),
    [
        (None, None),
        (b"02-00-00-AB-CD-EF", "02:00:00:ab:cd:ef"),
        (b"192.0.2.7", "192.0.2.7"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ],
)
def test_a_device_is_shown_in_one_notation(station: bytes | None, shown: str | None) -> None:
    """R18 and Must 20: the MAC, or whatever the NAS says, harmless."""
    assert device_for_log(station) == shown


@given(st.one_of(st.binary(max_size=300), st.text(max_size=150).map(str.encode)))
def test_whatever_comes_is_one_printable_line(octets: bytes) -> None:
    """Must 20: no octets from the network can steer a log or a terminal."""
    for shown in (printable(octets), user_name_for_log(octets), device_for_log(octets) or ""):
        assert shown.isprintable()
        assert shown.splitlines() in ([], [shown])
