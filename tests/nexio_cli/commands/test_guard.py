"""``nexio guard``: where somebody guesses, and three tries for a guest's device."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.tablets import list_tablets, pair_at_once
from nexio.clock import utc_now
from nexio.locations.locations import get_location
from nexio.network.event_log import record_events
from nexio.store.engine import Store
from radius_auth.guard import Guard
from radius_auth.guard.desk import guard_of
from radius_auth.guard.journal import Journal
from radius_auth.guard.tablets import Place, count_wrong
from tests.support.cli.programs import COLUMNS, Terminal, program
from tests.support.radius.decisions import event
from tests.support.radius.guesses import attack, by_pin, guess, is_open, mac, slowly, tries

if TYPE_CHECKING:
    from nexio.network.events import AuthEvent
    from nexio.reception.visits import Visit
    from tests.support.cli.running import Nexio

KEYS = ["visit", "email", "location", "until", "devices"]
DEVICE_KEYS = ["device", "nas", "at", "guesses", "was_in", "until", "refused"]
PHONE = "02:00:00:00:00:01"


def served(desk: Nexio, guard: Guard) -> None:
    """Let a server with that guard tell the others."""
    with closing(Journal(desk.configuration.database_url)) as journal:
        journal.exchange(guard.news_after(0))


def attacked(desk: Nexio, visit: int) -> None:
    """Somebody types six wrong PINs on one phone, a minute ago."""
    guard = Guard()
    slowly(guard, guess(PHONE, visit), utc_now() - timedelta(minutes=2), most=6)
    served(desk, guard)


def test_nobody_has_to_wait(sqlite_desk: Nexio) -> None:
    """An empty list before any server has run, and where somebody mistyped."""
    assert sqlite_desk.done("guard", "list", "--json").json == []
    assert "Nobody has to wait." in sqlite_desk.done("guard", "list").err
    guard = Guard()
    slowly(guard, guess(PHONE, sqlite_desk.register()["id"]), utc_now(), most=3)
    served(sqlite_desk, guard)
    assert sqlite_desk.done("guard", "list", "--json").json == []


def test_visits_are_shown_with_the_devices_that_tried(sqlite_desk: Nexio) -> None:
    """Until when others wait, and each device with time, NAS, count and its own wait."""
    visit = sqlite_desk.register()
    attacked(sqlite_desk, visit["id"])

    (shown,) = sqlite_desk.done("guard", "list", "--json").json

    assert list(shown) == KEYS
    assert (shown["visit"], shown["email"]) == (visit["id"], "zoe@example.com")
    assert shown["location"] == "Harbour House"
    assert 5.9 < (datetime.fromisoformat(shown["until"]) - utc_now()) / timedelta(hours=1) < 6
    (device,) = shown["devices"]
    assert list(device) == DEVICE_KEYS
    assert (device["device"], device["nas"], device["guesses"]) == (PHONE, "ap-1", 6)
    assert device["was_in"] is False
    assert datetime.fromisoformat(device["at"]) < utc_now()
    assert 23.9 < (datetime.fromisoformat(device["until"]) - utc_now()) / timedelta(hours=1) < 24
    line = sqlite_desk.done("guard", "list").out.splitlines()[1]
    assert line.startswith(f"{visit['id']}\tzoe@example.com\tHarbour House\t")
    assert f"\t{PHONE}\tap-1\t" in line


def test_several_devices_and_none(sqlite_desk: Nexio, zoe: Visit) -> None:
    """One line for each; a NAS that names no device has an empty one, and null in JSON."""
    visit = zoe.id
    guard = Guard()
    attack(guard, utc_now(), visit, count=3)
    tries(guard, guess("", visit), utc_now(), most=9)
    served(sqlite_desk, guard)

    (shown,) = sqlite_desk.done("guard", "list", "--json").json
    assert [each["guesses"] for each in shown["devices"]] == [1, 1, 1, 3]
    assert shown["devices"][-1]["device"] is None
    lines = sqlite_desk.done("guard", "list").out.splitlines()[1:]
    assert [line.split("\t")[0] for line in lines] == [str(visit), "", "", ""]


def logged(desk: Nexio, *events: AuthEvent) -> None:
    """Let a server write what it decided."""
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        record_events(work, events)


def refused(number: int, device: str | None, **changes: object) -> AuthEvent:
    """A login at Zoë's visit that was not looked at, some seconds ago."""
    made: dict[str, object] = {
        "at": utc_now() - timedelta(seconds=100 - number),
        "user_name": "ZOE@example.com",
        "device": device,
        "nas": "lobby",
        "outcome": "reject",
        "reason": "too many guesses",
        "visit_id": None,
    }
    return event(number, **(made | changes))


def test_the_guest_who_was_refused_is_shown(sqlite_desk: Nexio, zoe: Visit) -> None:
    """The device that has to be released, with the right PIN, behind those of the attacker."""
    visit = zoe.id
    guard = Guard()
    attack(guard, utc_now(), visit, count=12)
    served(sqlite_desk, guard)
    logged(
        sqlite_desk,
        refused(1, mac(1006)),
        refused(2, PHONE),
        refused(3, PHONE, nas="garden"),
        refused(4, None),
        refused(5, mac(1000)),
        refused(6, mac(9), reason="wrong PIN"),
        refused(7, mac(9), user_name="bob@example.com"),
        refused(8, mac(9), at=utc_now() - timedelta(days=2)),
    )

    (shown,) = sqlite_desk.done("guard", "list", "--json").json

    found = {each["device"]: (each["guesses"], each["refused"]) for each in shown["devices"]}
    strangers = {mac(1000 + n): (1, 0) for n in range(1, 6)}
    others = {mac(1000): (1, 1), mac(1006): (0, 1), PHONE: (0, 2), None: (0, 1)}
    assert found == strangers | others
    (phone,) = [each for each in shown["devices"] if each["device"] == PHONE]
    assert phone["nas"] == "garden"
    assert phone["until"] == shown["until"]
    assert [each["at"] for each in shown["devices"]] == sorted(
        each["at"] for each in shown["devices"]
    )


def test_of_many_that_were_refused_the_latest_are_shown(sqlite_desk: Nexio, zoe: Visit) -> None:
    """The guest has tried just now; a flood of addresses fills no screen."""
    visit = zoe.id
    guard = Guard()
    attack(guard, utc_now(), visit)
    served(sqlite_desk, guard)
    logged(sqlite_desk, *(refused(n, mac(n)) for n in range(40)))

    (shown,) = sqlite_desk.done("guard", "list", "--json").json
    assert len(shown["devices"]) == 6 + 20
    assert mac(39) in {each["device"] for each in shown["devices"]}


def test_on_a_terminal_addresses_can_be_copied(sqlite_desk: Nexio, zoe: Visit) -> None:
    """In 80 columns: each device whole on its line, below its visit; times as elsewhere."""
    visit = zoe.id
    attacked(sqlite_desk, visit)

    with Terminal((program("nexio"), "guard", "list")) as terminal:
        assert terminal.end() == 0

    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in terminal.shown.splitlines()]
    day = r"[A-Z][a-z]{2} \d+ [A-Z][a-z]{2} \d{4} \d\d:\d\d [+-]\d\d:\d\d"
    assert re.fullmatch(
        rf"Visit {visit}, zoe@example.com, Harbour House: new devices wait until {day}", lines[0]
    )
    assert any(PHONE in line for line in lines)
    assert all(len(line) <= COLUMNS for line in lines[1:])
    piped = sqlite_desk.done("guard", "list").out.splitlines()
    assert re.search(rf"\t{day}\t{PHONE}\tap-1\t{day}\t6\t0\t{day}$", piped[1])


def test_another_location_shows_others(sqlite_desk: Nexio) -> None:
    """--location; one where the PIN alone logs in is shown without a visit."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    attacked(sqlite_desk, sqlite_desk.register("--location", "Harbour House")["id"])
    guard = Guard()
    for n in range(600):
        tries(guard, by_pin(f"{n}"), utc_now())
    served(sqlite_desk, guard)

    def shown(name: str) -> list[bool]:
        found = sqlite_desk.done("guard", "list", "--json", "--location", name).json
        return [each["visit"] is None for each in found]

    assert (shown("Harbour House"), shown("Annex")) == ([False, True], [])
    sqlite_desk("guard", "list", "--location", "Nowhere").refused(3)


@pytest.mark.parametrize("verb", ["release", "clear"])
def test_a_device_gets_three_tries(sqlite_desk: Nexio, verb: str) -> None:
    """In whatever notation; servers read it in the store, and the audit has it."""
    visit = sqlite_desk.register()
    attacked(sqlite_desk, visit["id"])

    said = sqlite_desk.done(
        "guard", verb, "zoe@example.com", "--device", "02-00-00-00-00-01", "--yes"
    )

    assert said.out == f"{PHONE} has three tries at visit {visit['id']} (Zoë Nguyễn Văn).\n"
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        guard = guard_of(journal.exchange(), utc_now())
    assert tries(guard, guess(PHONE, visit["id"]), utc_now(), most=9) == 3
    assert not is_open(guard, guess("02:00:00:00:00:02", visit["id"]), utc_now())


def test_four_devices_are_released_in_a_day(sqlite_desk: Nexio, zoe: Visit) -> None:
    """That is the most at a visit; then it needs a new PIN."""
    visit = str(zoe.id)
    for n in range(4):
        sqlite_desk.done("guard", "release", visit, "--device", f"02:00:00:00:01:0{n}", "--yes")

    said = sqlite_desk("guard", "release", visit, "--device", PHONE, "--yes").refused(4)

    assert "4 devices were released at visit 1 in the last 24 hours, which is the most" in said
    assert "nexio visitor reissue 1" in said
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        assert len(journal.exchange()) == 4
    other = str(sqlite_desk.register(email="bob@example.com")["id"])
    sqlite_desk.done("guard", "release", other, "--device", PHONE, "--yes")


def test_release_needs_a_visit_and_a_device(sqlite_desk: Nexio, zoe: Visit) -> None:
    """No device: the way for access points that name none; no MAC address, no such visit."""
    visit = str(zoe.id)
    assert "nexio visitor reissue" in sqlite_desk("guard", "release", visit).refused(2)
    assert "MAC" in sqlite_desk("guard", "release", visit, "--device", "phone", "--yes").refused(2)
    sqlite_desk("guard", "release", "99", "--device", PHONE, "--yes").refused(3)


def test_tablets_at_which_pins_were_tried(sqlite_desk: Nexio) -> None:
    """They are listed beside the visits, by name; one of them is let look at some more."""
    with closing(Store.open(sqlite_desk.configuration)) as store, store.write() as work:
        house = get_location(work, None)
        pair_at_once(work, house)
        (tablet,) = list_tablets(work)
        place = Place(tablet_id=tablet.id, location_id=house.id)
        for _ in range(7):
            count_wrong(work, place, 66e-6)

    (shown,) = sqlite_desk.done("guard", "list", "--json").json
    assert list(shown) == [*KEYS, "tablets"]
    assert [shown["location"], shown["visit"], shown["tablets"]] == ["Harbour House", None, True]
    (tried,) = shown["devices"]
    assert list(tried) == DEVICE_KEYS
    assert [tried["nas"], tried["guesses"], tried["until"]] == [
        "Harbour House 1",
        7,
        shown["until"],
    ]
    assert "\tHarbour House 1\t" in sqlite_desk.done("guard", "list").out

    assert "--yes" in sqlite_desk("guard", "release", "--tablet", "harbour house 1").refused(4)
    released = sqlite_desk.done("guard", "release", "--tablet", "harbour house 1", "--yes")
    assert released.out == "Harbour House 1 looks at 2 more wrong PINs within an hour.\n"
    (shown,) = sqlite_desk.done("guard", "list", "--json").json
    assert shown["devices"][0]["until"] is None


def test_a_tablet_at_which_nobody_guesses(sqlite_desk: Nexio) -> None:
    """There is nothing to release; nor is there one that nobody has paired."""
    with closing(Store.open(sqlite_desk.configuration)) as store, store.write() as work:
        pair_at_once(work, get_location(work, None))
    release = ("guard", "release", "--yes")
    refused = sqlite_desk(*release, "--tablet", "Harbour House 1").refused(4)
    assert "the PIN alone is enough" in refused
    assert "There is no tablet" in sqlite_desk(*release, "--tablet", "Side door").refused(3)


def test_a_visit_or_a_tablet(sqlite_desk: Nexio) -> None:
    """One of them, and not both."""
    release = ("guard", "release", "--yes")
    assert "Which visit?" in sqlite_desk(*release).refused(2)
    both = sqlite_desk(*release, "1", "--tablet", "Front door").refused(2)
    assert "--tablet stands alone" in both
