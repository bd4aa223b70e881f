"""The texts that the tablet shows to the person in front of it, about themselves only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from unicodedata import bidirectional

from nexio.checkin.taps import Direction
from nexio.errors import InvalidValue, Rule
from nexio.input.zones import local_date
from nexio.languages import mark
from nexio.reception.tokens import TokenState

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nexio.checkin.greetings import Greeting
    from nexio.checkin.taps import Tap
    from nexio.errors import Refused
    from nexio.languages import Language
    from nexio.locations.locations import Location

ASK: Final = mark("Please ask at reception.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the tablet shows."""

    kind: str
    """``in``, ``out``, ``refused``, ``leaving`` (asks whether), ``email`` (asks for it)."""

    title: str
    lines: tuple[str, ...] = ()
    undo: str | None = None
    """The ticket that takes it back."""

    def as_json(self) -> dict[str, Any]:
        """The JSON object for the page."""
        return asdict(self)


def welcome(language: Language, greeting: Greeting, now: datetime, undo: str | None) -> Screen:
    """The screen after a check-in or check-out."""
    came, name = greeting.tap.direction is Direction.IN, isolated(greeting.first_name)
    notified = [language.say("Your host has been told.")] if greeting.host_is_notified else []
    return Screen(
        kind=greeting.tap.direction.value,
        title=language.say("Welcome, %(name)s.", name=name)
        if came
        else language.say("Goodbye, %(name)s.", name=name),
        lines=(*notified, *_wifi(language, greeting, now)),
        undo=undo,
    )


def isolated(name: str) -> str:
    """Isolate a name that is written from right to left, so that it does not reorder other text.

    Unicode Bidirectional Algorithm (UAX #9) section 2.4: FIRST STRONG ISOLATE to its POP.
    """
    if any(bidirectional(letter) in {"R", "AL"} for letter in name):
        return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    return name


def taken_back(language: Language, tap: Tap) -> Screen:
    """The screen after an undo."""
    still = (
        language.say("You are not checked in.")
        if tap.direction is Direction.IN
        else language.say("You are checked in.")
    )
    return Screen(kind="undone", title=language.say("Taken back."), lines=(still,))


def nothing_to_take_back(language: Language) -> Screen:
    """The screen if an undo came too late."""
    return _refused(language.say("This cannot be taken back any more."))


def noted_already(language: Language) -> Screen:
    """The screen for a tap that was delivered before its own request arrived."""
    return Screen(kind="noted", title=language.say("This was noted already."))


def cannot_read(language: Language, error: InvalidValue, *, is_pin: bool) -> Screen:
    """The screen for input that is neither a PIN nor a code."""
    del error  # its message is for the desk
    if is_pin:
        return _refused(
            language.say("This is not a PIN."),
            language.say("A PIN has 5 to 10 digits. Please type it again."),
        )
    return _refused(
        language.say("The scanner and this tablet do not fit."),
        language.say("Please type the PIN, and tell reception."),
    )


def refused(language: Language, error: Refused, now: datetime, zone: ZoneInfo) -> Screen:
    """The screen if a rule refused the tap."""
    if error.rule is Rule.LEAVING and error.at is not None:
        return Screen(
            kind="leaving",
            title=language.say("Leaving already?"),
            lines=(_checked_in(language, now - error.at),),
        )
    if error.rule is Rule.NOT_YET and error.at is not None:
        return _refused(
            _visit_is(language, error.at, now, zone),
            language.say("Please come back then, or ask at reception."),
        )
    if error.rule is Rule.OVER and error.at is not None:
        ended = _ended(language, error.at, now, zone)
        return _refused(language.say("Your visit is over."), ended, language.say(ASK))
    found = None if error.rule is None else _REFUSED.get(error.rule)
    return _refused(*map(language.say, found or (mark("This did not work."), ASK)))


def unknown_pin(language: Language, *, with_email: bool) -> Screen:
    """The screen if the PIN is nobody's, or does not belong to that e-mail."""
    if with_email:
        return _refused(
            language.say("This PIN and this e-mail do not go together."),
            language.say("Please look again."),
            language.say(ASK),
        )
    return _refused(
        language.say("This PIN is not known here."),
        language.say("Please look at it again: it is in your newest mail. Or ask at reception."),
    )


def no_such_visit(language: Language) -> Screen:
    """The screen for a genuine code whose visit has been deleted from the store since."""
    return _refused(language.say("Your visit is over."), language.say(ASK))


def ask_for_email(language: Language) -> Screen:
    """The screen that asks for the e-mail, as the PIN alone is not enough at the moment."""
    why = language.say(
        "Wrong PINs were typed here, so your PIN needs your e-mail address beside it for now."
    )
    return Screen(kind="email", title=language.say("Your e-mail address, please"), lines=(why,))


def wait(language: Language, seconds: float) -> Screen:
    """The screen after several wrong PINs in a row."""
    return _refused(
        language.say("Please wait a moment."),
        language.say(
            "Wrong PINs were typed here. Try again in %(seconds)s s.",
            seconds=max(1, round(seconds)),
        ),
    )


def closed(language: Language) -> Screen:
    """The screen if no PIN is accepted any more, not even with the e-mail."""
    return _refused(
        language.say("No more PINs can be taken here for now."),
        language.say("The QR code in your mail still works."),
        language.say(ASK),
    )


def phone_status(language: Language, tap: Tap | None, location: Location) -> str:
    """A sentence for the phone's page: whether the member is checked in."""
    if tap is not None and tap.direction is Direction.IN:
        return language.say("You are checked in at %(location)s.", location=location.name)
    return language.say("You are checked out at %(location)s.", location=location.name)


def link_was_used(language: Language) -> Screen:
    """The screen if another browser has the pass, or the link is too old."""
    return _refused(
        language.say("This link has been used, or is too old."),
        language.say("It works once. If it was not you who used it, please tell reception."),
    )


def no_pass_here(language: Language) -> Screen:
    """The screen if this browser has no such pass, or the pass was revoked."""
    return _refused(
        language.say("There is no valid pass on this phone."),
        language.say("Open the link in your newest mail, or ask reception for another one."),
    )


_REFUSED: Final = {
    Rule.WIFI_CODE: (
        mark("This is the code for the Wi-Fi."),
        mark("Please show the other code in your mail, the one for this tablet."),
    ),
    Rule.NO_CODE: (
        mark("This is not a visitor's code."),
        mark("Please scan the QR code in your mail, or type the PIN."),
    ),
    Rule.REPLACED: (
        mark("You were sent a newer mail."),
        mark("Please use the QR code or the PIN in that one."),
    ),
    Rule.DELETED: (mark("This visit was cancelled."), ASK),
    Rule.ELSEWHERE: (
        mark("Your visit is at another location."),
        mark("Its address is in your mail. Or ask at reception."),
    ),
    Rule.ENDED: (
        mark("Your visit has ended for today."),
        mark("To come in again: please ask at reception."),
    ),
    Rule.PASS_ELSEWHERE: (mark("Your pass is for another location."), ASK),
    Rule.STALE: (
        mark("This code is too old."),
        mark(
            "Your phone shows a new one every 30 seconds."
            " Please hold that here, and no picture of it."
        ),
    ),
    Rule.USED: (
        mark("This code was used already."),
        mark("Your phone shows another one in a moment."),
    ),
    Rule.GONE: (
        mark("This pass is not valid any more."),
        mark("If you were sent a newer mail, open its link on your phone."),
        ASK,
    ),
}


def _refused(title: str, *lines: str) -> Screen:
    return Screen(kind="refused", title=title, lines=lines)


def _wifi(language: Language, greeting: Greeting, now: datetime) -> list[str]:
    token, zone = greeting.wifi, greeting.tap.location.zone
    if token is None or token.valid_from is None or token.valid_until is None:
        return []
    if token.state is TokenState.VALID:
        at = token.valid_until
        when = {"time": language.time(at, zone), "day": language.day(at, zone)}
        if _days_until(at, now, zone) == 0:
            return [language.say("Your Wi-Fi works until %(time)s.", **when)]
        return [language.say("Your Wi-Fi works until %(time)s on %(day)s.", **when)]
    if token.state is TokenState.UPCOMING and greeting.tap.direction is Direction.IN:
        at = token.valid_from
        when = {"time": language.time(at, zone), "day": language.day(at, zone)}
        if _days_until(at, now, zone) == 0:
            return [language.say("Your Wi-Fi starts at %(time)s.", **when)]
        return [language.say("Your Wi-Fi starts at %(time)s on %(day)s.", **when)]
    return []


def _visit_is(language: Language, at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """When somebody who came too early is expected."""
    when = {"time": language.time(at, zone), "day": language.day(at, zone)}
    match _days_until(at, now, zone):
        case 0:
            return language.say("Your visit is today at %(time)s.", **when)
        case 1:
            return language.say("Your visit is tomorrow at %(time)s.", **when)
        case _:
            return language.say("Your visit is on %(day)s at %(time)s.", **when)


def _ended(language: Language, at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """When a visit ended; the end of a day is not shown as 00:00 of the next one."""
    if f"{at.astimezone(zone):%H:%M}" == "00:00":
        at -= timedelta(minutes=1)
        if _days_until(at, now, zone) == 0:
            return language.say("It ended today.")
        return language.say("It ended on %(day)s.", day=language.day(at, zone))
    when = {"time": language.time(at, zone), "day": language.day(at, zone)}
    if _days_until(at, now, zone) == 0:
        return language.say("It ended at %(time)s.", **when)
    return language.say("It ended at %(time)s on %(day)s.", **when)


def _days_until(at: datetime, now: datetime, zone: ZoneInfo) -> int:
    return (local_date(at, zone) - local_date(now, zone)).days


def _checked_in(language: Language, since: timedelta) -> str:
    minutes = int(since.total_seconds() // 60)
    if minutes < 1:
        return language.say("You checked in just now.")
    return language.plural(
        "You checked in %(number)d minute ago.", "You checked in %(number)d minutes ago.", minutes
    )
