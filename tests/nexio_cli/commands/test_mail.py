"""``nexio mail``, and the mail that other commands send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.cli.running import registration
from tests.support.mail_server import MailServer, nobody_there

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.support.cli.running import Nexio

MAIL_KEYS = [
    *("id", "template", "to", "name", "visit", "member", "state", "attempts"),
    *("created_at", "next_try_at", "sent_at", "answer"),
]
NO_SERVER = "no mail server is configured"


@pytest.fixture
def posting(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    """The server that this deployment sends mail by."""
    monkeypatch.setenv("NEXIO_SMTP_URL", mail_server.url)
    monkeypatch.setenv("NEXIO_MAIL_FROM", "Harbour House <desk@example.com>")
    return mail_server


ZOE = registration()


def states(desk: Nexio) -> list[tuple[str, str]]:
    """Template and state of each mail, the oldest first."""
    listed = desk.done("mail", "list", "--json").json
    return [(mail["template"], mail["state"]) for mail in reversed(listed)]


def test_a_registration_is_mailed_at_once(desk: Nexio, posting: MailServer) -> None:
    """With the PIN that the desk sees; nothing is said, as nothing is to be done."""
    ran = desk.done(*ZOE, "--json")
    visit = ran.json
    assert ran.err == ""
    (received,) = posting.received
    body = received.message.get_body(("plain",))
    assert body is not None
    assert f"PIN: {visit['pin']}\n" in body.get_content()
    assert desk.done("visitor", "show", "1", "--json").json["mail"] == "sent"


def test_the_list(desk: Nexio, posting: MailServer) -> None:
    """The newest first, for scripts and for people, with the server's words."""
    posting.answers["gone@example.com"] = "550 5.1.1 no such user"
    desk.register()
    desk.register(email="gone@example.com")
    failed, sent = desk.done("mail", "list", "--json").json
    assert list(failed) == MAIL_KEYS
    assert (failed["to"], failed["name"]) == ("gone@example.com", "Zoë Nguyễn Văn")
    assert (failed["state"], failed["answer"]) == ("failed", "550 no such user")
    assert (failed["sent_at"], failed["next_try_at"]) == (None, None)
    assert (sent["state"], sent["answer"], sent["visit"]) == ("sent", "250 taken as", 1)
    only = desk.done("mail", "list", "--state", "failed", "--json").json
    assert [mail["id"] for mail in only] == [failed["id"]]
    assert len(desk.done("mail", "list", "--limit", "1", "--json").json) == 1
    header, first, second = desk.done("mail", "list").out.splitlines()
    assert header.split("\t") == ["mail", "about", "to", "state", "when", "tries", "last answer"]
    assert first.endswith("\t1\t550 no such user")
    assert second.split("\t")[:4] == ["1", "visitor-registered", "zoe@example.com", "sent"]
    assert "No mail here." in desk.done("mail", "list", "--state", "queued").err


def test_without_a_server(sqlite_desk: Nexio) -> None:
    """The visitor is registered, the mail waits, and both commands say why."""
    assert NO_SERVER in sqlite_desk.done(*ZOE).err
    assert sqlite_desk.done("visitor", "show", "1", "--json").json["mail"] == "queued"
    delivered = sqlite_desk("mail", "deliver")
    assert delivered.exit_code == 5
    assert "Sent: 0. Failed: 0. Waiting: 1." in delivered.out
    assert NO_SERVER in delivered.err.lower()
    assert sqlite_desk("mail", "deliver", "--json").json == {"sent": 0, "failed": 0, "waiting": 1}


def test_without_a_server_and_without_mail(sqlite_desk: Nexio) -> None:
    """Nothing is wrong."""
    assert NO_SERVER in sqlite_desk.done("mail", "deliver").err.lower()


def test_the_server_is_down(sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registration holds; the mail waits; deliver ends with 5."""
    monkeypatch.setenv("NEXIO_MAIL_FROM", "desk@example.com")
    with nobody_there() as port:
        monkeypatch.setenv("NEXIO_SMTP_URL", f"smtp://127.0.0.1:{port}?tls=none")
        ran = sqlite_desk.done(*ZOE)
        assert "The mail waits and is tried again by 'nexio mail deliver'." in ran.err
        assert f"127.0.0.1 port {port}" in ran.err
        sqlite_desk.sql("UPDATE outbox SET next_try_at = created_at")
        delivered = sqlite_desk("mail", "deliver", "--json")
    assert (delivered.exit_code, delivered.json["waiting"]) == (5, 1)
    (mail,) = sqlite_desk.done("mail", "list", "--json").json
    assert (mail["state"], mail["attempts"]) == ("queued", 2)
    assert "refused" in mail["answer"]
    assert mail["next_try_at"] > mail["created_at"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("NEXIO_SMTP_URL", "smtp://desk:hunter2/@mail"), ("NEXIO_MAIL_FROM", "nobody")],
)
def test_a_variable_that_cannot_be_read(
    sqlite_desk: Nexio,
    posting: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    """A warning at the desk, where the work is done; exit 2 where mail is all there is to do."""
    monkeypatch.setenv(name, value)
    ran = sqlite_desk.done(*ZOE)
    delivered = sqlite_desk("mail", "deliver").refused(2)
    for said in (ran.err, delivered):
        assert name in said
        assert "hunter2" not in said


def test_deliver(desk: Nexio, posting: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited is sent once, and counted."""
    with monkeypatch.context() as unset:
        unset.delenv("NEXIO_SMTP_URL")
        desk.register()
        desk.register(email="gone@example.com")
    posting.answers["gone@example.com"] = "550 no such user"
    ran = desk.done("mail", "deliver")
    assert ran.out == "Sent: 1. Failed: 1. Waiting: 0.\n"
    entry = desk.done("audit", "--json").json[-1]
    assert (entry["action"], entry["details"]) == ("deliver", {"sent": 1, "failed": 1})
    assert "nexio mail list --state failed" in ran.err
    assert desk.done("mail", "deliver", "--json").json == {"sent": 0, "failed": 0, "waiting": 0}
    assert posting.mails_by_receiver == {"zoe@example.com": 1}


def test_changes_that_send_mail(sqlite_desk: Nexio, posting: MailServer) -> None:
    """R13: another time, an update; another e-mail, a new PIN to the new one; and no other."""
    sqlite_desk.register()
    sqlite_desk.done("visitor", "reschedule", "1", "--arrival", "+1h")
    sqlite_desk.done("visitor", "edit", "1", "--notes", "needs a ramp")
    sqlite_desk.done("visitor", "edit", "1", "--email", "ada@example.com")
    assert states(sqlite_desk) == [
        ("visitor-registered", "sent"),
        ("visitor-updated", "sent"),
        ("visitor-registered", "sent"),
    ]
    assert posting.mails_by_receiver == {"zoe@example.com": 2, "ada@example.com": 1}
    sqlite_desk.done("visitor", "delete", "1", "--yes", "--no-mail")
    assert len(posting.received) == 3


def test_a_longer_wifi_and_a_cancellation_are_mailed(
    sqlite_desk: Nexio, posting: MailServer
) -> None:
    """At once, in the language of the visitor; a calendar takes both in."""
    sqlite_desk.done("token", "on")
    sqlite_desk.done(*ZOE, "--language", "de")
    assert sqlite_desk.done("token", "extend", "1", "--by", "30m").err == ""
    assert sqlite_desk.done("visitor", "delete", "1", "--yes").err == ""
    assert [name for name, _ in states(sqlite_desk)] == [
        *("visitor-registered", "visitor-extended", "visitor-cancelled")
    ]
    subjects = [str(each.message["Subject"]).strip() for each in posting.received]
    assert [subject.startswith("Ihr Besuch bei ") for subject in subjects] == [True] * 3
    assert subjects[2].endswith("ist abgesagt")
    assert [_method(each.message) for each in posting.received] == ["PUBLISH", "PUBLISH", "CANCEL"]


def _method(message: EmailMessage) -> str:
    """What a mail does to the calendar."""
    (part,) = [each for each in message.walk() if each.get_content_type() == "text/calendar"]
    return str(part.get_param("method"))


def test_resend(desk: Nexio, posting: MailServer) -> None:
    """Once more with the same PIN: a new mail, not the old one again."""
    pin = desk.register()["pin"]
    ran = desk.done("visitor", "resend", "zoe@example.com")
    assert ran.out == "The mail to Zoë Nguyễn Văn (zoe@example.com) was sent once more.\n"
    assert desk.done("visitor", "resend", "1", "--json").json["pin"] == pin
    assert states(desk) == [("visitor-registered", "sent")] * 3
    assert len({each.message["Message-ID"] for each in posting.received}) == 3


def test_a_mail_that_waits_is_no_news_of_another_one(
    sqlite_desk: Nexio, posting: MailServer
) -> None:
    """The note is about what was to be sent now."""
    posting.answers["later@example.com"] = "451 greylisted"
    note = "The mail waits and is tried again by 'nexio mail deliver'.\n"
    assert sqlite_desk.done(*registration(email="later@example.com")).err == note
    assert sqlite_desk.done(*ZOE).err == ""


def test_a_resend_says_what_became_of_it(
    sqlite_desk: Nexio, posting: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is not there, one that wants it later, one that refuses; none configured."""
    visit = sqlite_desk.register()
    whom = "The mail to Zoë Nguyễn Văn (zoe@example.com)"
    resend = ["visitor", "resend", "1"]
    posting.answers[visit["email"]] = "451 greylisted"
    assert sqlite_desk.done(*resend).out == f"{whom} is not sent yet: it waits.\n"
    posting.answers[visit["email"]] = "550 no such user"
    assert sqlite_desk.done(*resend).out == f"{whom} cannot be sent.\n"
    assert sqlite_desk.done(*resend, "--json").json["mail"] == "failed"
    monkeypatch.setenv("NEXIO_SMTP_URL", "smtp://127.0.0.1:1")
    ran = sqlite_desk.done(*resend)
    assert ran.out == f"{whom} is not sent yet: it waits.\n"
    assert "Warning:" in ran.err
    monkeypatch.delenv("NEXIO_SMTP_URL")
    ran = sqlite_desk.done(*resend)
    assert ran.out == f"{whom} is not sent yet: it waits.\n"
    assert "no mail server is configured" in ran.err


def test_resend_for_nobody(sqlite_desk: Nexio, posting: MailServer) -> None:
    """No such visit: 3; a deleted one: 4; and nothing is queued."""
    sqlite_desk.register()
    sqlite_desk("visitor", "resend", "2").refused(3)
    sqlite_desk.done("visitor", "delete", "1", "--yes")
    rows = sqlite_desk.rows()
    assert "was deleted" in sqlite_desk("visitor", "resend", "1").refused(4)
    assert sqlite_desk.rows() == rows


def test_doctor_looks_at_mail(sqlite_desk: Nexio, posting: MailServer) -> None:
    """One line of it."""
    found = {each["subject"]: each for each in sqlite_desk("doctor", "--json").json}
    assert found["mail"]["well"]
    posting.answers["zoe@example.com"] = "550 no such user"
    sqlite_desk.register()
    found = {each["subject"]: each for each in sqlite_desk("doctor", "--json").json}
    assert not found["mail"]["well"]
    assert "nexio mail list --state failed" in found["mail"]["advice"]


def test_an_old_mail_went_where_it_went(sqlite_desk: Nexio, posting: MailServer) -> None:
    """An address that is corrected afterwards does not change what ``mail list`` says of it."""
    posting.answers["zoe@example.com"] = "550 no such user"
    sqlite_desk.done(*ZOE)
    sqlite_desk.done("visitor", "edit", "1", "--email", "zoey@example.com")
    listed = sqlite_desk.done("mail", "list", "--json").json
    assert [(mail["to"], mail["state"]) for mail in listed] == [
        ("zoey@example.com", "sent"),
        ("zoe@example.com", "failed"),
    ]
