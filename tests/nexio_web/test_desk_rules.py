"""What a rule says at the desk is said in the language of the house, sentence by sentence."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from typing import TYPE_CHECKING

import pytest

from docs.catalogues import texts
from nexio.checkin.check_ins import tap_visit
from nexio.checkin.desks import issue_link, open_link
from nexio.checkin.taps import Direction, list_taps
from nexio.locations.locations import change_settings
from nexio.reception.members import add_member
from nexio_web.application import pages, wrapped
from nexio_web.options import Options
from nexio_web.postman import Postman
from tests.support.people import delete, register, revoke
from tests.support.web.asgi import post

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

WRONG = {
    "first_name": ("", "R2D2", "!!", "A\u202eB", "x" * 101, "A\nB"),
    "last_name": ("7", "-", "y" * 101),
    "email": ("", "ada", "ada@", "ada@example.test", "a b@example.com"),
    "expected_arrival": (
        *("yesterday 10:00", "soon", "monday", "1 aug", "20/11/2026 14:00", "9.30", "14:00:30"),
        *("25:00", "14:00 +19:00", "14:00+01:00", "31 feb 2027 10:00", "2026-11-20 10:00-11:00"),
        *("14:00 CET", "tuesday 20 Nov 2026 14:00", "20 nov 2199 10:00", "nov 10:00", "+9x"),
        *("15:00-14:00", "25 Oct 2026 01:30", "29 Mar 2026 01:30", "today 9:00-31 dec 10:00"),
    ),
    "duration": ("90", "1.5h", "soon", "40d", "0m"),
    "host": ("z" * 101,),
    "company": ("z" * 101,),
    "phone": ("z" * 101,),
    "notes": ("z" * 1001, "a\nb"),
    "max_devices": ("0", "many", "-1"),
    "group": ("z" * 101,),
}
"""By field of the form."""

RIGHT = {"first_name": "Ada", "last_name": "Lê", "email": "ada@example.com"}

ENGLISH = re.compile(r"\b(the|is|this|has|with|from|at|you|write|give|register)\b", re.IGNORECASE)
"""Words that every English sentence of ours has one of, and none in another language."""


class Reception:
    """A desk that speaks a language, and what it says."""

    def __init__(self, app: ASGIApp, cookie: str) -> None:
        self.app, self.cookie = app, cookie

    def said(self, path: str, fields: Mapping[str, object]) -> list[str]:
        """The notices and faults of the page that comes of a form."""
        answer = post(self.app, path, fields, cookie=self.cookie)
        found = re.findall(
            r'<p class="(?:fault|notice bad)".*?</p>|<p><strong>.*?</p>', answer.text, re.DOTALL
        )
        return [
            re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", each))).strip() for each in found
        ]


@pytest.fixture(params=["fr", "zh"])
def reception(
    request: pytest.FixtureRequest, sqlite_store: Store, sqlite_location: Location
) -> Reception:
    """In a language of Europe and in another one: that each has all texts holds for the catalogues.

    A text that is said in one is said in all: by its English.
    """
    with sqlite_store.write() as work:
        change_settings(work, sqlite_location, {"language": request.param, "visitor_tokens": True})
        _, secret = issue_link(work, sqlite_location)
        credential = open_link(work, secret, "127.0.0.1")
    options = Options(listen="127.0.0.1", port=8080)
    app = wrapped(pages(sqlite_store, Postman(sqlite_store, None)), options)
    return Reception(app, f"nexio-desk={credential}")


def is_english(said: str) -> bool:
    """Whether a sentence of ours stayed as it is in the code; what was typed may be anything."""
    without = re.sub(r'"[^"]*"', "", said)
    return bool(ENGLISH.search(without)) or any(part in without for part in _parts())


@cache
def _parts() -> list[str]:
    """What stands between the placeholders of our texts, where it is a sentence's part."""
    ids = [each.id if isinstance(each.id, str) else each.id[0] for each in texts() if each.id]
    parts = {part.strip() for text in ids for part in re.split(r"%\(\w+\)[sd]", text)}
    return [part for part in parts if part.count(" ") >= 3]


def test_each_fault_of_a_registration(reception: Reception) -> None:
    """Nothing that can be typed wrongly is answered in English."""
    for name, wrong in WRONG.items():
        for text in wrong:
            typed = {**RIGHT, name: text} | ({"last_name": ""} if name == "first_name" else {})
            said = reception.said("/desk/register", typed)
            assert len(said) >= 1, (name, text)
            assert [each for each in said if is_english(each)] == [], (name, text)


def test_each_refusal(
    reception: Reception, sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Too early, over, ended, deleted, not in, nothing to take back, twice, nobody."""
    store, house = sqlite_store, sqlite_location
    later = register(store, house, email="later@example.com", arrival="tomorrow 09:00")
    over = register(store, house, email="over@example.com")
    clock.advance(days=1)
    gone, ended, revoked = (
        register(store, house, email=f"{name}@example.com") for name in ("gone", "ended", "revoked")
    )
    delete(store, gone)
    revoke(store, revoked)
    with store.write() as work:
        bo = add_member(
            work,
            house,
            {"first_name": "Bo", "last_name": "P", "email": "bo@example.com"},
            send_pin=False,
        )
        stay = tap_visit(work, ended.id).stay
    clock.advance(minutes=7)
    with store.write() as work:
        tap_visit(work, ended.id, way=Direction.OUT)
    far = register(store, house, email="far@example.com", arrival="friday 09:00")
    taps = [
        *((each.id, "in") for each in (over, gone, ended, revoked, far)),
        *((each.id, "out") for each in (far, later)),
        (99_999, "in"),
    ]
    said = [
        reception.said("/desk/tap", {"kind": "visitor", "number": number, "way": way})
        for number, way in taps
    ]
    said.append(reception.said("/desk/tap", {"kind": "member", "number": bo.id, "way": "out"}))
    said.append(reception.said("/desk/tap", {"kind": "member", "number": bo.id, "way": "up"}))
    said.append(reception.said("/desk/undo", {"stay": stay, "way": "in"}))
    twice = {**RIGHT, "email": "far@example.com", "expected_arrival": "friday 09:00"}
    said.append(reception.said("/desk/register", twice))
    unused = {**RIGHT, "walk_in": "1", "duration": "2h"}
    said.append(reception.said("/desk/register", unused))
    uncounted = {**RIGHT, "walk_in": "1", "max_devices": "2"}
    said.append(reception.said("/desk/register", uncounted))
    for each in said:
        assert len(each) >= 1
        assert [text for text in each if is_english(text)] == []


def test_each_word_about_the_wifi(
    reception: Reception, sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Until when, from when, ended, none; after a check-in, a check-out and an undo."""
    store, house = sqlite_store, sqlite_location
    with store.write() as work:
        change_settings(work, house, {"end_wifi_at_checkout": True})
    visits = [register(store, house, email=f"g{number}@example.com") for number in range(3)]
    visits.append(register(store, house, email="late@example.com", arrival="today 18:00"))
    revoke(store, visits[1])
    said = []
    for number, visit in enumerate(visits):
        if number == 2:  # its Wi-Fi is over by then
            clock.advance(hours=2)
        for way in ("in", "out"):
            fields = {"kind": "visitor", "number": visit.id, "way": way}
            said += reception.said("/desk/tap", fields)
    with store.read() as work:
        stays = [row.stay for row in list_taps(work, house, open_only=False)]
    for stay in stays:
        said += reception.said("/desk/undo", {"stay": stay, "way": "out"})
    assert len(said) >= 10
    assert [each for each in said if is_english(each)] == []
