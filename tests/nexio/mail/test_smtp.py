"""Handing mail to a real mail server."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING

import pytest

from nexio.errors import MailServerUnreachable
from nexio.mail.connecting import LONGEST_TEXT
from nexio.mail.server import parse_smtp_url
from nexio.mail.smtp import MailOutcome, MailReply, MailTimeouts, SmtpConnection
from tests.support.certificates import Certified, certify
from tests.support.mail.messages import FROM, TO, mail
from tests.support.mail.outgoing import SHORT
from tests.support.mail.scripts import scripted
from tests.support.mail_server import PASSWORD, MailServer, nobody_there

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = "desk:pass%2Fword%401"


def send(url: str, to: str = TO, timeouts: MailTimeouts = SHORT) -> MailReply:
    """Send one."""
    with SmtpConnection(parse_smtp_url(url), timeouts) as connection:
        return connection.send(FROM, to, mail(to))


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """A server that a CA of ours vouches for."""
    return certify(tmp_path_factory.mktemp("certificates"))


def test_a_mail_arrives(mail_server: MailServer) -> None:
    """As it was, once, with the server's words kept."""
    answer = send(mail_server.url)
    assert answer == MailReply(outcome=MailOutcome.SENT, words="250 taken as")
    (received,) = mail_server.received
    assert (received.sender, received.to) == (FROM, [TO])
    assert received.message.get_content() == "Hello\n.\nbye\n"


def test_many_mails_over_one_connection(mail_server: MailServer) -> None:
    """Also after one of them was refused."""
    mail_server.answers["gone@example.com"] = "550 5.1.1 no such user"
    with SmtpConnection(parse_smtp_url(mail_server.url), SHORT) as connection:
        receivers = ["a@example.com", "gone@example.com", "b@example.com"]
        answers = [connection.send(FROM, to, mail(to)) for to in receivers]
    assert [answer.outcome for answer in answers] == [
        MailOutcome.SENT,
        MailOutcome.REFUSED,
        MailOutcome.SENT,
    ]
    assert answers[1].words == "550 no such user"
    assert mail_server.connections == 1
    assert mail_server.mails_by_receiver == {"a@example.com": 1, "b@example.com": 1}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("250 OK", MailOutcome.SENT),
        ("251 forwarded", MailOutcome.SENT),
        ("450 try later", MailOutcome.LATER),
        ("451 greylisted", MailOutcome.LATER),
        ("452 mailbox full", MailOutcome.LATER),
        ("421 closing", MailOutcome.LATER),
        ("530 log in first", MailOutcome.LATER),
        ("550 no such user", MailOutcome.REFUSED),
        ("553 bad address", MailOutcome.REFUSED),
    ],
)
def test_what_a_receiver_is_answered_with(
    mail_server: MailServer, answer: str, outcome: MailOutcome
) -> None:
    """5xx is for good, 4xx for now; that we have to log in first is no fault of the mail."""
    mail_server.answers[TO] = answer
    said = send(mail_server.url)
    assert said.outcome is outcome
    assert not said.broken
    assert outcome is MailOutcome.SENT or said.words == answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("451 disk full", MailOutcome.LATER), ("554 spam", MailOutcome.REFUSED)],
)
@pytest.mark.parametrize("stage", ["sender", "data"])
def test_what_the_rest_is_answered_with(
    mail_server: MailServer, stage: str, answer: str, outcome: MailOutcome
) -> None:
    """The sender, or the whole mail."""
    if stage == "sender":
        mail_server.answers[FROM] = answer
    else:
        mail_server.data_answer = answer
    assert send(mail_server.url) == MailReply(outcome=outcome, words=answer)


def test_nobody_there() -> None:
    """The error names the server and what to look at."""
    with (
        nobody_there() as port,
        pytest.raises(MailServerUnreachable, match=rf"127\.0\.0\.1 port {port}") as refused,
    ):
        send(f"smtp://127.0.0.1:{port}?tls=none")
    assert "refused" in str(refused.value)
    assert "NEXIO_SMTP_URL" in refused.value.advice


def test_a_server_that_does_not_greet() -> None:
    """It takes the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MailServerUnreachable, match="took too long"):
            send(f"smtp://127.0.0.1:{port}?tls=none")


def test_a_server_that_is_slow_to_greet(mail_server: MailServer) -> None:
    """No answer to EHLO."""
    mail_server.hang = {"EHLO"}
    with pytest.raises(MailServerUnreachable, match="took too long"):
        send(mail_server.url)


def test_a_server_that_is_slow_with_the_mail(mail_server: MailServer) -> None:
    """Nobody knows whether it has it: later."""
    mail_server.hang = {"DATA"}
    answer = send(mail_server.url)
    assert (answer.outcome, answer.broken) == (MailOutcome.LATER, True)
    assert "it took too long" in answer.words


def test_the_receipt_is_waited_for_although_the_time_is_over(mail_server: MailServer) -> None:
    """Who hangs up on it sends the mail twice."""
    timeouts = MailTimeouts(mail=30, receipt=30, total=0)
    assert send(mail_server.url, timeouts=timeouts).outcome is MailOutcome.SENT


def test_the_line_breaks_before_the_answer(mail_server: MailServer) -> None:
    """Nobody knows whether the server has it: later."""
    mail_server.drop = "before answer"
    answer = send(mail_server.url)
    assert (answer.outcome, answer.broken) == (MailOutcome.LATER, True)


def test_the_line_breaks_after_the_answer(mail_server: MailServer) -> None:
    """It is sent; the next mail goes over a new connection."""
    mail_server.drop = "after answer"
    with SmtpConnection(parse_smtp_url(mail_server.url), SHORT) as connection:
        answers = [connection.send(FROM, TO, mail()) for _ in range(3)]
    assert [answer.outcome for answer in answers] == [MailOutcome.SENT] * 3
    assert len(mail_server.received) == mail_server.connections == 3


def test_starttls(certified: Certified) -> None:
    """With a CA of the house; the login only after it."""
    with MailServer(tls=certified.context, login=True) as server:
        url = f"smtp://{LOGIN}@127.0.0.1:{server.port}?cafile={certified.ca_file}"
        assert send(url).outcome is MailOutcome.SENT
        assert server.received


def test_tls_from_the_first_octet(certified: Certified) -> None:
    """``smtps://``."""
    with MailServer(tls=certified.context, implicit_tls=True) as server:
        url = f"smtps://{LOGIN}@127.0.0.1:{server.port}?cafile={certified.ca_file}"
        assert send(url).outcome is MailOutcome.SENT
        assert server.received


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for(certified: Certified, scheme: str) -> None:
    """No mail, and no password either."""
    with (
        MailServer(tls=certified.context, implicit_tls=scheme == "smtps") as server,
        pytest.raises(MailServerUnreachable, match="not trusted") as refused,
    ):
        send(f"{scheme}://{LOGIN}@127.0.0.1:{server.port}")
    assert server.received == []
    assert "cafile" in refused.value.advice


def test_a_certificate_of_another_server(tmp_path: Path) -> None:
    """Its address has to be the one that we connect to."""
    other = certify(tmp_path, "192.0.2.1")
    with (
        MailServer(tls=other.context) as server,
        pytest.raises(MailServerUnreachable, match="not trusted"),
    ):
        send(f"smtp://127.0.0.1:{server.port}?cafile={other.ca_file}")


def test_no_certificates_to_be_read(mail_server: MailServer, tmp_path: Path) -> None:
    """A slip in ``cafile``."""
    with pytest.raises(MailServerUnreachable, match=r"nothing\.pem"):
        send(f"smtps://127.0.0.1:{mail_server.port}?cafile={tmp_path}/nothing.pem")


def test_no_starttls_no_mail(mail_server: MailServer) -> None:
    """Somebody in between may have cut the offer out."""
    with pytest.raises(MailServerUnreachable, match="STARTTLS"):
        send(f"smtp://127.0.0.1:{mail_server.port}")
    assert mail_server.received == []


def test_a_wrong_password(certified: Certified) -> None:
    """The server's words, and not the password."""
    with (
        MailServer(tls=certified.context, login=True) as server,
        pytest.raises(MailServerUnreachable, match="refuses our login: 535") as refused,
    ):
        send(f"smtp://desk:hunter2@127.0.0.1:{server.port}?cafile={certified.ca_file}")
    assert server.received == []
    assert "hunter2" not in str(refused.value) + refused.value.advice
    assert refused.value.__suppress_context__


def test_a_login_where_none_is_offered(certified: Certified) -> None:
    """A server that knows no AUTH."""
    with (
        scripted(b"220 hello\r\n", b"250 hello\r\n") as port,
        pytest.raises(MailServerUnreachable, match="AUTH"),
    ):
        send(f"smtp://{LOGIN}@127.0.0.1:{port}?tls=none")


def test_a_server_that_repeats_the_password() -> None:
    """It reaches no error and no outbox, plain or as it went over the line."""
    plain = base64.b64encode(f"\0desk\0{PASSWORD}".encode())
    words = b"535 I do not know %s or %s\r\n" % (PASSWORD.encode(), plain)
    with (
        scripted(b"220 hello\r\n", b"250-hello\r\n250 AUTH PLAIN\r\n", words) as port,
        pytest.raises(MailServerUnreachable, match=r"I do not know \*{6}") as refused,
    ):
        send(f"smtp://{LOGIN}@127.0.0.1:{port}?tls=none")
    assert PASSWORD not in str(refused.value)
    assert plain.decode() not in str(refused.value)


@pytest.mark.parametrize(
    "greeting", [b"554 go away\r\n", b"garbage\r\n", b"\xff\xfe\r\n", b"", b"220 x" * 10_000]
)
def test_a_greeting_that_is_none(greeting: bytes) -> None:
    """Whatever it says, it is an error of a line that can be shown."""
    with (
        scripted(greeting) as port,
        pytest.raises(MailServerUnreachable) as refused,
    ):
        send(f"smtp://127.0.0.1:{port}?tls=none")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


def test_words_of_several_lines_are_one() -> None:
    """And nothing that steers a terminal is left, nor more than one can read."""
    said = b"550-one\x1b[m\r\n550 two " + b"xxx " * 500 + b"\r\n"
    ok = b"250 OK\r\n"
    with scripted(b"220 hello\r\n", b"250 hello\r\n", ok, ok, said, ok) as port:
        answer = send(f"smtp://127.0.0.1:{port}?tls=none")
    assert answer.outcome is MailOutcome.REFUSED
    assert answer.words.startswith("550 one [m two xxx")
    assert len(answer.words) == len("550 ") + LONGEST_TEXT


def test_addresses_beyond_ascii(mail_server: MailServer) -> None:
    """For good, where the server cannot; sent, where it can (RFC 6531)."""
    answer = send(mail_server.url, "zoë@example.com")
    assert answer.outcome is MailOutcome.REFUSED
    assert "beyond ASCII" in answer.words
    with MailServer(utf8=True) as server:
        assert send(server.url, "zoë@example.com").outcome is MailOutcome.SENT
        assert server.received[0].to == ["zoë@example.com"]
        assert "zoë@example.com".encode() in server.received[0].octets
