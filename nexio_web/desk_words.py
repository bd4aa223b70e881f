"""The texts that the pages of reception show; a refusal is shown in the words of its rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nexio.checkin.desk_wifi import wifi_words, wifi_words_after_undo
from nexio.checkin.greetings import greet
from nexio.checkin.taps import Direction
from nexio.errors import Rule
from nexio.input.names import search_key
from nexio.input.zones import local_date
from nexio.languages import Marked, mark
from nexio.reception.tokens import TokenState

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.checkin.days import Person
    from nexio.checkin.taps import Tap
    from nexio.errors import NexioError
    from nexio.languages import Language
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading

LINK_IS_OVER: Final = mark("This link is wrong, used, or too old. Make a new one.")
LOGGED_OUT: Final = mark("This browser is logged out. It has kept nothing.")
AWAY: Final = mark(
    "The store cannot be reached at the moment. Nothing was changed. Please try again."
)
FAULT: Final = mark("Something went wrong here. See whether it was done before you try again.")
GONE: Final = mark("There is no such entry here any more.")

OVERRIDABLE: Final = frozenset({Rule.NOT_YET, Rule.OVER, Rule.ENDED})
"""The rules that the desk may override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The result of an action."""

    title: str
    lines: tuple[str, ...] = ()
    is_well: bool = True
    undo: Tap | None = None
    """The tap that can be taken back."""

    override: int | None = None
    """The visit that can be checked in despite the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A person on the page."""

    person: Person
    key: str
    """Identifies the person on the page."""

    time: str
    search: str
    """The text that the search looks through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A completed registration."""

    title: str
    lines: tuple[str, ...]
    pin: str = field(repr=False)


def card(language: Language, person: Person, location: Location, now: datetime) -> Card:
    """A person as the page shows them."""
    texts = (person.name, person.host, person.company)
    return Card(
        person=person,
        key=f"{person.kind}-{person.id}",
        time=_when(language, person.at, location, now),
        search=search_key(" ".join(text for text in texts if text)),
    )


def tapped(language: Language, work: Reading, tap: Tap) -> Notice:
    """The notice after a check-in or check-out."""
    wifi = wifi_words(work, tap)
    notified = not tap.repeated and greet(work, tap).host_is_notified
    mail = (language.say("The host is told by mail."),) if notified else ()
    return Notice(
        title=language.say(_TAPPED[tap.direction, tap.repeated], name=tap.name),
        lines=(*mail, *_translated(language, *wifi)),
        undo=None if tap.cut_off else tap,
    )


def taken_back(language: Language, work: Reading, tap: Tap) -> Notice:
    """The notice after a check-in or a check-out was taken back."""
    wifi = wifi_words_after_undo(work, tap)
    return Notice(
        title=language.say(_TAKEN_BACK[tap.direction], name=tap.name),
        lines=_translated(language, *wifi),
    )


def refused(
    language: Language, error: NexioError, name: str = "", override: int | None = None
) -> Notice:
    """The notice that a rule refused the action."""
    message = language.translate(error.message)
    return Notice(
        title=language.say("%(name)s: %(what)s.", name=name, what=message)
        if name
        else _sentence(language, message),
        lines=_translated(language, error.advice),
        is_well=False,
        override=override,
    )


def fault(language: Language, error: NexioError) -> str:
    """What is wrong with a field, and what to do about it."""
    problem = _sentence(language, language.translate(error.message))
    return " ".join((problem, *_translated(language, error.advice)))


def do_you_mean(language: Language, arrival: datetime, location: Location) -> str:
    """The question about an arrival without a year that is far away (R20)."""
    return language.say(
        "You gave no year. Do you mean %(day)s?", day=language.full_day(arrival, location.zone)
    )


def registered(language: Language, visit: Visit) -> Registered:
    """The notice after a registration."""
    zone, at = visit.location.zone, visit.expected_arrival
    lines = [
        language.say(
            "Expected on %(day)s at %(time)s.",
            day=language.full_day(at, zone),
            time=language.time(at, zone),
        ),
        language.say("A mail goes to %(email)s.", email=visit.email)
        if visit.email
        else language.say("No mail is sent. The login is: %(login)s", login=visit.login),
    ]
    return Registered(
        title=language.say(
            "Registered %(name)s at %(location)s.", name=visit.name, location=visit.location.name
        ),
        lines=(*lines, _wifi(language, visit)),
        pin=visit.pin,
    )


def _sentence(language: Language, message: str) -> str:
    """An error as a sentence."""
    text = message[:1].upper() + message[1:].rstrip(".")
    return language.say("%(what)s.", what=text)


def _translated(language: Language, *texts: str) -> tuple[str, ...]:
    """Translate the marked texts; texts that are not marked are about the command line."""
    return tuple(language.translate(text) for text in texts if isinstance(text, Marked))


_TAPPED: Final = {
    (Direction.IN, False): mark("%(name)s is checked in."),
    (Direction.IN, True): mark("%(name)s is checked in already."),
    (Direction.OUT, False): mark("%(name)s is checked out."),
    (Direction.OUT, True): mark("%(name)s is checked out already."),
}

_TAKEN_BACK: Final = {
    Direction.IN: mark("Taken back: the check-in of %(name)s."),
    Direction.OUT: mark("Taken back: the check-out of %(name)s."),
}


def _when(language: Language, at: datetime, location: Location, now: datetime) -> str:
    """A time of day, with the day if it is not today."""
    when = {"time": language.time(at, location.zone), "day": language.day(at, location.zone)}
    if local_date(at, location.zone) == local_date(now, location.zone):
        return when["time"]
    return language.say("%(time)s on %(day)s", **when)


def _wifi(language: Language, visit: Visit) -> str:
    token = visit.token
    if token is None:
        if visit.source == "walk-in":
            return language.say("Walk-ins get no Wi-Fi here.")
        return language.say("Visitors get no Wi-Fi here.")
    if token.valid_from is None or token.valid_until is None:
        return language.say("The Wi-Fi starts with the check-in.")
    if token.state is TokenState.REVOKED:
        return language.say("No Wi-Fi: it was revoked.")
    zone, first, last = visit.location.zone, token.valid_from, token.valid_until
    times = {"day": language.full_day(first, zone), "start": language.time(first, zone)}
    times["end"] = language.time(last, zone)
    if local_date(first, zone) == local_date(last, zone):
        return language.say("Wi-Fi: %(day)s, %(start)s to %(end)s.", **times)
    last_day = language.full_day(last, zone)
    return language.say("Wi-Fi: %(day)s, %(start)s to %(last)s, %(end)s.", **times, last=last_day)
