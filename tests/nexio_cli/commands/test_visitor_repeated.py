"""``nexio visitor register`` once more: ``--again``, ``--idempotency-key``, ``--check-in-now``."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nexio.store.engine import Store
from nexio.store.signing import sign
from tests.support.cli.running import Nexio, registration
from tests.support.clocks import Clock
from tests.support.stores import run_sql


def test_the_same_key_and_words_are_the_same_visit(desk: Nexio) -> None:
    """One visit and one PIN, whatever the order of the options."""
    words = ["--idempotency-key", "order-7", "--notes", "ramp", "--json"]
    first = desk.done(*registration(*words)).json
    before = desk.rows()
    assert desk.done(*registration(*words[2:], *words[:2])).json == first
    assert desk.rows() == before


@pytest.mark.parametrize(
    "typed",
    [
        ["--arrival", "tomorrow 09:00"],
        ["--arrival", " Tomorrow at 9 "],
        ["--arrival", "tomorrow 9am", "--email", "ZOE@Example.COM"],
        ["--arrival", "tomorrow 9am", "--first-name", " Zoë "],
        ["--arrival", "tomorrow 9:00-10:30"],
        ["--arrival", "tomorrow 9am", "--until", "10:30"],
    ],
)
def test_what_was_meant_is_compared(typed: list[str], sqlite_desk: Nexio) -> None:
    """A script that writes the same in another way gets the visit, and not another one."""
    key = ["--idempotency-key", "order-7", "--json"]
    length = ["--duration", "90m"] if "10:30" in typed[-1] else []
    first = sqlite_desk.done(*registration("--arrival", "tomorrow 9am", *length, *key)).json
    assert sqlite_desk.done(*registration(*typed, *key)).json == first


@pytest.mark.parametrize("arrival", [None, "now", "in 5 minutes"])
def test_a_repetition_means_what_it_meant_first(arrival: str | None, sqlite_desk: Nexio) -> None:
    """Sent again an hour later, "now" is not another time; nor is a time that has passed."""
    words = [*(["--arrival", arrival] if arrival else []), "--idempotency-key", "k", "--json"]
    first = sqlite_desk.done(*registration(*words)).json
    later = replace(sqlite_desk, clock=Clock(datetime.now(UTC) + timedelta(minutes=20)))
    again = later.done(*registration(*words)).json
    assert (again["id"], again["expected_arrival"]) == (first["id"], first["expected_arrival"])
    at = datetime.fromisoformat(first["expected_arrival"])
    typed = ["--arrival", f"{at:%H:%M}", *words[-3:]]
    assert later.done(*registration(*typed)).json["id"] == first["id"]
    reissued = later.done("visitor", "reissue", "1", "--yes", "--json").json
    new = reissued[0]["reissued"]["id"]
    assert later.done(*registration(*words)).json["id"] == new


def test_the_words_of_an_older_version(sqlite_desk: Nexio) -> None:
    """It kept the words as they were typed: the same ones are still the same visit."""
    words = [*registration("--idempotency-key", "order-7"), "--json"]
    first = sqlite_desk.done(*words).json
    said = {"email": "zoe@example.com", "first_name": "Zoë", "last_name": "Nguyễn Văn"}
    with closing(Store.open(sqlite_desk.configuration)) as store:
        with store.read() as work:
            digest = sign(work, json.dumps(said, sort_keys=True, ensure_ascii=False))
        run_sql(store, "UPDATE visit SET idempotency_digest = :digest", digest=digest)
    assert sqlite_desk.done(*words).json == first
    assert sqlite_desk(*words[:-1], "--notes", "other").exit_code == 4


@pytest.mark.parametrize(
    "other",
    [
        ["--notes", "lift"],
        ["--walk-in"],
        ["--pin", "123456"],
        ["--arrival", "tomorrow 9am"],
        ["--email", "ada@example.com"],
        ["--check-in-now"],
    ],
)
def test_the_same_key_with_other_words_is_refused(sqlite_desk: Nexio, other: list[str]) -> None:
    """Exit 4; nothing was registered."""
    sqlite_desk.register("--idempotency-key", "order-7")
    before = sqlite_desk.rows()
    ran = sqlite_desk(*registration("--idempotency-key", "order-7", *other))
    said = ran.refused(4)
    assert 'The idempotency key "order-7" was used for visit 1' in said
    assert "123456" not in said
    assert sqlite_desk.rows() == before


def test_a_key_is_no_empty_word(sqlite_desk: Nexio) -> None:
    """A script whose variable is empty does not get the visit of another one."""
    said = sqlite_desk(*registration("--idempotency-key", "")).refused(2)
    assert "The idempotency key is empty" in said


def test_the_same_e_mail_and_arrival(desk: Nexio) -> None:
    """Refused with the visit's number, unless it is said to be another one."""
    arrival = ["--arrival", "tomorrow 9am"]
    desk.done(*registration(*arrival))
    said = desk(*registration(*arrival)).refused(4)
    assert "Visit 1 is for zoe@example.com at that time already" in said
    assert "--again" in said
    assert desk.done(*registration(*arrival, "--again", "--json")).json["id"] == 2


def test_registered_and_checked_in(desk: Nexio) -> None:
    """In one transaction; repeated by its key, the visitor does not go out again."""
    words = ["--check-in-now", "--idempotency-key", "order-7"]
    visit = desk.done(*registration(*words, "--json")).json
    assert visit["state"] == "checked_in"
    taps = desk.done("checkin", "list", "--json").json
    assert [(tap["direction"], tap["method"]) for tap in taps] == [("in", "desk")]
    assert desk.done(*registration(*words, "--json")).json == visit
    assert desk.rows()["check_in"] == 1


def test_r16_registered_and_checked_in_with_wifi(sqlite_desk: Nexio) -> None:
    """Where the check-in opens the window, it is open, and the answer says so."""
    sqlite_desk.done("settings", "set", "token-starts=check-in")
    assert sqlite_desk.register()["token"]["valid_from"] is None
    assert sqlite_desk.register("--check-in-now")["token"]["state"] == "valid"


def test_who_comes_tomorrow_is_not_checked_in_now(sqlite_desk: Nexio) -> None:
    """And not registered either: all of a command or nothing."""
    said = sqlite_desk(*registration("--check-in-now", "--arrival", "tomorrow 9am")).refused(4)
    assert "is for" in said
    counts = sqlite_desk.rows()
    assert (counts["visit"], counts["pin"], counts["outbox"]) == (0, 0, 0)
