"""Mail servers that mean harm, or are broken: they cost little time, little memory, no secret."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

import pytest

from nexio.errors import MailServerUnreachable
from nexio.mail.server import parse_smtp_url
from nexio.mail.smtp import MailOutcome, MailTimeouts, SmtpConnection
from tests.support.mail.messages import FROM, TO, mail
from tests.support.mail.scripts import hostile

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable

    Behaviour = Callable[[socket.socket, threading.Event], None]

TIMEOUTS = MailTimeouts(mail=1.0, receipt=1.0)
SLACK = 10.0
"""Seconds that a busy machine may need besides."""

MOST_MEMORY = 4 * 1024 * 1024
REPLIES = [b"220 hello\r\n", b"250 hello\r\n"] + [b"250 OK\r\n"] * 3 + [b"354 go on\r\n"]
"""To the connection, EHLO, RSET, MAIL, RCPT and DATA."""

PHASES = range(len(REPLIES) + 1)


def answer_until(connection: socket.socket, phase: int) -> None:
    """Behave well for so many replies, and hear what follows."""
    for number, reply in enumerate(REPLIES[:phase]):
        if number:
            connection.recv(4096)
        connection.sendall(reply)
    if phase:
        connection.recv(4096)


def flooding(lines: bytes, phase: int = 0) -> Behaviour:
    """A server that goes on saying that."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        answer_until(connection, phase)
        while not over.is_set():
            connection.sendall(lines * 1000)

    return behave


def dripping(phase: int) -> Behaviour:
    """A server that says an octet of a reply now and then, and never comes to its end."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        answer_until(connection, phase)
        connection.sendall(b"250-")
        while not over.wait(0.05):
            connection.sendall(b"x")

    return behave


def silent(phase: int) -> Behaviour:
    """A server that takes what it is told and says nothing."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        answer_until(connection, phase)
        over.wait()

    return behave


def closing(phase: int) -> Behaviour:
    """A server that hangs up."""
    return lambda connection, _: answer_until(connection, phase)


class Attempt(NamedTuple):
    """What came of one mail."""

    outcome: MailOutcome | None
    """None: the server is unreachable."""
    words: str


def attempt(behave: Behaviour) -> Attempt:
    """Give one mail to a server, within bounds of time, of memory and of what is said of it."""
    with hostile(behave) as url, SmtpConnection(parse_smtp_url(url), TIMEOUTS) as connection:
        tracemalloc.start()
        begun = time.monotonic()
        try:
            answer = connection.send(FROM, TO, mail())
        except MailServerUnreachable as error:
            made = Attempt(None, str(error))
        else:
            assert answer.broken
            made = Attempt(answer.outcome, answer.words)
        took, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert took < TIMEOUTS.mail + TIMEOUTS.receipt + SLACK
    assert peak < MOST_MEMORY
    assert made.words.isprintable()
    assert len(made.words) < 250
    return made


def outcome_in(phase: int) -> MailOutcome | None:
    """Before MAIL the server is at fault; after that, nobody knows of the mail: later."""
    return MailOutcome.LATER if phase >= 3 else None


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "lines",
    [b"220-hello\r\n", b"250-hello\r\n", b"x", b"250 x", b"\xff\xfe\x00\r\n", b"\r\n", b"-\n"],
    ids=["220-", "250-", "no-line-end", "one-line", "8-bit", "empty-lines", "no-code"],
)
def test_a_server_that_never_stops(lines: bytes, phase: int) -> None:
    """Whenever it begins to, little of it is kept."""
    assert attempt(flooding(lines, phase)).outcome == outcome_in(phase)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("behaviour", [dripping, silent], ids=["dripping", "silent"])
def test_a_server_that_is_slow(behaviour: Callable[[int], Behaviour], phase: int) -> None:
    """All replies together have one time limit; the reply to the mail itself has its own."""
    outcome, words = attempt(behaviour(phase))
    assert outcome == outcome_in(phase)
    assert "it took too long" in words


@pytest.mark.parametrize("phase", PHASES)
def test_a_server_that_hangs_up(phase: int) -> None:
    """At any time."""
    assert attempt(closing(phase)).outcome == outcome_in(phase)


def test_many_replies_that_are_each_in_time() -> None:
    """A server cannot make its time longer by dividing it: the limit is for all replies."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        for number, reply in enumerate(REPLIES):
            if number:
                connection.recv(4096)
            over.wait(0.4)
            connection.sendall(reply)

    outcome, words = attempt(behave)
    assert outcome == outcome_in(0)
    assert "it took too long" in words


@pytest.mark.parametrize("code", [b"250", b"220", b"334", b"199", b"000"])
def test_yes_to_the_announcement_is_no_receipt(code: bytes) -> None:
    """Who says 250 to DATA has not got the mail: nothing is marked as sent."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        answer_until(connection, len(REPLIES) - 1)
        connection.sendall(code + b" OK\r\n")
        over.wait()

    assert attempt(behave).outcome == MailOutcome.LATER


def test_a_server_that_does_not_read() -> None:
    """A large mail that nobody takes is given up in time."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        answer_until(connection, len(REPLIES) - 1)
        connection.sendall(REPLIES[-1])
        over.wait()

    large = mail()
    large.add_attachment(b"x" * 8_000_000, maintype="application", subtype="octet-stream")
    with hostile(behave) as url, SmtpConnection(parse_smtp_url(url), TIMEOUTS) as connection:
        begun = time.monotonic()
        answer = connection.send(FROM, TO, large)
    assert time.monotonic() - begun < TIMEOUTS.mail + TIMEOUTS.receipt + SLACK
    assert (answer.outcome, answer.broken) == (MailOutcome.LATER, True)


TLS_REPLIES = [b"220 hello\r\n", b"250-hello\r\n250 STARTTLS\r\n", b"220 go on\r\n"]


@pytest.mark.parametrize("rubbish", [b"", b"\xff" * 10_000, b"220 no TLS here\r\n"])
@pytest.mark.parametrize("url", ["smtp://127.0.0.1:{}", "smtps://127.0.0.1:{}"])
def test_a_server_that_cannot_speak_tls(url: str, rubbish: bytes) -> None:
    """It is silent, or says what is no TLS, after STARTTLS or from the first octet."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        for number, reply in enumerate(TLS_REPLIES if url.startswith("smtp:") else []):
            if number:
                connection.recv(4096)
            connection.sendall(reply)
        connection.recv(4096)
        connection.sendall(rubbish)
        over.wait()

    with hostile(behave) as plain:
        server = parse_smtp_url(url.format(plain.partition("1:")[2].partition("?")[0]))
        begun = time.monotonic()
        with (
            SmtpConnection(server, TIMEOUTS) as connection,
            pytest.raises(MailServerUnreachable) as refused,
        ):
            connection.send(FROM, TO, mail())
    assert time.monotonic() - begun < TIMEOUTS.mail + SLACK
    assert str(refused.value).isprintable()
