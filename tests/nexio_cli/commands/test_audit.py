"""``nexio audit``: who did what."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from nexio.checkin.tablets import pair_at_once
from nexio.locations.locations import get_location
from nexio.network.accounting_records import Status
from nexio.reception.visits import get_visit
from nexio.store import schema
from nexio.store.engine import Store
from nexio.store.tables import AuditRow
from tests.support.accounting import record, tell
from tests.support.cli.commands import every_command
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import store_of
from tests.support.stores import OPERATOR

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli.running import Nexio

KEYS = ["id", "at", "operator", "action", "subject", "subject_id", "details"]
ANA = ("--first-name", "Ana", "--last-name", "Reyes", "--email", "ana@example.com")
DEVICE = "02:00:00:00:00:01"

CHANGES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("settings", "set"): ("pin-length=7",),
    ("token", "on"): ("--duration", "90m"),
    ("visitor", "edit"): ("1", "--notes", "comes by bicycle"),
    ("visitor", "reschedule"): ("1", "--arrival", "tomorrow 9:00"),
    ("token", "extend"): ("1", "--by", "30m"),
    ("visitor", "resend"): ("1",),
    ("visitor", "import"): ("{home}/visitors.csv",),
    ("checkin",): ("--visit", "2", "--in"),
    ("checkin", "undo"): ("2",),
    ("checkout",): ("--visit", "3"),
    ("visitor", "reissue"): ("1", "--yes"),
    ("token", "revoke"): ("4", "--yes"),
    ("token", "off"): ("--revoke", "--yes"),
    ("visitor", "delete"): ("2", "--yes"),
    ("member", "add"): ANA,
    ("member", "edit"): ("ana@example.com", "--first-name", "Anna"),
    ("member", "set-pin"): ("ana@example.com", "--pin", "-"),
    ("member", "pass"): ("ana@example.com",),
    ("member", "remove"): ("ana@example.com", "--yes"),
    ("person", "export"): ("ada@example.com",),
    ("person", "erase"): ("eve@example.com", "--yes"),
    ("mail", "template", "edit"): ("registered", "{home}/text"),
    ("mail", "template", "reset"): ("registered", "--yes"),
    ("nas", "add"): ("lobby", "192.0.2.9"),
    ("nas", "edit"): ("lobby", "--secret", "-"),
    ("nas", "remove"): ("lobby", "--yes"),
    ("desk", "link"): ("--location", "Harbour House"),
    ("desk", "revoke"): ("Harbour House 1", "--yes"),
    ("kiosk", "revoke"): ("Harbour House 1", "--yes"),
    ("session", "close"): ("S1", "--yes"),
    ("guard", "release"): ("3", "--device", DEVICE, "--yes"),
    ("db", "restore"): ("{home}/backup.db", "--yes"),
    ("key", "rotate"): ("--yes",),
    ("location", "add"): ("Annex", "--timezone", "Europe/London"),
    ("location", "edit"): ("Annex", "--name", "Pier"),
}
"""What each command that changes the store is given, in the order of a day."""

ELSEWHERE = {
    ("location", "remove"),  # tests/nexio/operations
    ("init",),  # adds the first location, as `location add`
    ("visitor", "register"),  # below, at the beginning of the day
    ("visitor", "devices"),  # tests/nexio/network/test_devices.py: `free-device`
    ("kiosk", "pair"),  # needs a tablet: tests/nexio/checkin
    ("kiosk", "settle"),
    ("session", "disconnect"),  # needs a NAS that answers: tests/nexio/network
    ("checkin", "pin"),  # another name of `checkin`
    ("guard", "clear"),  # another name of `guard release`
    ("mail", "deliver"),  # tests/nexio_cli/commands/test_mail.py
    ("housekeeping",),  # tests/nexio/operations/test_housekeeping.py
    ("db", "upgrade"),  # test_who_upgraded, below
    ("db", "copy"),  # notes it in the new store: tests/nexio_cli/commands/test_db_copy.py
}
"""Commands that change the store and are seen to elsewhere."""

LOOKS = {
    *("settings show", "token list", "visitor list", "visitor show", "visitor qr", "visitor slip"),
    *("visitor export", "checkin list", "kiosk list", "kiosk taps", "desk list", "member list"),
    *("member show", "mail list", "nas list", "nas show", "nas profiles", "session list"),
    *(
        "location list",
        "location show",
        "log",
        "audit",
        "explain",
        "guard list",
        "radius test",
        "radius status",
        "servers",
    ),
    *("completion", "config show"),
    *("doctor", "db current", "db check", "db backup", "freeradius check"),
    *("mail template show", "mail template preview"),
    *("today", "service check", "service install", "service uninstall"),  # files of systemd's
    *("freeradius install", "freeradius uninstall"),  # files of FreeRADIUS's
}
"""Commands that change nothing in the store."""


def entries(desk: Nexio, *arguments: str) -> Any:
    """What ``nexio audit`` prints."""
    return desk.done("audit", "--limit", "1000", "--json", *arguments).json


def note(desk: Nexio, *times: datetime) -> None:
    """Somebody did something at those times."""
    did = {"operator": "frances", "action": "edit", "subject": "visit", "details": {}}
    rows = [{**did, "at": at, "subject_id": number} for number, at in enumerate(times, 1)]
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        work.session.execute(insert(AuditRow), rows)


def test_each_command_is_in_a_list() -> None:
    """Nobody adds a command without a thought of who did it."""
    leaves = {words for words, command in every_command() if words and not _is_group(command)}
    looks = {tuple(words.split()) for words in LOOKS}
    assert leaves - looks - ELSEWHERE - CHANGES.keys() == set()


def _is_group(command: Any) -> bool:
    return bool(getattr(command, "commands", None)) and not command.invoke_without_command


def test_whatever_changes_something_leaves_a_line(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With operator, time and what was done; no PIN and no secret is in any."""
    desk, home = sqlite_desk, sqlite_desk.configuration.home
    _begin(desk, home)
    secrets = {"19283746", "a secret of an access point"}
    monkeypatch.setenv("NEXIO_OPERATOR", "frances")
    monkeypatch.setenv("NEXIO_LOCATION", "Harbour House")
    monkeypatch.setenv("NEXIO_WEB_URL", "https://visit.example.com")
    for words, given in CHANGES.items():
        secrets |= {visit["pin"] for visit in desk.done("visitor", "list", "--all", "--json").json}
        last = entries(desk)[-1]["id"]
        stdin = "19283746\n" if words[0] == "member" else "a secret of an access point\n"
        before = datetime.now(UTC).replace(microsecond=0)
        desk.done(*words, *(each.format(home=home) for each in given), stdin=stdin)
        new = entries(desk, "--after", str(last))
        if words == ("db", "restore"):  # with what was done until the backup
            new = entries(desk)[-1:]
        assert new, words
        assert {each["operator"] for each in new} == {"frances"}, words
        assert all(datetime.fromisoformat(each["at"]) >= before for each in new), words
    text = desk.done("audit", "--json", "--limit", "1000").out + desk.done("audit").out
    assert not [secret for secret in secrets if secret in text]


def _begin(desk: Nexio, home: Path) -> None:
    """Three visitors, a tablet and an open session."""
    for name in ("zoe", "ada", "ida"):
        desk.register(email=f"{name}@example.com")
    assert [each["action"] for each in entries(desk)][-3:] == ["register"] * 3
    desk.done("checkin", "--visit", "3", "--in")
    (home / "text").write_text("Subject: Welcome\n\nYour PIN: {visitorcode}\n")
    first = "first_name,last_name,email,expected_arrival\n"
    (home / "visitors.csv").write_text(f"{first}Eve,Moore,eve@example.com,tomorrow 9:00\n")
    with closing(Store.open(desk.configuration)) as store:
        with store.write() as work:
            visit = get_visit(work, "3", None)
            pair_at_once(work, get_location(work, None))
        tell(store, record(Status.START, visit))
    desk.done("db", "backup", str(home / "backup.db"))


def test_what_an_entry_says(desk: Nexio) -> None:
    """Keys that stay; a table for people."""
    visit = desk.register()
    desk.done("settings", "set", "pin-length=8")
    desk.done("visitor", "edit", "1", "--company", "Acme")
    found = entries(desk)
    assert all(list(each) == KEYS for each in found)
    registered, setting, edited = found[-3:]
    assert (registered["subject"], registered["subject_id"]) == ("visit", visit["id"])
    assert registered["operator"] == OPERATOR
    assert setting["details"] == {"pin-length": {"before": 6, "after": 8}}
    assert edited["details"] == {"changed": ["company"]}
    lines = desk.done("audit").out.splitlines()
    assert lines[0].split("\t") == ["id", "time", "operator", "what", "about", "details"]
    assert lines[-2].endswith("set\tlocation 1\tpin-length: 6 → 8")
    assert lines[-1].endswith("edit\tvisit 1\tchanged: company")
    assert "Acme" not in desk.done("audit", "--json").out


def test_one_visit_or_one_operator(desk: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number or e-mail; who is exactly who."""
    first, second = desk.register(), desk.register()
    monkeypatch.setenv("NEXIO_OPERATOR", "frances")
    desk.register(email="ada@example.com")
    numbers = [first["id"], second["id"]]
    assert [each["subject_id"] for each in entries(desk, "--visit", "ZOE@example.com")] == numbers
    assert [each["subject_id"] for each in entries(desk, "--visit", "2")] == [second["id"]]
    assert [each["subject_id"] for each in entries(desk, "--operator", "frances")] == [3]
    assert entries(desk, "--operator", "fran") == []
    assert desk("audit", "--visit", "nobody@example.com").exit_code == 3


def test_a_part_of_the_time(sqlite_desk: Nexio) -> None:
    """Days and moments that lie behind, by the clock of the location."""
    desk = sqlite_desk
    with closing(Store.open(desk.configuration)) as store, store.read() as work:
        zone = get_location(work, None).zone
    now = datetime.now(zone)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    days = [noon - timedelta(days=number) for number in (400, 8, 7, 1)]
    note(desk, *days)

    def found(*arguments: str) -> list[int]:
        return [each["subject_id"] for each in entries(desk, "--operator", "frances", *arguments)]

    assert found("--since", "yesterday") == [4]
    assert found("--until", "yesterday") == [1, 2, 3, 4]
    assert found("--since", "yesterday 12:01") == []
    assert found("--since", f"{days[1]:%A}") == [3, 4] or found("--since", f"{days[1]:%A}") == [4]
    assert found("--since", f"{days[2]:%Y-%m-%d} 11:59", "--until", f"{days[2]:%Y-%m-%d}") == [3]
    assert found("--since", f"{days[1]:%d %b}") == [2, 3, 4]
    assert "cannot be read" in desk("audit", "--since", "whenever").refused(2)


def test_reading_on(sqlite_desk: Nexio) -> None:
    """The newest, or the next after a number; a number is never used twice."""
    desk = sqlite_desk
    note(desk, *[datetime(2026, 11, 20, 9, tzinfo=UTC)] * 5)
    numbers = [each["id"] for each in entries(desk)]
    assert [e["id"] for e in desk.done("audit", "--limit", "2", "--json").json] == numbers[-2:]
    after = ("--after", str(numbers[0]), "--limit", "2", "--json")
    assert [each["id"] for each in desk.done("audit", *after).json] == numbers[1:3]
    desk.sql("DELETE FROM audit")
    assert "No entry fits" in desk.done("audit").err
    note(desk, datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert [each["id"] for each in entries(desk)] == [numbers[-1] + 1]


def test_who_upgraded(sqlite_nexio: Nexio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version before; a store that is up to date is not changed."""
    with store_of("0020", tmp_path / "old", None, rows_of_0002) as old:
        monkeypatch.setenv("NEXIO_HOME", str(old.home))
        monkeypatch.delenv("NEXIO_DATABASE_URL", raising=False)
        monkeypatch.delenv("NEXIO_KEY_FILE", raising=False)
        sqlite_nexio.done("db", "upgrade")
        before = entries(sqlite_nexio)
        upgraded = before[-1]
        assert (upgraded["action"], upgraded["operator"]) == ("upgrade", OPERATOR)
        assert upgraded["details"] == {"before": "0020", "after": schema.HEAD}
        sqlite_nexio.done("db", "upgrade")
        assert entries(sqlite_nexio) == before
