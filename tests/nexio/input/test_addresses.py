"""E-mail addresses (R8)."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.addresses import ascii_spelling, email_key, parse_email


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


BUECHER = [
    "zoë@bücher.example.com",
    "ZOË@BÜCHER.EXAMPLE.COM",
    "zoe\u0308@bu\u0308cher.example.com",
    "ZOE\u0308@BU\u0308CHER.example.com",
    "zoë@xn--bcher-kva.example.com",
    "Zoë@XN--BCHER-KVA.Example.com",
    " zoe\u0308@xn--bcher-kva.example.com ",
    "zoë@ｂücher。example．com",
]


@pytest.mark.parametrize("typed", BUECHER)
def test_r8_both_spellings_of_a_domain_are_one(typed: str) -> None:
    """The one that people write, and the one that DNS knows; composed or not, in any case."""
    assert email_key(typed) == "zoë@bücher.example.com"


@pytest.mark.parametrize("typed", BUECHER[:-1])
def test_r8_it_does_not_matter_how_it_was_registered(typed: str) -> None:
    """What is stored has the key that each spelling has; so it was in older stores, too."""
    stored = parse_email(typed)
    before = unicodedata.normalize("NFC", unicodedata.normalize("NFC", stored).lower()).strip()
    assert email_key(stored) == before == "zoë@bücher.example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zoe@faß.example.com", "zoe@fass.example.com"),
        ("zoe@xn--fa-hia.example.com", "zoe@fass.example.com"),
        ("xn--bcher-kva@example.com", "bücher@example.com"),
    ],
)
def test_other_domains_stay_others(one: str, other: str) -> None:
    """Who may have another owner is somebody else; before the @ there is one spelling only."""
    assert email_key(one) != email_key(other)


@given(
    st.builds(
        "{}@{}xn--{}".format,
        st.text(max_size=5),
        st.text(alphabet="aüßıİ.。 \u00a0\u0308", max_size=9),
        st.text(alphabet="abz019-.ü\u0308", max_size=20),
    )
)
def test_r8_whatever_follows_a_prefix(text: str) -> None:
    """It never raises, and a key that is stored is found by itself."""
    assert email_key(email_key(text)) == email_key(text)


@pytest.mark.parametrize(
    ("address", "ascii_one"),
    [
        ("zoë@bücher.example.com", "zoë@xn--bcher-kva.example.com"),
        ("zoe@example.com", "zoe@example.com"),
        ("zoë@\udcff", "zoë@\udcff"),
    ],
)
def test_the_spelling_of_dns(address: str, ascii_one: str) -> None:
    """For a search; what has none stays as it is."""
    assert ascii_spelling(address) == ascii_one
