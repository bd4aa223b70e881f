"""``nexio log``: what the RADIUS servers decided."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nexio.network.event_log import record_batches, record_events
from nexio.network.events import AuthEvent, EventBatch, decided
from nexio.network.server_identity import FREERADIUS, RADIUSD, Identity
from nexio.store.engine import Store
from radius_auth.decision.reasons import Reason
from tests.support.cli.forking import start
from tests.support.cli.programs import program
from tests.support.cli.running import Nexio
from tests.support.log_entries import batches_of

KEYS = ["id", "at", "user_name", "device", "nas", "location", "outcome", "reason"]
KEYS += ["latency_us", "server"]
NINE = datetime(2026, 7, 1, 9, tzinfo=UTC)


def event(number: int = 1, **changes: object) -> AuthEvent:
    """An accept at Harbour House, 09:00 UTC and ``number`` seconds."""
    fields: dict[str, object] = {
        "record_id": f"{number:032x}",
        "at": NINE + timedelta(seconds=number),
        "user_name": "zoe@example.com",
        "device": "02-00-00-00-00-01",
        "nas": "lobby",
        "location_id": 1,
        "visit_id": 1,
        "outcome": "accept",
        "reason": "valid",
        "latency_us": 120,
    }
    return AuthEvent(**(fields | changes))  # type: ignore[arg-type]  # a table of changes


def record(desk: Nexio, *events: AuthEvent) -> None:
    """What a server does with its decisions."""
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        record_events(work, events)


@pytest.fixture
def london(nexio: Nexio) -> Nexio:
    """Harbour House in London and an annex in Tokyo."""
    nexio.done("location", "add", "Harbour House", "--timezone", "Europe/London")
    nexio.done("location", "add", "Annex", "--timezone", "Asia/Tokyo")
    return nexio


def test_a_line_for_a_person(london: Nexio) -> None:
    """When on the location's clock, what, who, where and why in words."""
    record(london, event(), event(2, outcome="reject", reason="wrong PIN", device=None))
    first, second = london.done("log").out.splitlines()
    assert first == (
        "2026-07-01T10:00:01+01:00  accept  zoe@example.com on 02-00-00-00-00-01"
        " at lobby, Harbour House: the PIN is right and its time is now"
    )
    assert second == (
        "2026-07-01T10:00:02+01:00  reject  zoe@example.com"
        " at lobby, Harbour House: the PIN is wrong"
    )


def test_the_json_of_a_decision(london: Nexio) -> None:
    """Exactly the keys of docs/json.md in their order; the reason as the list of reasons has it."""
    record(london, event())
    (shape,) = london.done("log", "--json").json
    assert list(shape) == KEYS
    assert shape == {
        "id": 1,
        "at": "2026-07-01T10:00:01+01:00",
        "user_name": "zoe@example.com",
        "device": "02-00-00-00-00-01",
        "nas": "lobby",
        "location": "Harbour House",
        "outcome": "accept",
        "reason": "valid",
        "latency_us": 120,
        "server": None,
    }


def test_who_decided(london: Nexio) -> None:
    """In words only where there are several; JSON says it always."""
    first = Identity(RADIUSD, "harbour-1", "1812")
    with closing(Store.open(london.configuration)) as store, store.write() as work:
        record_batches(work, [by(first, 1)])
    assert london.done("log").out.endswith("its time is now\n")
    with closing(Store.open(london.configuration)) as store, store.write() as work:
        record_batches(work, [by(Identity(FREERADIUS, "harbour-2", "/var/lib/nexio"), 2)])
    assert [line.rpartition("now ")[2] for line in london.done("log").out.splitlines()] == [
        "(harbour-1:1812)",
        "(harbour-2 FreeRADIUS)",
    ]
    names = [each["server"] for each in london.done("log", "--json").json]
    assert names == ["harbour-1:1812", "harbour-2 FreeRADIUS"]


def by(server: Identity, number: int) -> EventBatch:
    """A decision of a server."""
    (batch,) = batches_of(f"w{number}", 1, [decided(event(number))])
    return replace(batch, server=tuple(server))


def test_every_reason_in_words(london: Nexio) -> None:
    """No line repeats the bare reason, and no two read the same."""
    record(london, *(event(number, reason=reason) for number, reason in enumerate(Reason)))
    words = [line.rpartition(": ")[2] for line in london.done("log").out.splitlines()]
    assert len(set(words)) == len(Reason)
    assert not set(words) & set(Reason)


def test_a_reason_of_another_version(london: Nexio) -> None:
    """What this version does not know is shown as it stands."""
    record(london, event(reason="too many umbrellas"))
    assert london.done("log").out.endswith("Harbour House: too many umbrellas\n")


def test_a_nas_of_no_location(london: Nexio) -> None:
    """In UTC, without a place and without a name where there was none."""
    record(london, event(location_id=None, user_name="", reason="no location", outcome="reject"))
    assert "09:00:01+00:00  reject  (no name)" in london.done("log").out
    assert london.done("log", "--json").json[0]["location"] is None


def test_the_last_ones(london: Nexio) -> None:
    """Fifty, or as many as asked for; the newest, oldest first."""
    record(london, *(event(number) for number in range(60)))
    assert len(london.done("log", "--json").json) == 50
    last = london.done("log", "--last", "2", "--json").json
    assert [shape["at"][17:19] for shape in last] == ["58", "59"]
    assert london.done("log", "--last", "0", "--json").json == []


def test_one_location_s(london: Nexio) -> None:
    """All without --location, each on its own clock; with it only its own, and those of none."""
    record(london, event(1), event(2, location_id=2), event(3, location_id=None))
    shown = london.done("log", "--json").json
    assert [shape["at"][-6:] for shape in shown] == ["+01:00", "+09:00", "+00:00"]
    annex = london.done("log", "--json", "--location", "annex").json
    assert [shape["location"] for shape in annex] == ["Annex", None]
    london("log", "--location", "Nowhere").refused(3)


def test_nothing_yet(london: Nexio) -> None:
    """An empty array for a script; a word for a person."""
    assert london.done("log", "--json").json == []
    assert (
        london.done("log").err == "No decisions yet: one appears about a second after the answer.\n"
    )


@pytest.mark.parametrize(
    ("last", "form", "where"),
    [
        ("0", [], []),
        ("0", ["--json"], ["--location", "Annex"]),
        ("2", [], ["--location", "Annex"]),
        ("2", ["--json"], []),
    ],
)
def test_following_shows_each_decision_once(
    sqlite_nexio: Nexio, last: str, form: list[str], where: list[str]
) -> None:
    """The last ones that were asked for, none with 0, and then only what is new."""
    for name in ("Harbour House", "Annex"):
        sqlite_nexio.done("location", "add", name, "--timezone", "Etc/UTC")
    record(sqlite_nexio, *(event(number) for number in range(1200)))
    record(sqlite_nexio, *(event(number, location_id=2) for number in range(1200, 1205)))
    words = [program("nexio"), "log", "--follow", "--last", last, *form, *where]
    with start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        if last == "0":
            assert following.stderr.readline() == "Waiting for decisions.\n"
        shown = [following.stdout.readline() for _ in range(int(last))]
        record(sqlite_nexio, *(event(number, location_id=2) for number in range(1205, 1207)))
        shown += [following.stdout.readline() for _ in range(2)]
        following.send_signal(signal.SIGINT)
        rest = following.communicate(timeout=60)
    at = [NINE + timedelta(seconds=number) for number in range(1205 - int(last), 1207)]
    assert all(
        moment.strftime("%H:%M:%S") in line for moment, line in zip(at, shown, strict=True)
    ), shown
    assert (rest, following.returncode) == (("", ""), 130)


PARTS = [
    ([], [1, 2, 3, 4]),
    (["--limit", "2"], [3, 4]),
    (["--after", "1", "--limit", "2"], [2, 3]),
    (["--after", "4"], []),
    (["--since", "2026-07-01 10:01+01:00"], [4]),
    (["--since", "2026-07-02"], [4]),
    (["--until", "2026-07-01"], [1, 2, 3]),
    (["--email", "ZOE@example.com"], [1, 2, 4]),
    (["--email", "ada@example.com"], [3]),
    (["--device", "02000000000A"], [3]),
    (["--outcome", "reject"], [2, 3]),
    (["--reason", "Wrong PIN"], [2]),
    (["--email", "zoe@example.com", "--outcome", "accept", "--since", "2 Jul 2026"], [4]),
]


def test_a_part_of_the_log(desk: Nexio) -> None:
    """By number, time, visitor, device, outcome and reason; the other name of a visit counts."""
    desk.sql("UPDATE location SET time_zone = 'Europe/London'")
    visit = desk.register()["id"]
    record(
        desk,
        event(1, visit_id=visit, user_name="******"),
        event(2, visit_id=None, user_name="Zoe@Example.com", outcome="reject", reason="wrong PIN"),
        event(
            3,
            visit_id=None,
            user_name="ada@example.com",
            outcome="reject",
            reason="unknown user",
            device="02:00:00:00:00:0a",
        ),
        event(86_400, visit_id=visit),
    )
    for options, ids in PARTS:
        assert [each["id"] for each in desk.done("log", "--json", *options).json] == ids


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--reason", "bad mood"], "wrong PIN"),
        (["--device", "my phone"], "not a MAC"),
        (["--since", "once"], "once"),
        (["--after", "x"], "--after"),
    ],
)
def test_a_part_that_cannot_be(options: list[str], words: str, sqlite_desk: Nexio) -> None:
    """Exit 2, and what can be given."""
    assert words in sqlite_desk("log", *options).refused(2)
