"""Who a mail is from and to; header injection is impossible."""

from email import message_from_bytes, policy
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from typing import cast

import pytest

from nexio.errors import InvalidValue
from nexio.outbox.mailboxes import Mailbox, header_text, one_line, parse_sender

LONG = "Nguyễn Văn Ànhàng-Đặng " * 4

NAMES = [
    ("Ada Example", "Ada Example"),
    ("Zoë Nguyễn", "Zoë Nguyễn"),
    ("O'Brien", "O'Brien"),
    ("J. R. Anne-Marie", "J. R. Anne-Marie"),
    ("Zoë J. Müller", "Zoë J. Müller"),
    ("李 小龙", "李 小龙"),
    ("עדה לאבלייס", "עדה לאבלייס"),
    ("👩🏽‍🚀", "👩🏽‍🚀"),
    ("", ""),
    (LONG.strip(), LONG.strip()),
    ("King, Jr.", "King, Jr."),
    ("Łukasz Smith (IT)", "Łukasz Smith (IT)"),
    ("‘Abd al-Malik", "‘Abd al-Malik"),
    ("ئەی\u200cکاش", "ئەی\u200cکاش"),
    ("ක්\u200dෂ", "ක්\u200dෂ"),
    ("山田（営業）、太郎", "山田（営業）、太郎"),
    (f"{'King ' * 20}, Jr. (IT)", f"{'King ' * 20} Jr. IT"),
    ("A\r\nBcc: evil@example.org", "A Bcc evil example.org"),
    ("A\nBcc: evil@example.org", "A Bcc evil example.org"),
    ("A\x00\x1b[31m\u2028B\u202e", "A 31m B"),
    ('"Evil" <evil@example.org>, x', "Evil evil example.org , x"),
    (f"{LONG}, evil@example.org, <evil@example.org>", f"{LONG}evil example.org evil example.org"),
    ("=?utf-8?q?=0ABcc:_evil=40example.org?=", "utf-8 q 0ABcc _evil 40example.org"),
]


@pytest.mark.parametrize(("name", "read"), NAMES)
def test_a_name_is_a_name(name: str, read: str) -> None:
    """Whatever it says: one receiver, and no header more."""
    message = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    message["To"] = Mailbox(name=name, address="zoe@example.com").header
    message.set_content("text")
    octets = message.as_bytes()
    again = message_from_bytes(octets, policy=policy.default)
    assert set(again.keys()) == set(message.keys())
    assert octets.isascii()
    (address,) = cast("AddressHeader", again["To"]).addresses
    assert address.addr_spec == "zoe@example.com"
    # Python 3.11 reads two blanks where a long name was folded.
    assert address.display_name.split() == read.split()


@pytest.mark.parametrize(
    "address",
    [
        "zoe@example.com\r\nBcc: evil@example.org",
        "zoe@example.com, evil@example.org",
        "zoe@example.com> RCPT TO:<evil@example.org",
        "<zoe@example.com>",
        "zoe",
        "",
        "a b@example.com",
    ],
)
def test_what_is_no_address_is_none(address: str) -> None:
    """Even where somebody has written it into the store."""
    with pytest.raises(InvalidValue):
        _ = Mailbox(name="Zoë", address=address).header
    with pytest.raises(InvalidValue):
        _ = Mailbox(name="Zoë", address=address).envelope


def test_a_domain_beyond_ascii() -> None:
    """In the envelope and in the header as DNS knows it; the part before it has no such form."""
    mailbox = Mailbox(name="Zoë", address="zoe@bücher.example.com")
    assert mailbox.envelope == "zoe@xn--bcher-kva.example.com"
    assert mailbox.header == Address("Zoë", "zoe", "xn--bcher-kva.example.com")
    assert Mailbox(name="Zoë", address="zoë@example.com").envelope == "zoë@example.com"


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("desk@example.com", "", "desk@example.com"),
        (" desk@EXAMPLE.com ", "", "desk@example.com"),
        ("<desk@example.com>", "", "desk@example.com"),
        ("Harbour House <desk@example.com>", "Harbour House", "desk@example.com"),
        (
            '"Harbour House, Reception" <a@b.example.com>',
            "Harbour House, Reception",
            "a@b.example.com",
        ),
        (
            "Empfang Zürich, 2. Stock <desk@example.com>",
            "Empfang Zürich, 2. Stock",
            "desk@example.com",
        ),
    ],
)
def test_a_sender(text: str, name: str, address: str) -> None:
    """With or without a name, which may have a comma."""
    assert parse_sender(text) == Mailbox(name=name, address=address)


@pytest.mark.parametrize(
    "text", [None, "", "desk", "Harbour House", "a <b@example.com> c", "a@b@c", "desk@corp.local"]
)
def test_no_sender(text: str | None) -> None:
    """The advice shows how to write it."""
    with pytest.raises(InvalidValue, match="NEXIO_MAIL_FROM") as refused:
        parse_sender(text)
    assert "desk@example.com" in refused.value.advice


def test_one_line() -> None:
    """Nothing of what ends a line or steers a terminal is left."""
    assert one_line(" a\r\nb\tc\x1b[0m\u2029d\u202ee ") == "a b c [0m d e"


def test_a_subject_hides_no_line() -> None:
    """An encoded word that says a line break stays what was typed, with a blank in it."""
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = header_text("Visit =?utf-8?q?=0D=0ABcc:_evil=40example.org?=\r\nBcc: x")
    assert b"\nBcc" not in message.as_bytes()
    assert message["Subject"] == "Visit = ?utf-8?q?=0D=0ABcc:_evil=40example.org?= Bcc: x"
