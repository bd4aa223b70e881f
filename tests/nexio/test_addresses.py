"""E-mail addresses: section 7 "Validation" of the design, and R8."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.addresses import email_key, parse_email
from nexio.errors import InvalidValue


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("guest@example.com", "guest@example.com"),
        ("  guest@example.com\n", "guest@example.com"),
        ("Guest.Name@EXAMPLE.com", "Guest.Name@example.com"),
        ("guest+wifi@example.org", "guest+wifi@example.org"),
        ("o'guest@example.com", "o'guest@example.com"),
        ("zoe\u0308@example.com", "zoë@example.com"),
        ("guest@xn--exmple-cua.org", "guest@exämple.org"),
        ("guest@exämple.org", "guest@exämple.org"),
    ],
)
def test_addresses_are_normalized(typed: str, address: str) -> None:
    """Trimmed, composed, the domain in lower case; the local part keeps its case."""
    assert parse_email(typed) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "guest",
        "guest@",
        "@example.com",
        "guest@@example.com",
        "guest@example",
        "guest name@example.com",
        "Guest <guest@example.com>",
        '"guest name"@example.com',
        "guest@[192.0.2.1]",
        "guest@host.local",
        "guest@example.com, other@example.com",
        "guest\n@example.com",
        "guest\0@example.com",
        "guest\ud800@example.com",
        f"guest@{'a' * 300}.example.com",
    ],
)
def test_refuses_what_is_no_address(text: str) -> None:
    """One printable line says what is wrong, one what to do."""
    with pytest.raises(InvalidValue) as caught:
        parse_email(text)
    assert "is not an e-mail address: " in str(caught.value)
    assert str(caught.value).isprintable()
    assert caught.value.advice == "Write the address alone, like name@example.com."


@settings(max_examples=40, deadline=None)  # the first one loads the tables of IDNA
@given(
    st.text(max_size=20) | st.builds("{}@{}.com".format, st.text(max_size=9), st.text(max_size=9))
)
def test_any_text_is_an_address_or_an_invalid_value(text: str) -> None:
    """No text raises anything else, and an address is a fixed point."""
    try:
        address = parse_email(text)
    except InvalidValue:
        return
    assert parse_email(address) == address


@pytest.mark.parametrize(
    "typed",
    ["zoë@example.com", "ZOË@Example.COM", " Zoë@example.com ", "zoe\u0308@example.com"],
)
def test_case_blanks_and_composition_are_forgiven(typed: str) -> None:
    """R8: upper or lower case and surrounding blanks of what a guest typed."""
    assert email_key(typed) == "zoë@example.com"


@pytest.mark.parametrize("typed", ["Guest@EXAMPLE.com", "zoe\u0308@example.com", "a@Exämple.org"])
def test_what_was_registered_is_found_as_it_was_typed(typed: str) -> None:
    """R8: the stored address and what the guest types again have one key."""
    assert email_key(parse_email(typed)) == email_key(typed)


def test_nothing_else_is_forgiven() -> None:
    """R8: dots and tags belong to the address."""
    assert email_key("g.uest+wifi@example.com") != email_key("guest@example.com")


@given(st.text())
def test_a_key_of_anything_is_its_own_key(text: str) -> None:
    """R8: it never raises, and a key that is stored is found by itself."""
    assert email_key(email_key(text)) == email_key(text)
