"""What the tablet says: to whoever stands before it, about themselves, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from nexio.checkin.taps import Direction
from nexio.errors import InvalidValue, Rule
from nexio.input.zones import clock_time, local_date
from nexio.reception.tokens import TokenState

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nexio.checkin.greetings import Greeting
    from nexio.checkin.taps import Tap
    from nexio.errors import Refused
    from nexio.locations.locations import Location

ASK: Final = "Please ask at reception."


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the tablet shows."""

    kind: str
    """``in``, ``out``, ``refused``, ``leaving`` (asks whether), ``email`` (asks for it)."""

    title: str
    lines: tuple[str, ...] = ()
    undo: str | None = None
    """What takes it back."""

    def as_json(self) -> dict[str, Any]:
        """As the page reads it."""
        return asdict(self)


def welcome(greeting: Greeting, now: datetime, undo: str | None) -> Screen:
    """Somebody went in or out."""
    came = greeting.tap.direction is Direction.IN
    told = ["Your host has been told."] if greeting.host_is_told else []
    return Screen(
        kind=greeting.tap.direction.value,
        title=f"{'Welcome' if came else 'Goodbye'}, {greeting.first_name}.",
        lines=(*told, *_wifi(greeting, now)),
        undo=undo,
    )


def taken_back(tap: Tap) -> Screen:
    """An undo was done."""
    still = "You are not checked in." if tap.direction is Direction.IN else "You are checked in."
    return Screen(kind="undone", title="Taken back.", lines=(still,))


def nothing_to_take_back() -> Screen:
    """An undo came too late."""
    return _refused("This cannot be taken back any more.")


def cannot_read(error: InvalidValue, *, is_pin: bool) -> Screen:
    """What was typed or scanned is neither a PIN nor a code."""
    del error  # its words are for the desk
    if is_pin:
        return _refused("This is not a PIN.", "A PIN has 5 to 10 digits. Please type it again.")
    return _refused(
        "The scanner and this tablet do not fit.", "Please type the PIN, and tell reception."
    )


def refused(error: Refused, now: datetime, zone: ZoneInfo) -> Screen:
    """A rule says no."""
    if error.rule is Rule.LEAVING and error.at is not None:
        since = f"You checked in {_ago(now - error.at)}."
        return Screen(kind="leaving", title="Leaving already?", lines=(since,))
    if error.rule is Rule.NOT_YET and error.at is not None:
        return _refused(
            f"Your visit is {_day_and_time(error.at, now, zone)}.",
            "Please come back then, or ask at reception.",
        )
    if error.rule is Rule.OVER and error.at is not None:
        return _refused("Your visit is over.", f"It ended {_ended(error.at, now, zone)}. {ASK}")
    found = None if error.rule is None else _REFUSED.get(error.rule)
    return _refused(*(found or ("This did not work.", ASK)))


def unknown_pin(*, with_email: bool) -> Screen:
    """The PIN is nobody's, or not of that e-mail."""
    if with_email:
        return _refused("This PIN and this e-mail do not go together.", f"Please look again. {ASK}")
    return _refused(
        "This PIN is not known here.",
        "Please look at it again: it is in your newest mail. Or ask at reception.",
    )


def no_such_visit() -> Screen:
    """The code is genuine, and its visit was forgotten since."""
    return _refused("Your visit is over.", ASK)


def ask_for_email() -> Screen:
    """The PIN alone is not enough at the moment."""
    return Screen(
        kind="email",
        title="Your e-mail address, please",
        lines=(
            "Wrong PINs were typed here, so your PIN needs your e-mail address beside it for now.",
        ),
    )


def wait(seconds: float) -> Screen:
    """Wrong PINs came one after the other."""
    return _refused(
        "Please wait a moment.",
        f"Wrong PINs were typed here. Try again in {max(1, round(seconds))} s.",
    )


def closed() -> Screen:
    """Nothing is left, not even for those who type their e-mail."""
    return _refused(
        "No more PINs can be taken here for now.",
        f"The QR code in your mail still works. {ASK}",
    )


def phone_status(tap: Tap | None, location: Location) -> str:
    """Whether a member is in, for the phone's page."""
    is_in = tap is not None and tap.direction is Direction.IN
    return f"You are checked {'in' if is_in else 'out'} at {location.name}."


def link_was_used() -> Screen:
    """Another browser has the pass, or the link is too old."""
    return _refused(
        "This link has been used, or is too old.",
        "It works once. If it was not you who used it, please tell reception.",
    )


def no_pass_here() -> Screen:
    """This browser has no such pass, or it was taken away."""
    return _refused(
        "There is no valid pass on this phone.",
        "Open the link in your newest mail, or ask reception for another one.",
    )


_REFUSED: Final = {
    Rule.NO_CODE: (
        "This is not a visitor's code.",
        "Please scan the QR code in your mail, or type the PIN.",
    ),
    Rule.REPLACED: (
        "You were sent a newer mail.",
        "Please use the QR code or the PIN in that one.",
    ),
    Rule.DELETED: ("This visit was cancelled.", ASK),
    Rule.ELSEWHERE: (
        "Your visit is at another location.",
        "Its address is in your mail. Or ask at reception.",
    ),
    Rule.PASS_ELSEWHERE: ("Your pass is for another location.", ASK),
    Rule.STALE: (
        "This code is too old.",
        "Your phone shows a new one every 30 seconds. Please hold that here, and no picture of it.",
    ),
    Rule.USED: ("This code was used already.", "Your phone shows another one in a moment."),
    Rule.GONE: (
        "This pass is not valid any more.",
        f"If you were sent a newer mail, open its link on your phone. {ASK}",
    ),
    Rule.ENDED: ("Your visit has ended for today.", f"To come in again: {ASK.lower()}"),
}


def _refused(title: str, *lines: str) -> Screen:
    return Screen(kind="refused", title=title, lines=lines)


def _wifi(greeting: Greeting, now: datetime) -> list[str]:
    token, zone = greeting.wifi, greeting.tap.location.zone
    if token is None or token.valid_from is None or token.valid_until is None:
        return []
    if token.state is TokenState.VALID:
        return [f"Your Wi-Fi works until {clock_time(token.valid_until, zone, now)}."]
    if token.state is TokenState.UPCOMING and greeting.tap.direction is Direction.IN:
        return [f"Your Wi-Fi starts at {clock_time(token.valid_from, zone, now)}."]
    return []


def _day_and_time(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Such as "tomorrow at 09:00" or "on Monday 23 November at 09:00"."""
    if local_date(at, zone) == local_date(now, zone) + timedelta(days=1):
        return f"tomorrow at {at.astimezone(zone):%H:%M}"
    time, _, day = clock_time(at, zone, now).partition(" on ")
    return f"on {day} at {time}" if day else f"today at {time}"


def _ended(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Such as "at 17:00 on Thursday 19 November"; the end of a day is not 00:00 on the next."""
    local = at.astimezone(zone)
    if f"{local:%H:%M}" == "00:00":
        day = clock_time(at - timedelta(minutes=1), zone, now).partition(" on ")[2]
        return f"on {day}" if day else "today"
    return f"at {clock_time(at, zone, now)}"


def _ago(since: timedelta) -> str:
    minutes = int(since.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    return f"{minutes} minute{'' if minutes == 1 else 's'} ago"
