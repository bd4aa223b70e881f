"""What doctor says of mail."""

import pytest

from nexio.configuration import Configuration
from nexio.errors import MailServerUnreachable, Refused
from nexio.locations.locations import Location
from nexio.mail.condition import look_at_mail
from nexio.outbox.outbox import Template
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import deliver, queue
from tests.support.mail_server import MailServer, nobody_there
from tests.support.people import delete, register


def condition(store: Store, url: str = "") -> str:
    """How mail is, with that server."""
    variables = {"NEXIO_SMTP_URL": url, "NEXIO_MAIL_FROM": "desk@example.com"}
    with store.read() as work:
        return look_at_mail(work, Configuration.from_environment(variables))


def test_all_is_well(store: Store, location: Location, mail_server: MailServer) -> None:
    """The server answers, and what was queued just now is no reason to worry."""
    register(store, location)
    assert f"port {mail_server.port} answers" in condition(store, mail_server.url)
    assert mail_server.received == []


def test_nobody_answers(store: Store, location: Location) -> None:
    """Said before the first visitor waits for a mail."""
    with nobody_there() as port, pytest.raises(MailServerUnreachable):
        condition(store, f"smtp://127.0.0.1:{port}?tls=none")


def test_a_mail_that_waits_for_long(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """Nobody runs the delivery; or there is no server at all."""
    register(store, location)
    assert "no mail server is configured" in condition(store)
    clock.advance(hours=1, seconds=1)
    with pytest.raises(Refused, match="more than an hour: 1") as late:
        condition(store, mail_server.url)
    assert "nexio mail deliver" in late.value.advice
    with pytest.raises(Refused, match="more than an hour: 1") as unconfigured:
        condition(store)
    assert "NEXIO_SMTP_URL" in unconfigured.value.advice


def test_a_visitor_whose_mail_failed(
    store: Store, location: Location, mail_server: MailServer
) -> None:
    """As long as they are expected and no later mail went out."""
    mail_server.answers["zoe@example.com"] = "550 no such user"
    visits = [register(store, location, arrival=each) for each in ("14:00", "15:00")]
    deliver(store, mail_server.url)
    with pytest.raises(Refused, match="could not be sent: 2"):
        condition(store, mail_server.url)
    delete(store, visits[0])
    mail_server.answers.clear()
    queue(store, Template.VISITOR_REGISTERED, visits[1])
    deliver(store, mail_server.url)
    assert "answers" in condition(store, mail_server.url)
