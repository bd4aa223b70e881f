"""Looking a deployment over: each finding well and not well, and what to do then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from nexio.clock import utc_now
from nexio.keys.key_file import add_key
from nexio.network.event_log import record_events
from nexio.network.nas import NasChanges, NewNas, add_nas, edit_nas
from nexio.operations.health import Finding, look_over
from nexio.store.engine import Store
from nexio.store.schema import HEAD
from nexio.store.tables import MemberRow, PinRow
from tests.support.clocks import Clock
from tests.support.people import add_location, register, set_up
from tests.support.radius.decisions import event
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location


def found(configuration: Configuration, clock: Clock | None = None) -> dict[str, Finding]:
    """The findings by subject; what is not well comes with advice, what is well without."""
    findings = list(look_over(configuration, clock or utc_now))
    assert all(bool(finding.advice) != finding.well for finding in findings), findings
    return {finding.subject: finding for finding in findings}


def not_well(findings: dict[str, Finding]) -> list[str]:
    """The subjects that something is wrong with."""
    return [subject for subject, finding in findings.items() if not finding.well]


@pytest.fixture
def now(store: Store) -> Clock:
    """The real time, standing still; PostgreSQL has a clock of its own."""
    store.clock = Clock(utc_now())
    return store.clock


@pytest.fixture
def house(store: Store, now: Clock, location: Location) -> Location:
    """Harbour House with a NAS."""
    with store.write() as work:
        add_nas(work, location, NewNas(name="lobby", address="192.0.2.1"))
    return location


def test_all_is_well(configuration: Configuration, store: Store, house: Location) -> None:
    """In the order in which one depends on the other."""
    register(store, house)
    findings = found(configuration)
    assert list(findings) == ["key", "store", "clock", "PINs", "guessing", "NAS", "mail", "disk"]
    assert not_well(findings) == []
    assert findings["store"].message == f"open, version {HEAD}"
    assert findings["PINs"].message == "1 of 1000000 are in use at Harbour House"
    assert findings["NAS"].message == "Harbour House has 1"


def test_an_empty_store(configuration: Configuration) -> None:
    """Before the first location there is nothing to say about PINs and NAS."""
    findings = found(configuration)
    assert list(findings) == ["key", "store", "clock", "mail", "disk"]
    assert not_well(findings) == []


# The key


def test_without_a_key(configuration: Configuration, house: Location) -> None:
    """The deepest cause is told once; what needs the key is not looked at."""
    configuration.key_file.unlink()
    findings = found(configuration)
    assert list(findings) == ["key", "disk"]
    assert str(configuration.key_file) in findings["key"].message


def test_a_key_that_is_open_to_others(configuration: Configuration) -> None:
    """With the command that closes it."""
    configuration.key_file.chmod(0o644)
    assert found(configuration)["key"].advice.startswith("Close it with: chmod 600")


def test_two_keys(configuration: Configuration, house: Location) -> None:
    """A rotation was cut short; all else is looked at as ever."""
    add_key(configuration.key_file)
    findings = found(configuration)
    assert not_well(findings) == ["key"]
    assert "holds 2 keys" in findings["key"].message
    assert "nexio key rotate" in findings["key"].advice
    assert "NAS" in findings


def test_a_key_of_another_store(configuration: Configuration, tmp_path: Path) -> None:
    """The file is fine, and does not fit."""
    configuration.key_file.write_text(f"0000aaaa {'A' * 43}=\n")
    findings = found(configuration)
    assert not_well(findings) == ["store"]
    assert "does not hold the key of this store" in findings["store"].message


# The store


def test_without_a_store(sqlite_configuration: Configuration) -> None:
    """How to make one, or to point at it."""
    (sqlite_configuration.home / "nexio.db").unlink()
    findings = found(sqlite_configuration)
    assert not_well(findings) == ["store"]
    assert "nexio init" in findings["store"].advice


def test_a_server_that_is_away(configuration: Configuration) -> None:
    """PostgreSQL that is not there: a finding within seconds, and the disk is looked at."""
    away = "postgresql://nobody@127.0.0.1:1/nothing"
    findings = found(replace(configuration, database_url=away))
    assert not_well(findings) == ["store"]
    assert "disk" in findings


@pytest.mark.parametrize(("version", "advice"), [("0000", "nexio db upgrade"), ("9999", "newer")])
def test_a_store_of_another_version(
    version: str, advice: str, configuration: Configuration, store: Store
) -> None:
    """An older store is upgraded, a newer one needs newer software."""
    run_sql(store, "UPDATE alembic_version SET version_num = :version", version=version)
    findings = found(configuration)
    assert not_well(findings) == ["store"]
    assert advice in findings["store"].advice
    assert version in findings["store"].message


def test_a_secret_that_cannot_be_read(
    configuration: Configuration, store: Store, house: Location
) -> None:
    """Damage is a finding, and the rest is told all the same."""
    run_sql(store, "UPDATE nas SET secret_sealed = signing_key_sealed FROM store_revision")
    findings = found(configuration)
    assert not_well(findings) == ["NAS", "row"]  # it serves nobody, and why
    assert "nas.secret cannot be opened" in findings["row"].message
    assert {"key", "store", "clock", "PINs", "mail", "disk"} <= findings.keys()


# The clock


@pytest.mark.parametrize("seconds", [0, 5, 6, 3600])
def test_a_clock_that_went_back(
    seconds: int,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """R1: a registration of the future; some seconds are forgiven to an unwatched clock."""
    register(sqlite_store, sqlite_location)
    clock.advance(seconds=-seconds)
    finding = found(sqlite_configuration, clock)["clock"]
    assert finding.well == (seconds <= 5)
    if not finding.well:
        assert f"off by {seconds} seconds" in finding.message
        assert "NTP" in finding.advice


def test_a_decision_of_the_future(
    configuration: Configuration, store: Store, house: Location, now: Clock
) -> None:
    """R1: a server with a clock of its own has written it."""
    with store.write() as work:
        record_events(work, [event(at=now.now + timedelta(hours=1))])
    assert not_well(found(configuration, now)) == ["clock"]


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_differs_from_the_servers(
    minutes: int, postgresql_configuration: Configuration
) -> None:
    """R1: PostgreSQL's own clock is asked, in both directions."""
    wrong = Clock(utc_now().astimezone(UTC) + timedelta(minutes=minutes))
    assert not_well(found(postgresql_configuration, wrong)) == ["clock"]


# PINs


def test_when_pins_become_few(
    sqlite_configuration: Configuration, sqlite_store: Store, sqlite_location: Location
) -> None:
    """R7: said from a quarter on, well before the half from which none is issued."""
    set_up(sqlite_store, sqlite_location, "pin-length=5", insecure_short_pin=True)
    give_pins_away(sqlite_store, 25_000)
    assert found(sqlite_configuration)["PINs"].well
    register(sqlite_store, sqlite_location)
    finding = found(sqlite_configuration)["PINs"]
    assert not finding.well
    assert finding.message == "25001 of 100000 are in use at Harbour House"
    assert "pin-length=6" in finding.advice


def give_pins_away(store: Store, count: int) -> None:
    """To members, as many as that."""
    with store.write() as work:
        member = {"location_id": 1, "first_name": "Ada", "last_name": "L", "pin_sealed": b""}
        member |= {"email": "a@example.com", "email_key": "a@example.com", "created_at": work.now}
        numbers = range(1, count + 1)
        work.session.execute(
            insert(MemberRow),
            [member | {"id": number, "email_key": str(number)} for number in numbers],
        )
        pin = {"location_id": 1, "length": 5}
        pins = [{"member_id": number, "digest": b"%d" % number} | pin for number in numbers]
        work.session.execute(insert(PinRow), pins)


# NAS


def test_a_location_without_a_nas(
    configuration: Configuration, store: Store, house: Location
) -> None:
    """R19: tokens are on there, and nobody asks for its guests; each location has its line."""
    add_location(store, "Annex", "Europe/London", "visitor-tokens=on")
    add_location(store, "Depot")  # without Wi-Fi, so that none is missed
    lines = [each for each in look_over(configuration, utc_now) if each.subject == "NAS"]
    assert [(line.well, line.message) for line in lines] == [
        (False, "no access point asks for the guests of Annex"),
        (True, "Harbour House has 1"),
    ]
    assert "nexio nas add" in lines[0].advice


def test_a_nas_that_ends_no_session(
    configuration: Configuration, store: Store, house: Location
) -> None:
    """It is said what that means; nothing is wrong."""
    with store.write() as work:
        edit_nas(work, "lobby", NasChanges(takes_disconnects=False))
    lines = [each for each in look_over(configuration, utc_now) if each.subject == "NAS"]
    assert all(each.well for each in lines)
    assert "who is on stays until the end granted at the login" in lines[-1].message


# The disk


def test_a_full_disk(configuration: Configuration) -> None:
    """A file system without a free octet; a home that is not made yet counts by its parent."""
    findings = found(replace(configuration, home=Path("/proc/nexio")))
    assert not_well(findings) == ["disk"]
    assert findings["disk"].message == "0 MiB free at /proc/nexio"


# Guessing


def test_r6_a_day_above_the_bound(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """Old stores have short PINs, and visits may be moved: said with what helps."""
    register(sqlite_store, sqlite_location, arrival="tomorrow 9am")
    run_sql(sqlite_store, "UPDATE pin_day SET pins = 83")
    assert found(sqlite_configuration, clock)["guessing"].well
    run_sql(sqlite_store, "UPDATE pin_day SET pins = 500")
    finding = found(sqlite_configuration, clock)["guessing"]
    assert not finding.well
    assert finding.message == (
        "a chance of 1 in 167 a day at most at Harbour House (on 2026-11-21, with 500 PINs)"
    )
    assert "nexio settings set pin-length=7" in finding.advice
    assert "nexio visitor reissue" in finding.advice


def test_r6_a_day_that_is_over_is_above_nothing(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """Nobody can guess on it any more."""
    register(sqlite_store, sqlite_location)
    run_sql(sqlite_store, "UPDATE pin_day SET pins = 500, day = '2026-11-19'")
    assert found(sqlite_configuration, clock)["guessing"].well
