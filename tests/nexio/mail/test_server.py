"""NEXIO_SMTP_URL."""

import pytest

from nexio.configuration import Configuration
from nexio.errors import InvalidValue
from nexio.mail.delivery import outgoing_of
from nexio.mail.server import MailServer, Tls, parse_smtp_url

URLS = [
    ("smtp://mail.example.com", MailServer(host="mail.example.com", port=587, tls=Tls.STARTTLS)),
    ("smtp://Mail.example.com:25/", MailServer(host="mail.example.com", port=25, tls=Tls.STARTTLS)),
    ("smtps://mail.example.com", MailServer(host="mail.example.com", port=465, tls=Tls.IMPLICIT)),
    ("smtp://127.0.0.1:25?tls=none", MailServer(host="127.0.0.1", port=25, tls=Tls.NONE)),
    (
        "smtp://mail.example.com:25?tls=none",
        MailServer(host="mail.example.com", port=25, tls=Tls.NONE),
    ),
    (
        "smtp://desk:p%40ss%2F%23@mail.example.com:587?tls=starttls&cafile=/etc/ca.pem",
        MailServer(
            host="mail.example.com",
            port=587,
            tls=Tls.STARTTLS,
            user="desk",
            password="p@ss/#",
            ca_file="/etc/ca.pem",
        ),
    ),
    (
        "smtp://desk%40example.com:x@[::1]:2525?tls=none",
        MailServer(host="::1", port=2525, tls=Tls.NONE, user="desk@example.com", password="x"),
    ),
    (
        "smtp://desk:x@mail.example.com?tls=insecure-none",
        MailServer(
            host="mail.example.com", port=587, tls=Tls.INSECURE_NONE, user="desk", password="x"
        ),
    ),
]


@pytest.mark.parametrize(("text", "server"), URLS)
def test_a_url(text: str, server: MailServer) -> None:
    """STARTTLS and 587 unless it says otherwise."""
    assert parse_smtp_url(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example.com:port",
        "smtp://mail.example.com:99999",
        "smtp://mail.example.com/path",
        "smtp://mail.example.com#hunter2",
        "smtp://mail.example.com?tls=maybe",
        "smtp://mail.example.com?tls=implicit",
        "smtp://mail.example.com?starttls",
        "smtp://mail.example.com?tsl=none",
        "smtps://mail.example.com?tls=none",
        "smtp://desk:hunter2@hunter2/@mail.example.com",
        "smtp://desk:hunter2#@mail.example.com",
        "smtp://desk:hunter2?@mail.example.com",
        "smtp://desk@mail.example.com",
        "smtp://:hunter2@mail.example.com",
        "smtp://desk:hunter2é@mail.example.com",
        "smtp://desk:hunter2@mail.example.com?tls=none",
        "smtp://desk:hunter2@192.0.2.1?tls=none",
        "smtp://[::1:hunter2",
    ],
)
def test_what_is_refused(text: str) -> None:
    """With advice, and without a word of the URL: a password may stand anywhere in it."""
    with pytest.raises(InvalidValue, match="NEXIO_SMTP_URL") as refused:
        parse_smtp_url(text)
    assert refused.value.advice
    assert "hunter2" not in str(refused.value) + refused.value.advice
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_password_is_masked() -> None:
    """Wherever a configuration may be shown."""
    url = "smtp://desk:hunter2@mail.example.com"
    configuration = Configuration.from_environment(
        {"NEXIO_SMTP_URL": url, "NEXIO_MAIL_FROM": "desk@example.com"}
    )
    outgoing = outgoing_of(configuration)
    assert outgoing is not None
    assert outgoing.server.password == "hunter2"
    assert "hunter2" not in repr(configuration) + repr(outgoing)
    assert "desk" not in outgoing.server.shown


def test_without_a_server_nothing_is_sent() -> None:
    """And a server needs a sender."""
    assert outgoing_of(Configuration.from_environment({})) is None
    with pytest.raises(InvalidValue, match="NEXIO_MAIL_FROM"):
        outgoing_of(Configuration.from_environment({"NEXIO_SMTP_URL": "smtp://mail.example.com"}))
