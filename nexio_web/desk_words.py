"""What the desk says to whoever works there; where a rule speaks, in the command line's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nexio.checkin.desk_wifi import wifi_words, wifi_words_after_undo
from nexio.checkin.greetings import greet
from nexio.checkin.taps import Direction
from nexio.errors import Rule
from nexio.input.names import search_key
from nexio.input.zones import clock_time, show, show_window
from nexio.languages import mark
from nexio.reception.tokens import TokenState

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.checkin.days import Person
    from nexio.checkin.taps import Tap
    from nexio.errors import NexioError
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading

LINK_IS_OVER: Final = "This link is not good, or not any more. Print a new one."
LOGGED_OUT: Final = "This browser is logged out. It has kept nothing."
AWAY: Final = mark(
    "The store cannot be reached at the moment. Nothing was changed. Please try again."
)
FAULT: Final = mark("Something went wrong here. See whether it was done before you try again.")
GONE: Final = "This visit is not here any more."

OVERRIDABLE: Final = frozenset({Rule.NOT_YET, Rule.OVER, Rule.ENDED})
"""What the desk may decide otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What came of something that was done."""

    title: str
    lines: tuple[str, ...] = ()
    is_well: bool = True
    undo: Tap | None = None
    """What can be taken back."""

    override: int | None = None
    """The visit that can be let in all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A person on the page."""

    person: Person
    key: str
    """What the page knows them by."""

    time: str
    search: str
    """What is looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registration that was made."""

    title: str
    lines: tuple[str, ...]
    pin: str = field(repr=False)


def card(person: Person, location: Location, now: datetime) -> Card:
    """A person, as the page shows them."""
    texts = (person.name, person.host, person.company)
    return Card(
        person=person,
        key=f"{person.kind}-{person.id}",
        time=clock_time(person.at, location.zone, now),
        search=search_key(" ".join(text for text in texts if text)),
    )


def tapped(work: Reading, tap: Tap) -> Notice:
    """Somebody was checked in or out."""
    way = "in" if tap.direction is Direction.IN else "out"
    already = " already" if tap.repeated else ""
    wifi = wifi_words(work, tap)
    told = not tap.repeated and greet(work, tap).host_is_told
    return Notice(
        title=f"{tap.name} is checked {way}{already}.",
        lines=(
            *(["The host is told by mail."] if told else []),
            *([without_commands(wifi)] if wifi else []),
        ),
        undo=None if tap.cut_off else tap,
    )


def taken_back(work: Reading, tap: Tap) -> Notice:
    """A check-in or a check-out was taken back."""
    wifi = wifi_words_after_undo(work, tap)
    return Notice(
        title=f"Taken back: the check-{tap.direction} of {tap.name}.",
        lines=(without_commands(wifi),) if wifi else (),
    )


def refused(error: NexioError, name: str = "", override: int | None = None) -> Notice:
    """A rule says no."""
    return Notice(
        title=f"{name}: {error}." if name else sentence(str(error)),
        lines=(without_commands(error.advice),),
        is_well=False,
        override=override,
    )


def fault(error: NexioError) -> str:
    """What is wrong with a field, and what to do."""
    return " ".join(filter(None, (sentence(str(error)), without_commands(error.advice))))


def do_you_mean(arrival: datetime, location: Location) -> str:
    """An arrival without a year, far away (R20)."""
    return f"You gave no year. Do you mean {show(arrival, location.zone)}?"


def registered(visit: Visit) -> Registered:
    """Somebody was registered."""
    zone = visit.location.zone
    lines = [f"Expected {show(visit.expected_arrival, zone)}.", f"A mail goes to {visit.email}."]
    return Registered(
        title=f"Registered {visit.name} at {visit.location.name}.",
        lines=(*lines, _wifi(visit)),
        pin=visit.pin,
    )


def sentence(text: str) -> str:
    """An error as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def without_commands(text: str) -> str:
    """The sentences of an advice that are not about the command line."""
    parts = re.split(r"(?<=[.?]) ", text)
    return " ".join(part for part in parts if not re.search(r"\bnexio |--[a-z]", part))


def _wifi(visit: Visit) -> str:
    token = visit.token
    if token is None:
        who = "Walk-ins" if visit.source == "walk-in" else "Visitors"
        return f"{who} get no Wi-Fi here."
    if token.valid_from is None or token.valid_until is None:
        return "The Wi-Fi starts with the check-in."
    if token.state is TokenState.REVOKED:
        return "No Wi-Fi: it was revoked."
    return f"Wi-Fi: {show_window(token.valid_from, token.valid_until, visit.location.zone)}."
