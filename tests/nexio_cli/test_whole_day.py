"""A whole day at the front desk, through the commands, a mail server and a RADIUS server."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import icalendar
import pytest

from tests.support.cli.programs import free_port, program, serving
from tests.support.cli.running import Nexio
from tests.support.scanner import scanned

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.support.mail_server import MailServer

VISITORS = [f"visitor{number}@example.com" for number in range(10)]


def part(message: EmailMessage, kind: str) -> Any:
    """The content of the only part of that kind."""
    (found,) = [each for each in message.walk() if each.get_content_type() == kind]
    return found.get_content()


def login(nexio: Nexio, port: int, email: str, pin: str) -> int:
    """The exit code of a guest's login: 0 accepted, 4 rejected."""
    return nexio("radius", "test", email, pin, "--port", str(port)).exit_code


def test_a_whole_day(
    sqlite_desk: Nexio, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3, R5, R14: no Wi-Fi before the reissue, then with the new PIN alone; one mail for each."""
    nexio = sqlite_desk
    monkeypatch.setenv("NEXIO_SMTP_URL", mail_server.url)
    monkeypatch.setenv("NEXIO_MAIL_FROM", "desk@example.com")
    nexio.done("token", "off")
    nexio.done("nas", "add", "lobby", "127.0.0.1")
    old = {email: nexio.register(email=email)["pin"] for email in VISITORS}
    port = free_port()
    options = ("--listen", "127.0.0.1", "--auth-port", str(port), "--reject-delay", "0")
    with serving(program("nexio-radiusd"), *options):
        assert {login(nexio, port, email, pin) for email, pin in old.items()} == {4}

        nexio.done("token", "on", "--duration", "8h")
        reissued = nexio.done("visitor", "reissue", "--without-token", "--yes", "--json").json
        nexio.done("mail", "deliver")
        new = {each["reissued"]["email"]: each["reissued"] for each in reissued}
        assert list(new) == VISITORS
        while login(nexio, port, VISITORS[-1], new[VISITORS[-1]]["pin"]) == 4:
            pass  # until the server has seen the last of them

        assert {login(nexio, port, email, pin) for email, pin in old.items()} == {4}
        assert {login(nexio, port, email, visit["pin"]) for email, visit in new.items()} == {0}

    mails: defaultdict[str, list[EmailMessage]] = defaultdict(list)
    for received in mail_server.received:
        mails[received.to[0]].append(received.message)
    assert sorted(mails) == VISITORS
    for email, (first, second) in mails.items():
        assert old[email] in part(first, "text/plain")
        assert "Wi-Fi" not in part(first, "text/plain")
        assert new[email]["pin"] in part(second, "text/plain")
        assert "Wi-Fi" in part(second, "text/plain")
        (event,) = icalendar.Calendar.from_ical(part(second, "text/calendar")).walk("VEVENT")
        assert event.decoded("dtstart").isoformat() == instant(new[email]["expected_arrival"])

        code = scanned(part(second, "image/png"))
        tap = nexio.done("checkin", "--qr", code, "--json").json
        assert (tap["direction"], tap["id"]) == ("in", new[email]["id"])

    assert len(nexio.done("checkin", "list", "--open", "--json").json) == len(VISITORS)


def instant(text: str) -> str:
    """An ISO time with offset, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()
