"""``nexio person``: all that is held about somebody, shown and erased."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from nexio.network.accounting_records import AccountingBatch, Status, seal_name
from nexio.network.event_log import record_events
from nexio.network.events import EventBatch, decided
from nexio.network.guard_acts import Act, Kind
from nexio.network.guard_table import append
from nexio.network.nas import NasChanges, edit_nas
from nexio.reception.members import get_member
from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from nexio.store.tables import OutboxRow, Row, VisitRow, WifiSessionRow
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.recording.spool import Spool
from radius_auth.replica.saved_table import read_saved_table
from tests.support.accounting import record, tell
from tests.support.log_entries import batches_of
from tests.support.radius.access_point import AccessPoint, Device, obedient
from tests.support.radius.decisions import event
from tests.support.radius.desk import ask_until, desk_with, sessions_when
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.cli.running import Nexio

EMAIL = "Zoe.Nguyen@example.com"
PIN = "8203645197"
MAC = "02:00:00:0a:0b:0c"
TRACES = (
    *("zoe.nguyen", "nguyễn", "quenelle", "+44 1632 960123", "peanut allergy", PIN, MAC),
    *(MAC.replace(":", "-"), "0a0b0c"),
)
"""What is known of her and of nobody else, in lower case."""


def act(visit_id: int | None) -> Act:
    """A device that got in."""
    return Act(
        kind=Kind.IN,
        at=datetime.now(UTC).timestamp(),
        writer="w" * 32,
        serial=1,
        host="",
        location_id=1,
        visit_id=visit_id,
        device=MAC,
        nas="ap-1",
        cost=0.0,
        chance=0.0,
    )


@pytest.fixture
def known(desk: Nexio) -> Nexio:
    """Zoë in every table, on both engines."""
    return fill(desk)


@pytest.fixture
def sqlite_known(sqlite_desk: Nexio, sqlite_file: None) -> Nexio:
    """The same, on SQLite only."""
    return fill(sqlite_desk)


def fill(desk: Nexio) -> Nexio:
    """Two visits, a member, sessions, decisions and mail of Zoë; and Ada, whose host she is."""
    zoe = {"--first-name": "Zoë", "--last-name": "Nguyễn", "--email": EMAIL}
    hers = [word for pair in zoe.items() for word in pair]
    about = ["--company", "Quenelle Ltd", "--phone", "+44 1632 960123", "--notes", "peanut allergy"]
    desk.done("visitor", "register", *hers, *about, "--pin", PIN, "--check-in-now")
    desk.done("visitor", "register", *hers, "--arrival", "tomorrow 9:00", "--again")
    desk.done("member", "add", *hers, "--send-pin")
    ada = ["--first-name", "Ada", "--last-name", "Moore", "--email", "ada@example.com"]
    notes = f"a friend of zoë nguyễn, {EMAIL.upper()}"
    desk.done("visitor", "register", *ada, "--by", EMAIL, "--notes", notes, "--check-in-now")
    desk.done("visitor", "edit", "1", "--notes", "peanut allergy!")
    with closing(Store.open(desk.configuration)) as store:
        _be_on_the_wifi(store)
    return desk


def _be_on_the_wifi(store: Store) -> None:
    with store.read() as work:
        visit, other = get_visit(work, "1", None), get_visit(work, "3", None)
    device: dict[str, Any] = {"device": MAC, "calling_station": MAC.replace(":", "-")}
    name: dict[str, Any] = {
        "user_name": EMAIL,
        "user_name_sealed": seal_name(store.keyring, EMAIL.encode()),
    }
    mine = record(Status.START, visit, **device, **name)
    nobodys = record(Status.START, key=f"{2:032x}", session_id="82", **device, user_name="guest")
    tell(store, mine, nobodys)
    of_hers = {"user_name": EMAIL, "device": MAC}
    with store.write() as work:
        decided_ = [
            event(1, **of_hers, visit_id=1, location_id=1),
            event(2, user_name=f" {EMAIL} ", device=None, visit_id=None),
            event(3, user_name="guest", device=MAC, visit_id=None),
            event(4, user_name=EMAIL, device=None, visit_id=other.id),
            event(5, user_name="ada@example.com", device=None, visit_id=other.id),
        ]
        record_events(work, decided_)
        append(work.session.connection(), [act(1), act(None)])
        for mail in work.session.scalars(select(OutboxRow)):
            mail.state, mail.sent_at, mail.to_address = "sent", work.now, EMAIL.lower()
            mail.answer = f"550 <{EMAIL}>: nobody"


def erased(desk: Nexio) -> Any:
    """What ``nexio person erase`` prints; nobody's access point answers."""
    desk.done("checkout", "--visit", "1")
    ran = desk("person", "erase", EMAIL.lower(), "--yes", "--json")
    assert ran.exit_code in {0, 5}, ran
    return json.loads(ran.out)


def traces_in(store: Store) -> set[str]:
    """Where a column of any table holds a trace, in clear."""
    with store.read() as work:
        return {
            f"{table.name}.{column}"
            for table in Row.metadata.sorted_tables
            for row in work.session.execute(text(f"SELECT * FROM {table.name}")).mappings()  # noqa: S608 (ours)
            for column, value in row.items()
            if not isinstance(value, bytes) and any(each in str(value).lower() for each in TRACES)
        }


def sealed_of_hers(store: Store) -> set[bytes]:
    """Her PINs and names as they are sealed, and the digests of them."""
    with store.read() as work:
        visits = select(VisitRow.pin_sealed, VisitRow.pin_digest).where(VisitRow.id < 3)
        found = {each for row in work.session.execute(visits) for each in row}
        member = get_member(work, EMAIL, None)
        found |= set(work.session.scalars(select(WifiSessionRow.user_name_sealed)))
        found.add(store.keyring.digest(1, member.pin))
        found.add(store.keyring.digest(1, PIN))
    return {each for each in found if each}


def test_what_is_exported(known: Nexio) -> None:
    """Everything, without PINs; who asked is noted, and not about whom."""
    shown = known.done("person", "export", EMAIL.upper())
    assert PIN not in shown.out
    held = shown.json
    assert {name: len(rows) for name, rows in held.items() if name != "email"} == {
        "visits": 2,
        "tokens": 2,
        "devices": 0,
        "check_ins": 1,
        "members": 1,
        "passes": 0,
        "sessions": 2,
        "decisions": 3,
        "guesses": 2,
        "mails": 3,
        "taps": 0,
        "mentions": 2,
        "audit": len(held["audit"]),
    }
    visit = held["visits"][0]
    assert (visit["company"], visit["location"]) == ("Quenelle Ltd", "Harbour House")
    assert datetime.fromisoformat(visit["expected_arrival"]).tzinfo is not None
    assert not [name for name in visit if "pin" in name or "digest" in name]
    assert {(each["action"], each["subject"]) for each in held["audit"]} >= {
        ("register", "visit"),
        ("edit", "visit"),
        ("add", "member"),
    }
    mentions = [(each["visit"], each["field"]) for each in held["mentions"]]
    assert mentions == [(3, "host"), (3, "notes")]
    entry = known.done("audit", "--json").json[-1]
    assert (entry["action"], entry["subject"], entry["subject_id"]) == ("export", "person", 0)
    assert "zoe" not in json.dumps(entry).lower()


def test_no_table_holds_an_erased_person(known: Nexio) -> None:
    """R13; the visit of somebody else stays, without its host; the audit says how much."""
    with closing(Store.open(known.configuration)) as store:
        assert traces_in(store)
        told = erased(known)
        assert traces_in(store) == set()
    assert (told["visits"], told["members"], told["sessions"], told["mentions"]) == (2, 1, 2, 2)
    assert any("backups" in each for each in told["remains"])
    entry = known.done("audit", "--json").json[-1]
    assert (entry["action"], entry["subject"]) == ("erase", "person")
    assert entry["details"] == {
        name: told[name] for name in ("visits", "members", "sessions", "decisions", "mails")
    } | {"mentions": 2}
    ada = known.done("visitor", "show", "3", "--json").json
    assert (ada["host"], ada["source"], ada["state"]) == (None, "admin", "checked_in")
    with closing(Store.open(known.configuration)) as store, store.read() as work:
        notes = work.session.scalars(select(VisitRow.notes)).one()
        assert notes == "a friend of (erased), (erased)"
    assert known.done("log", "--json").json[-1]["user_name"] == "ada@example.com"
    assert known.done("db", "check").exit_code == 0
    assert "Nothing is held" in known("person", "erase", EMAIL, "--yes").refused(3)
    assert known("person", "export", EMAIL).exit_code == 3


@pytest.mark.parametrize("kind", ["visit", "member"])
def test_somebody_in_the_building_stays(sqlite_desk: Nexio, kind: str) -> None:
    """Visitor or member: whoever counts heads would miss them; checked out, they go."""
    name = ["--first-name", "Zoë", "--last-name", "Nguyễn", "--email", EMAIL]
    if kind == "visit":
        sqlite_desk.done("visitor", "register", *name, "--check-in-now")
    else:
        sqlite_desk.done("member", "add", *name)
        sqlite_desk.done("checkin", "--member", "1")
    said = sqlite_desk("person", "erase", EMAIL, "--yes").refused(4)
    assert "Zoë Nguyễn is in the building at Harbour House" in said
    assert f"nexio checkout --{kind} 1" in said
    (inside,) = sqlite_desk.done("checkin", "list", "--open", "--json").json
    assert inside["name"] == "Zoë Nguyễn"
    sqlite_desk.done("checkout", f"--{kind}", "1")
    sqlite_desk.done("person", "erase", EMAIL, "--yes")


def test_no_file_holds_an_erased_person(sqlite_known: Nexio) -> None:
    """In no page, free or not, in no WAL and no spool: in clear, encrypted, or as a digest."""
    home = sqlite_known.configuration.home
    with closing(Store.open(sqlite_known.configuration)) as store:
        _tell_the_spools(store, home)
        sealed = sealed_of_hers(store)
    found = {name.removesuffix("-wal") for name in files_with_traces(home, sealed)}
    assert found >= {"nexio.db", "radiusd.db", "accounting.db", "guard.db"}
    erased(sqlite_known)
    assert files_with_traces(home, sealed) == set()
    left = Spool(home / "spool" / "radiusd.db", EventBatch).oldest(10)
    assert [each[1] for batch in left for each in batch.events] == ["ada@example.com"]
    batches = Spool(home / "spool" / "accounting.db", AccountingBatch).oldest(10)
    assert [each.user_name for batch in batches for each in batch.records] == ["ada@example.com"]


def _tell_the_spools(store: Store, home: Path) -> None:
    """What servers of this machine have not told the store yet, and what they have."""
    told = Spool(home / "spool" / "radiusd.db", EventBatch)
    hers = decided(event(1, user_name=EMAIL, device=MAC))
    others = decided(event(3, user_name="ada@example.com"))
    batches = [*batches_of("w", 1, [hers]), *batches_of("w", 2, [hers, others])]
    gone = batches[0]
    told.append(batches)
    told.remove([gone])
    with store.read() as work:
        visit = get_visit(work, "1", None)
    sealed = seal_name(store.keyring, EMAIL.encode())
    mine = record(Status.STOP, visit, user_name=EMAIL, device=MAC, user_name_sealed=sealed)
    adas = record(Status.STOP, user_name="ada@example.com", device=None)
    records = Spool(home / "spool" / "accounting.db", AccountingBatch)
    records.append(
        [AccountingBatch(source="192.0.2.10", records=each) for each in ((mine,), (mine, adas))]
    )
    HostJournal(guard_path(home)).exchange([act(1), act(None)])


def files_with_traces(home: Path, sealed: set[bytes]) -> set[str]:
    """Files of a deployment in which there is a trace of hers."""
    return {path.name for path in home.rglob("*") if path.is_file() and _holds(path, sealed)}


def _holds(path: Path, sealed: set[bytes]) -> bool:
    octets = path.read_bytes()
    text = octets.decode("utf-8", "replace").lower()
    return any(each in text for each in TRACES) or any(
        each in octets or each.hex().encode() in octets for each in sealed
    )


def test_somebody_of_a_longer_address_stays(desk: Nexio) -> None:
    """Neither their log, nor their mail, nor what is said of them."""
    people = {"Eve": "a@example.co", "Ana": "ana@example.com", "Ada": "a@example.co.uk"}
    notes = "knows ana@example.com, a@example.co.uk and a@example.company"
    for first_name, email in people.items():
        desk.register("--notes", notes, first_name=first_name, last_name="Moore", email=email)
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        names = ("a@example.co", "ana@example.com", "a@example.co.uk", "A@EXAMPLE.CO ")
        record_events(
            work,
            [
                event(number, user_name=name, visit_id=None, device=None)
                for number, name in enumerate(names, 1)
            ],
        )
        for mail in work.session.scalars(select(OutboxRow)):
            mail.to_address = "ana@example.com"
    assert desk.done("person", "erase", "a@example.co", "--yes", "--json").json["decisions"] == 2
    left = [each["user_name"] for each in desk.done("log", "--json").json]
    assert left == ["ana@example.com", "a@example.co.uk"]
    with closing(Store.open(desk.configuration)) as store, store.read() as work:
        assert set(work.session.scalars(select(OutboxRow.to_address))) == {"ana@example.com"}
        assert set(work.session.scalars(select(VisitRow.notes))) == {notes}


def test_a_visitor_without_an_email(sqlite_desk: Nexio) -> None:
    """They are found by the login, and whose e-mail begins or ends like it stays."""
    li = ["--first-name", "Li", "--last-name", "Wei", "--no-email"]
    sqlite_desk.done("visitor", "register", *li)
    others = ("li.wei@example.com", "ada@li.wei")
    for name in ("Bo", "Ada"):
        notes = f"{others[0]} or {others[1]} or li.wei"
        sqlite_desk.register("--notes", notes, first_name=name, email=f"{name}@example.com")
    with closing(Store.open(sqlite_desk.configuration)) as store, store.write() as work:
        events = [
            event(number, user_name=name, visit_id=None, device=None)
            for number, name in enumerate((*others, "li.wei"), 1)
        ]
        record_events(work, events)
    held = sqlite_desk.done("person", "export", "li.wei").json
    assert [each["first_name"] for each in held["visits"]] == ["Li"]
    assert "empty" in sqlite_desk("person", "erase", " ", "--yes").refused(2)
    told = sqlite_desk.done("person", "erase", "li.wei", "--yes", "--json").json
    assert (told["visits"], told["decisions"], told["mentions"]) == (1, 1, 2)
    assert [each["user_name"] for each in sqlite_desk.done("log", "--json").json] == [*others]
    with closing(Store.open(sqlite_desk.configuration)) as store, store.read() as work:
        assert set(work.session.scalars(select(VisitRow.notes))) == {
            f"{others[0]} or {others[1]} or (erased)"
        }


def test_a_name_in_other_spellings(desk: Nexio) -> None:
    """Other apostrophes, blanks, capitals, and the last name first."""
    desk.register(first_name="Pat", last_name="O'Brien", email="pat@example.com")
    notes = "meets O’BRIEN, Pat; Pat  O`Brien; and Patty O'Brienne"
    desk.register("--host", "Pat O’Brien", "--notes", notes, email="sue@example.com")
    told = desk.done("person", "erase", "pat@example.com", "--yes", "--json").json
    assert told["mentions"] == 2
    with closing(Store.open(desk.configuration)) as store, store.read() as work:
        row = work.session.scalars(select(VisitRow)).unique().one()
        assert (row.host, row.notes) == (None, "meets (erased); (erased); and Patty O'Brienne")


def test_a_person_who_is_on_the_wifi(
    programs: None, sqlite_nexio: Nexio, sqlite_configuration: Configuration
) -> None:
    """The session is ended first; a server that runs keeps no file about the person."""
    home = sqlite_configuration.home
    with (
        desk_with(sqlite_configuration) as desk,
        Radiusd(sqlite_configuration) as server,
        AccessPoint(obedient, "127.0.10.200", server.accounting_port) as point,
    ):
        desk.add_nas(point.host)
        with desk.store.write() as work:
            edit_nas(work, point.host, NasChanges(disconnect=f":{point.port}"))
        visit = desk.register(email=EMAIL, last_name="Nguyễn", company="Quenelle")
        other = desk.register(first_name="Ada", last_name="Moore")
        station = MAC.replace(":", "-")
        log_in = partial(radclient, server.port, Calling_Station_Id=f'"{station}"')
        accept = ask_until("Access-Accept", lambda: log_in(visit.email, visit.pin))
        login = bytes.fromhex(accept.attributes["Class"][2:])
        on = Device(session=b"1", user_name=EMAIL.encode(), login=login, station=station.encode())
        point.begin(on)
        sessions_when(desk, bool)
        table = home / "spool" / "radiusd.table"
        wait_until(table.exists)
        before = table.stat().st_ino
        told = sqlite_nexio.done("person", "erase", EMAIL, "--yes", "--json").json
        assert told["open_sessions"] == []
        assert told["sessions"] == 1
        assert point.devices == []
        wait_until(lambda: table.exists() and table.stat().st_ino != before)
        assert log_in(visit.email, visit.pin).code == "Access-Reject"
        ask_until("Access-Accept", lambda: radclient(server.port, other.email, other.pin))

        def is_kept() -> list[int]:
            kept = read_saved_table(table, desk.store.keyring)
            return [each.id for each in kept.table.all_visits()] if kept else []

        # It may have been written once more in between, when the access had ended.
        wait_until(lambda: is_kept() == [other.id])
    # What somebody typed after that is in the log, as of anybody whom nobody knows.
    assert sqlite_nexio.done("person", "erase", EMAIL, "--yes", "--json").json["decisions"] == 1
    assert files_with_traces(home, set()) == set()
