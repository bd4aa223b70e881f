"""Whatever servers and desk ask of a store of years, an index leads to its rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.desks import issue_link, open_link
from nexio.checkin.tablets import pair_at_once
from nexio.metrics.store_numbers import numbers_of
from nexio.network.accounting_records import AccountingBatch, Status
from nexio.network.devices import known_slots, take_slots
from nexio.network.endings import any_due, claim_endings, list_past_end, record_disconnect
from nexio.network.event_log import forget_batches, record_batches
from nexio.network.following import Horizon
from nexio.network.lost_sessions import close_all_lost
from nexio.network.nas import NewNas, add_nas
from nexio.network.session_updates import record_accounting, record_accounting_batches
from nexio.reception.tokens import revoke_all
from nexio.store.creation import create_store
from nexio.store.engine import Store, connect
from nexio_web.application import pages, wrapped
from nexio_web.options import Options
from nexio_web.postman import Postman
from radius_auth.companion.numbers import guard_numbers
from radius_auth.guard.journal import Journal
from radius_auth.replica.follower import Follower
from tests.support.accounting import record
from tests.support.cli.running import Nexio
from tests.support.clocks import Clock, noon_zone
from tests.support.log_entries import batches_of
from tests.support.many_rows import analyze, fill
from tests.support.people import add_location, delete, register, revoke, set_up
from tests.support.query_plans import Statements, plan_of, reads_of_all, statements
from tests.support.radius.decisions import decided
from tests.support.reception import add_member
from tests.support.stores import configuration_of, export
from tests.support.web.asgi import ask, post

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.types import ASGIApp

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit

PAST, LIVE, DECISIONS = 600, 30, 2_000
ELSEWHERE = 400
"""Visits of now at another location."""


@dataclass(frozen=True, kw_only=True)
class Years:
    """A store with the visits of years, Harbour House in it, and somebody whom no test deletes."""

    configuration: Configuration
    store: Store
    engines: list[Engine]
    """Of the store; and on SQLite of a copy that was never analysed, as those of our users."""

    location: Location
    visit: Visit


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def years(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, programs: None
) -> Iterator[Years]:
    """A full store, one for all tests here."""
    made = configuration_of(tmp_path_factory.mktemp("years") / "nexio")
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        made = replace(made, database_url=server.create_database("store_of_years"))
    create_store(made)
    with closing(Store.open(made)) as store:
        house = add_location(store, "Harbour House", noon_zone(), "visitor-tokens=on")
        add_member(store, house)
        with store.write() as work:
            add_nas(work, house, NewNas(name="ap-1", address="192.0.2.10"))
        visit = register(store, house, first_name="Ada", email="ada@example.com")
        elsewhere = add_location(store, "Elsewhere", "UTC", "visitor-tokens=on")
        fill(store, elsewhere, past=0, live=ELSEWHERE, events=0)
        fill(store, house, past=PAST, live=LIVE, events=DECISIONS)
        engines = [store.engine]
        if request.param == "sqlite":
            engines.append(copy_of(store, made.home / "copy.db"))
        analyze(store)
        yield Years(configuration=made, store=store, engines=engines, location=house, visit=visit)
        for engine in engines:
            engine.dispose()


def copy_of(store: Store, path: Path) -> Engine:
    """The same on SQLite in another file."""
    original = sqlite3.connect(str(store.engine.url.database))
    with closing(original), closing(sqlite3.connect(path)) as copy:
        original.backup(copy)
    return connect(f"sqlite:///{path}")


def told(years: Years, visit: Visit) -> None:
    """The Start of a session of a visit now."""
    start = record(
        Status.START, visit, location_id=years.location.id, at=years.store.clock(),
        key=f"{visit.id:032x}", session_id=str(visit.id),
    )  # fmt: skip
    with years.store.write() as work:
        record_accounting(work, [start])


@pytest.fixture
def asked(years: Years) -> Iterator[Statements]:
    """What is asked of it; none of that may read a whole table."""
    with statements() as found:
        yield found
    assert found
    whole = [each for engine in years.engines for each in reads_of_all(engine, found)]
    assert not whole, "\n\n".join(whole)


def test_what_no_index_leads_to_is_noticed(years: Years) -> None:
    """By the look at the plan, on both databases."""
    wanted = "SELECT id FROM visit WHERE notes = 'ramp'"
    for engine in years.engines:
        (found,) = reads_of_all(engine, {wanted: ()})
        assert found.startswith(f"visit: {wanted}")


def test_following(years: Years, asked: Statements) -> None:
    """At the start, of visits, locations and NAS that change, and into another day."""
    clock = Clock(years.store.clock())
    follower = Follower(lambda: Store.open(years.configuration, clock), Horizon(), clock)
    visit = register(years.store, years.location)
    set_up(years.store, years.location, "ssid=Harbour")
    delete(years.store, visit)
    follower.follow()
    clock.advance(minutes=5)
    follower.follow()
    assert len(follower.table.all_visits()) > LIVE
    follower.stop()
    journal = Journal(years.configuration.database_url)
    journal.exchange()
    journal.live_visits(clock())
    journal.close()


def test_recording(years: Years, asked: Statements) -> None:
    """Decisions, accounting from Start to Stop, a NAS that restarts, and slots of devices."""
    visit, now = years.visit, years.store.clock()
    decisions = [decided(at=now, location_id=years.location.id, visit_id=visit.id)]
    batches = batches_of("a-server", 1, decisions)
    whole = (Status.START, Status.UPDATE, Status.STOP, Status.ON)
    told = tuple(record(status, visit, at=now, location_id=years.location.id) for status in whole)
    with years.store.write() as work:
        record_batches(work, batches)
        record_accounting_batches(work, [AccountingBatch(source="ap-1", records=told)])
        forget_batches(work, batches)
        take_slots(work, [(visit.id, "02:00:00:00:00:01")])
    with years.store.read() as look:
        known_slots(look, [(visit.id, "02:00:00:00:00:01")])


def test_ending_sessions(years: Years, asked: Statements) -> None:
    """Of who may not be on any more, of all at once, and of who is not heard of."""
    guest = register(years.store, years.location, email="late@example.com")
    told(years, guest)
    revoke(years.store, guest)
    with years.store.read() as look:
        assert any_due(look)
        assert list_past_end(look, years.location.id)
    with years.store.write() as work:
        (ending,) = claim_endings(work, lambda *_: "revoked", {}, 10)
        record_disconnect(work, ending.session.id, "ack")
        assert revoke_all(work, years.location)
    clock = Clock(years.store.clock() + timedelta(days=2))
    with closing(Store.open(years.configuration, clock)) as later:
        assert close_all_lost(later)


def test_metrics(years: Years, asked: Statements) -> None:
    """What a monitor asks every few seconds."""
    with years.store.read() as look:
        assert list(numbers_of(look))
        assert list(guard_numbers(look))


@pytest.fixture
def app(years: Years) -> ASGIApp:
    """The pages."""
    options = Options(listen="127.0.0.1", port=8080)
    return wrapped(pages(years.store, Postman(years.store, None)), options)


def test_the_desk(years: Years, app: ASGIApp, asked: Statements) -> None:
    """Its pages, who comes and goes, an undo, a registration."""
    with years.store.write() as work:
        _, secret = issue_link(work, years.location, "Front desk")
        cookie = f"nexio-desk={open_link(work, secret, '127.0.0.1')}"
    headers = {"cookie": cookie}
    for path in ("/desk", "/desk/register", "/desk/evacuation", "/desk/people"):
        assert ask(app, path, headers=headers).status == 200
    who = {"kind": "visitor", "number": years.visit.id}
    for way in ("in", "out"):
        assert post(app, "/desk/tap", {**who, "way": way}, cookie=cookie).status == 200
    assert post(app, "/desk/undo", who, cookie=cookie).status == 200
    form = {"first_name": "Bo", "last_name": "Peep", "email": "bo@example.com", "nonce": "1" * 32}
    form |= {"expected_arrival": "now", "host": "ana@example.com"}
    assert post(app, "/desk/register", form, cookie=cookie).status == 200


def test_the_tablet(years: Years, app: ASGIApp, asked: Statements) -> None:
    """A right PIN, a wrong one, and what the page asks every few seconds."""
    with years.store.write() as work:
        cookie = f"nexio-tablet={pair_at_once(work, years.location)}"
    guest = register(years.store, years.location, email="door@example.com")
    assert ask(app, "/kiosk", headers={"cookie": cookie}).status == 200
    assert post(app, "/kiosk/state", {}, cookie=cookie).status == 200
    for code in (guest.pin, "0" * 12, guest.email):
        assert post(app, "/kiosk/tap", {"code": code}, cookie=cookie).status == 200


@pytest.fixture
def nexio(
    years: Years, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Nexio:
    """The command ``nexio``, on that store."""
    export(years.configuration, monkeypatch)
    monkeypatch.setenv("NEXIO_LOCATION", years.location.name)
    return Nexio(years.configuration, monkeypatch, capsys)


COMMANDS = [
    "visitor register --first-name Bo --last-name L --email bo@example.com --arrival now --again",
    "visitor list",
    "visitor list --search zoe",
    "visitor show {}",
    "visitor edit {} --notes ramp",
    "visitor reschedule {} --arrival +1h",
    "visitor resend {}",
    "visitor reissue {} --yes",
    "visitor delete {} --yes",
    "token list",
    "token extend {} --by 5m",
    "token revoke {} --yes",
    "checkin --visit {}",
    "checkin list",
    "checkout --visit {}",
    "today",
    "explain zoe@example.com",
    "log",
    "log --email zoe@example.com",
    "log --email zoe@example.com --since today",
    "log --device 02:00:00:00:00:01 --since today",
    "guard list",
    "session list",
    "session list zoe@example.com",
    "session close {} --yes",
    "visitor list --all",
    "member list",
    "nas list",
    "mail list",
    "audit",
    "token off",
    "token on",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_commands(words: str, years: Years, nexio: Nexio, asked: Statements) -> None:
    """What reception and administrators do all day, with what that does beside."""
    guest = register(years.store, years.location, email="zoe@example.com")
    if words.startswith("checkout"):
        nexio.done("checkin", "--visit", str(guest.id))
    if words.startswith("session"):
        told(years, guest)
    nexio.done(*words.format(guest.id).split())


def test_a_desk_reads_the_days_of_its_own_location(years: Years, nexio: Nexio) -> None:
    """However many visitors others have now, and however many were on the Wi-Fi there."""
    with statements() as asked:
        nexio.done("today")
        nexio.done("visitor", "list")
        nexio.done("token", "list")
        tokens = [each for each in asked if "access_token" in each]
        nexio.done("session", "list")
    numbered = [len(asked[each]) for each in asked if "WHERE visit.id IN " in each]
    assert max(numbered, default=0) < 100  # not all who came in the last days
    assert tokens
    assert all("WHERE access_token.visit_id IN " in each for each in tokens), tokens
    days = [each for each in asked if "visit.closes_at > " in each and "FROM visit " in each]
    if years.store.engine.dialect.name == "postgresql":
        begins = [place for place, each in enumerate(asked) if "set_config" in each]
        assert begins[0] < list(asked).index(days[0])  # whatever PostgreSQL expects to find
    lists = [each for each in asked if "ORDER BY wifi_session.started_at" in each]
    for engine in years.engines:
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            plans = {each: plan_of(driver, each, asked[each]) for each in (*days, *lists)}
        assert days
        assert lists
        for each in days:
            assert "ix_visit_location_id_closes_at" in plans[each], plans[each]
        for each in lists:
            assert "ix_wifi_session_" in plans[each]
            assert "TEMP B-TREE" not in plans[each], plans[each]
