"""Sending what waits: nothing is lost, nobody is mailed twice without reason."""

from __future__ import annotations

import re
import threading
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text

from nexio.configuration import Configuration
from nexio.locations.locations import Location
from nexio.mail import delivery
from nexio.mail.attempts import CLAIM, claim_next
from nexio.mail.delivery import Report
from nexio.mail.smtp import MailTimeouts
from nexio.outbox.outbox import Mail, MailState, Template
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import SHORT, deliver, mails, outgoing_to, queue
from tests.support.mail_server import MailServer, nobody_there
from tests.support.people import add_location, delete, look_up, register
from tests.support.stores import run_sql

NOWHERE = "smtp://127.0.0.1:{}?tls=none"


def states(store: Store, location: Location) -> list[tuple[str, int]]:
    """State and attempts of each mail, the oldest first."""
    return [(mail.state.value, mail.attempts) for mail in mails(store, location)]


def only(store: Store, location: Location) -> Mail:
    """The one mail that there is."""
    (mail,) = mails(store, location)
    return mail


def test_a_mail_is_sent_once(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """With the server's words; a second delivery finds nothing to do."""
    visit = register(store, location)
    assert deliver(store, mail_server.url) == Report(sent=1, failed=0, waiting=0)
    assert deliver(store, mail_server.url) == Report(sent=0, failed=0, waiting=0)
    mail = only(store, location)
    assert (mail.state, mail.attempts, mail.answer) == ("sent", 1, "250 taken as")
    assert (mail.sent_at, mail.next_try_at) == (clock.now, None)
    assert mail_server.mails_by_receiver == {"zoe@example.com": 1}
    assert visit.pin in mail_server.received[0].message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert look_up(store, visit).mail is MailState.SENT


def test_the_server_is_down(store: Store, location: Location, mail_server: MailServer) -> None:
    """Every mail that was due waits and says why; nothing is lost."""
    for number in range(3):
        register(store, location, email=f"zoe{number}@example.com")
    with nobody_there() as port:
        report = deliver(store, NOWHERE.format(port))
    assert (report.sent, report.failed, report.waiting) == (0, 0, 3)
    assert report.trouble is not None
    assert states(store, location) == [("queued", 1)] * 3
    assert all("refused" in (mail.answer or "") for mail in mails(store, location))


def test_the_waits_grow_until_it_is_given_up(
    sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """1, 5, 15, 60 minutes, then every 4 hours, for 3 days; the last words stay."""
    register(sqlite_store, sqlite_location, arrival="2026-11-27 09:00")
    begun = clock.now
    waits = []
    with nobody_there() as port:
        while (mail := only(sqlite_store, sqlite_location)).state is MailState.QUEUED:
            assert mail.next_try_at is not None
            waits.append(mail.next_try_at - clock.now)
            clock.now = mail.next_try_at
            deliver(sqlite_store, NOWHERE.format(port))
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes[:7] == [0, 1, 5, 15, 60, 240, 240]
    assert set(minutes[5:-1]) == {240}
    assert clock.now - begun == timedelta(days=3)
    assert (mail.answer or "").startswith("gave up after 3 days: the mail server 127.0.0.1")


def test_it_is_not_tried_before_its_time(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """Greylisted: a minute later it goes out."""
    register(store, location)
    mail_server.answers["zoe@example.com"] = "451 4.7.1 come back later"
    report = deliver(store, mail_server.url)
    assert report == Report(sent=0, failed=0, waiting=1, postponed=1)
    mail_server.answers.clear()
    clock.advance(seconds=59)
    assert deliver(store, mail_server.url).sent == 0
    assert only(store, location).answer == "451 come back later"
    clock.advance(seconds=1)
    assert deliver(store, mail_server.url).sent == 1
    assert only(store, location).attempts == 2


def test_one_receiver_is_refused(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """Failed with the server's words, never tried again; the others get theirs."""
    mail_server.answers["gone@example.com"] = "550 5.1.1 no such user"
    for email in ("a@example.com", "gone@example.com", "b@example.com"):
        register(store, location, email=email)
    assert deliver(store, mail_server.url) == Report(sent=2, failed=1, waiting=0)
    mail_server.answers.clear()
    clock.advance(days=1)
    assert deliver(store, mail_server.url) == Report(sent=0, failed=0, waiting=0)
    assert [mail.state for mail in mails(store, location)] == ["sent", "failed", "sent"]
    assert mails(store, location)[1].answer == "550 no such user"


def test_the_line_breaks_after_data(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """Before the answer nobody knows: once more, under the same Message-ID."""
    register(store, location)
    mail_server.drop = "before answer"
    report = deliver(store, mail_server.url, SHORT)
    assert report == Report(sent=0, failed=0, waiting=1, postponed=1)
    mail_server.drop = ""
    clock.advance(minutes=1)
    assert deliver(store, mail_server.url).sent == 1
    assert len(mail_server.received) == 2
    assert len({each.message["Message-ID"] for each in mail_server.received}) == 1


def test_the_line_breaks_after_the_answer(
    store: Store, location: Location, mail_server: MailServer
) -> None:
    """It is sent, and so are the others, once each."""
    mail_server.drop = "after answer"
    for number in range(4):
        register(store, location, email=f"zoe{number}@example.com")
    assert deliver(store, mail_server.url, SHORT) == Report(sent=4, failed=0, waiting=0)
    assert set(mail_server.mails_by_receiver.values()) == {1}


def test_a_server_that_breaks_every_line(
    store: Store, location: Location, mail_server: MailServer
) -> None:
    """After three in a row the rest waits, instead of as many timeouts."""
    mail_server.drop = "before answer"
    for number in range(10):
        register(store, location, email=f"zoe{number}@example.com")
    report = deliver(store, mail_server.url, SHORT)
    assert (report.sent, report.waiting) == (0, 10)
    assert report.trouble is not None
    assert len(mail_server.received) == 3
    assert states(store, location) == [("queued", 1)] * 10


def test_a_slow_server(store: Store, location: Location, mail_server: MailServer) -> None:
    """It is waited for so long and no longer."""
    mail_server.hang = {"EHLO"}
    register(store, location)
    report = deliver(store, mail_server.url, SHORT)
    assert (report.sent, report.waiting) == (0, 1)
    assert "took too long" in (only(store, location).answer or "")


def test_no_time_is_left(store: Store, location: Location, mail_server: MailServer) -> None:
    """What was not begun is as it was, and due."""
    register(store, location)
    report = deliver(store, mail_server.url, MailTimeouts(total=0))
    assert report == Report(sent=0, failed=0, waiting=1, postponed=1)
    assert states(store, location) == [("queued", 0)]


def test_the_newest_first(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """Who stands at the desk does not wait for a backlog."""
    for number in range(3):
        register(store, location, email=f"zoe{number}@example.com")
        clock.advance(seconds=1)
    outgoing = outgoing_to(mail_server.url)
    delivery.deliver(store, outgoing, newest_first=True)
    assert list(mail_server.mails_by_receiver) == [f"zoe{n}@example.com" for n in (2, 1, 0)]


def test_a_crash_between_sending_and_marking(
    store: Store,
    location: Location,
    mail_server: MailServer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody else sends it while the claim lasts; then once more, under the same Message-ID."""
    register(store, location)
    with monkeypatch.context() as crash:
        crash.setattr(delivery, "mark", _crash)
        with pytest.raises(KeyboardInterrupt):
            deliver(store, mail_server.url)
    clock.advance(minutes=9, seconds=59)
    assert deliver(store, mail_server.url) == Report(sent=0, failed=0, waiting=1)
    clock.advance(seconds=1)
    assert deliver(store, mail_server.url) == Report(sent=1, failed=0, waiting=0)
    assert len(mail_server.received) == 2
    assert len({each.message["Message-ID"] for each in mail_server.received}) == 1


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_crash_between_claiming_and_sending(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """It is sent once the claim has run out."""
    register(store, location)
    assert claim_next(store) == 1
    assert claim_next(store) is None
    assert deliver(store, mail_server.url).sent == 0
    clock.now += CLAIM
    assert deliver(store, mail_server.url).sent == 1


def test_several_deliverers_at_once(
    store: Store, configuration: Configuration, location: Location, mail_server: MailServer
) -> None:
    """Together they send each mail once."""
    for number in range(12):
        register(store, location, email=f"zoe{number}@example.com")
    together = threading.Barrier(3)
    reports: list[Report] = []

    def run() -> None:
        with closing(Store.open(configuration, store.clock)) as another:
            together.wait()
            reports.append(deliver(another, mail_server.url))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.sent for report in reports) == 12
    assert mail_server.mails_by_receiver == {f"zoe{number}@example.com": 1 for number in range(12)}


def test_a_mail_that_somebody_is_taking_is_passed_over(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """PostgreSQL: a deliverer does not wait for another one's transaction."""
    with closing(Store.open(postgresql_configuration, clock)) as store:
        place = add_location(store, "Harbour House")
        for number in range(2):
            register(store, place, email=f"zoe{number}@example.com")
        with store.write() as work:
            work.session.execute(text("SELECT id FROM outbox WHERE id = 1 FOR UPDATE"))
            assert claim_next(store) == 2


def test_a_visit_that_was_deleted_meanwhile(
    store: Store, location: Location, mail_server: MailServer
) -> None:
    """Nobody gets a PIN that is refused."""
    visit = register(store, location)
    queue(store, Template.VISITOR_UPDATED, visit)
    delete(store, visit)
    assert deliver(store, mail_server.url) == Report(sent=0, failed=2, waiting=0)
    assert {mail.answer for mail in mails(store, location)} == {"the visit was deleted"}
    assert mail_server.connections == 0


def test_what_waited_for_a_server_that_never_was(
    store: Store, location: Location, mail_server: MailServer, clock: Clock
) -> None:
    """The first delivery after weeks sends what is still news."""
    register(store, location, arrival="2026-12-20 09:00")
    clock.advance(days=3, seconds=1)
    register(store, location, email="ada@example.com")
    assert deliver(store, mail_server.url) == Report(sent=1, failed=1, waiting=0)
    assert "gave up after 3 days" in (mails(store, location)[0].answer or "")
    assert mail_server.mails_by_receiver == {"ada@example.com": 1}


def test_a_visit_that_is_forgotten_meanwhile(
    store: Store, location: Location, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mail is gone with it; the others are sent."""
    register(store, location)
    register(store, location, email="ada@example.com")

    def claim_and_forget(store: Store, *, newest_first: bool) -> int | None:
        number = claim_next(store, newest_first=newest_first)
        run_sql(store, "DELETE FROM outbox WHERE visit_id = 1")
        return number

    monkeypatch.setattr(delivery, "claim_next", claim_and_forget)
    assert deliver(store, mail_server.url).sent == 1
    assert mail_server.mails_by_receiver == {"ada@example.com": 1}


def test_an_address_that_is_none(store: Store, location: Location, mail_server: MailServer) -> None:
    """Written into the store by somebody: that mail fails, and no header is added."""
    register(store, location)
    register(store, location, email="ada@example.com")
    evil = "zoe@example.com\r\nBcc: evil@example.org"
    run_sql(store, "UPDATE visit SET email = :evil WHERE id = 1", evil=evil)
    assert deliver(store, mail_server.url) == Report(sent=1, failed=1, waiting=0)
    assert mail_server.mails_by_receiver == {"ada@example.com": 1}


def test_names_add_no_header(store: Store, location: Location, mail_server: MailServer) -> None:
    """Even where somebody has written them into the store."""
    register(store, location)
    evil = "Z\r\nBcc: evil@example.org\r\n\r\n<b>"
    run_sql(store, "UPDATE visit SET first_name = :evil, host = :evil", evil=evil)
    run_sql(store, "UPDATE location SET name = :evil", evil=evil)
    deliver(store, mail_server.url)
    (received,) = mail_server.received
    assert received.to == ["zoe@example.com"]
    assert sorted(received.message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"]
        + ["Content-Language", "Content-Type"]
        + [name for name in received.message if name.startswith("X-")]
    )
    assert "Bcc" not in received.message


@pytest.mark.parametrize("quoted", ["980123", "9 8 0 1 2 3", "980-123", "PIN980123x"])
def test_no_pin_in_the_outbox_or_an_error(
    sqlite_store: Store, sqlite_location: Location, mail_server: MailServer, quoted: str
) -> None:
    """Even where the server reads the mail out."""
    register(sqlite_store, sqlite_location, pin="980123")
    mail_server.data_answer = f"554 no: it says {quoted} for ever"
    deliver(sqlite_store, mail_server.url)
    assert only(sqlite_store, sqlite_location).answer == "554 no: it says for ever"
    with sqlite_store.read() as work:
        rows = work.session.execute(text("SELECT * FROM outbox")).all()
    assert "980123" not in re.sub(r"[0-9a-f]{32}", "", str(rows))
