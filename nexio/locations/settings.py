"""The settings of a location: their names, allowed values and defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from nexio.errors import InvalidValue, Refused
from nexio.input.addresses import parse_email
from nexio.input.durations import format_duration, parse_duration
from nexio.input.names import parse_text
from nexio.languages import LANGUAGES

SHORTEST_PIN = 5
LONGEST_PIN = 10
NIST_FLOOR = 6
"""NIST SP 800-63B asks for at least six digits."""

PINS_PER_GUEST = 10**6
"""R9: if the PIN alone logs in, there must be this many PINs for each guest."""

MOST_DEVICES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a location treats its visitors; one field for each ``settings set KEY=VALUE``."""

    visitor_tokens: bool = False
    """``on``: every pre-registered visitor gets an access token, as by ``nexio token on`` (R3)."""

    token_duration: timedelta = timedelta(hours=1)
    """The default duration of visitor access tokens, copied into each token (R2):
    1 minute to 30 days."""

    early_minutes: int = 0
    """How many minutes before the expected arrival the Wi-Fi starts already; its end stays."""

    token_starts: str = "expected-arrival"
    """What starts the Wi-Fi: the expected arrival, or the first check-in (R16)."""

    max_devices: int | None = None
    """How many devices one token lets on, copied into each token; ``none``: any number (R18)."""

    pin_length: int = NIST_FLOOR
    """The fewest digits of a new PIN (R6).  It has more on a day with many visits.  5 need
    ``--insecure-short-pin``."""

    wifi_login: str = "email"
    """``email``: the guest types e-mail and PIN.  ``pin``: the PIN alone (R9)."""

    planned_guests: int | None = None
    """With ``wifi-login=pin``: how many tokens may be valid at the same time (R9).  One more is
    refused at the registration."""

    walk_in_tokens: bool = False
    """``on``: visitors who are registered at the door get tokens, too (R21)."""

    remember_devices: bool = False
    """``on``: a device that logged in at an access point here may log in again by its MAC address
    alone, for the rest of its window (R22)."""

    end_wifi_at_checkout: bool = False
    """``on``: a check-out by a person revokes the token (R17)."""

    roaming: bool = False
    """``on``: the access points here admit the guests of every location (R19)."""

    cut_off: time = time(0, 0)
    """The local time at which all who are still in are checked out."""

    retention_days: int | None = None
    """How many days past visits and the log are kept; ``none``: for ever."""

    session_retention_days: int | None = None
    """How many days sessions on the Wi-Fi are kept; ``none``: as by ``retention-days``."""

    mail_retention_days: int | None = None
    """How many days it is kept that a mail was sent, or failed; ``none``: as long as the visit
    or the member."""

    check_in_retention_days: int | None = None
    """How many days check-ins are kept; ``none``: as long as the visit or the member."""

    member_retention_days: int | None = None
    """How many days a member is kept who was removed; ``none``: for ever."""

    audit_retention_days: int | None = None
    """How many days it is kept who did what. That of a visit goes with it, the rest is kept as
    long as by the location with most days; ``none``: for ever."""

    ssid: str | None = None
    """The name of the guest network, shown with each visitor who has Wi-Fi: at most 32
    octets, or ``none``."""

    language: str = "en"
    """The language of desks, of tablets until a guest chooses another, and of mails to visitors
    who were registered without one: ``en``, ``de``, ``fr``, ``es``, ``vi`` or ``zh``."""

    device_limit_outage: str = "allow"
    """With ``max-devices``, while the store is away: ``allow`` lets new devices on, ``refuse`` does
    not (R18)."""

    address: str | None = None
    """Where the location is, in mails and calendars: at most 200 characters, or ``none``."""

    directions: str | None = None
    """How to get there, in mails: at most 1000 characters, or ``none``."""

    logo: str | None = None
    """A PNG, JPEG or GIF on top of each mail: the path of a file of at most 200 kB, which has to
    be there on every machine that sends mail; or ``none``."""

    reply_to: str | None = None
    """The e-mail address that gets the answers to mails; ``none``: the sender."""

    check_in_code: bool = True
    """``on``: mails have the QR code for the tablet at the door."""

    wifi_code: bool = True
    """``on``: mails have a second QR code, with which a phone joins the network ``ssid``.  It is
    for a network without a passphrase of its own; else turn it off."""


def key_of(field: str) -> str:
    """The name on the command line of a field of :class:`Settings`."""
    return field.replace("_", "-")


KEYS = {key_of(field.name): field.name for field in fields(Settings)}


def parse_changes(words: Iterable[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` words into field values.

    Raises:
        InvalidValue: an unknown key, a key twice, or a value that cannot be read.
    """
    changes: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        key = key.strip().lower()
        if not equals:
            raise InvalidValue(f"{word!r} is not KEY=VALUE", "Write for example: pin-length=6")
        if key not in KEYS:
            from difflib import get_close_matches  # noqa: PLC0415 (slow to load and rarely needed)

            near = get_close_matches(key, KEYS, 1)
            known = f"The settings are: {', '.join(KEYS)}."
            advice = f"Did you mean {near[0]}?" if near else known
            raise InvalidValue(f"there is no setting {key!r}", advice)
        field = KEYS[key]
        if field in changes:
            raise InvalidValue(f"{key} is set twice", "Give each setting once.")
        changes[field] = _PARSERS[field](key, text.strip())
    return changes


def changed(
    old: Settings,
    changes: dict[str, Any],
    *,
    insecure_pin_login: bool,
    insecure_short_pin: bool = False,
) -> Settings:
    """The settings after all changes, or none of them.

    Raises:
        Refused: rule R6, R9 or R19 refuses it.
    """
    new = replace(old, **changes)
    if new.pin_length < NIST_FLOOR and new.pin_length != old.pin_length and not insecure_short_pin:
        raise Refused(
            f"PINs of {new.pin_length} digits are below the floor of NIST SP 800-63B"
            f" ({NIST_FLOOR} digits)",
            "Use longer PINs, or insist with --insecure-short-pin.",
        )
    _check_pin_login(old, new, insecure_pin_login=insecure_pin_login)
    return new


def warnings_for(settings: Settings) -> list[str]:
    """What an operator should know about settings that are allowed but weak."""
    weak = []
    if settings.pin_length < NIST_FLOOR:
        weak.append(
            f"PINs of {settings.pin_length} digits are below the floor of NIST SP 800-63B"
            f" ({NIST_FLOOR})."
        )
    if settings.wifi_login == "pin" and settings.planned_guests and _pins_short(settings):
        weak.append(
            f"With PINs of {settings.pin_length} digits and {settings.planned_guests} guests,"
            " the PIN alone can be guessed."
        )
    return weak


def as_words(settings: Settings) -> dict[str, bool | int | str | None]:
    """The settings by their names on the command line; each value can be set again as it is."""
    return {key: _printable(getattr(settings, field)) for key, field in KEYS.items()}


def _printable(value: Any) -> bool | int | str | None:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    printable: bool | int | str | None = value
    return printable


def _pins_short(settings: Settings) -> bool:
    pins: int = 10**settings.pin_length
    return pins < PINS_PER_GUEST * (settings.planned_guests or 1)


def _check_pin_login(old: Settings, new: Settings, *, insecure_pin_login: bool) -> None:
    """R9 and R19: what must hold if the PIN alone admits a guest."""
    if new.wifi_login != "pin":
        return
    if new.roaming:
        raise Refused(
            "wifi-login=pin and roaming=on do not go together",
            "A PIN is unique at one location only: use wifi-login=email, or turn roaming off.",
        )
    if new.planned_guests is None:
        raise Refused(
            "wifi-login=pin needs planned-guests",
            "Say how many guests are to be on the Wi-Fi at one time: planned-guests=…",
        )
    same = all(
        getattr(old, field) == getattr(new, field)
        for field in ("wifi_login", "planned_guests", "pin_length")
    )
    if _pins_short(new) and not same and not insecure_pin_login:
        most = 10**new.pin_length // PINS_PER_GUEST
        raise Refused(
            f"PINs of {new.pin_length} digits are too few for {new.planned_guests} guests"
            f" who log in with the PIN alone: they are enough for {most}",
            "Use longer PINs or fewer guests, or insist with --insecure-pin-login.",
        )


def _switch(key: str, text: str) -> bool:
    word = text.lower()
    if word in {"on", "yes", "true"}:
        return True
    if word in {"off", "no", "false"}:
        return False
    raise InvalidValue(f"{key}={text} cannot be read", f"Write {key}=on or {key}=off.")


def _number(lowest: int, highest: int, *, optional: bool) -> Callable[[str, str], int | None]:
    def parse(key: str, text: str) -> int | None:
        if optional and text.lower() in {"", "none"}:
            return None
        if text.isascii() and text.isdigit() and len(text) < LONGEST_PIN + 1:
            value = int(text)
            if lowest <= value <= highest:
                return value
        either = ", or none" if optional else ""
        raise InvalidValue(
            f"{key}={text} is not allowed", f"{key} is a number from {lowest} to {highest}{either}."
        )

    return parse


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def parse(key: str, text: str) -> str:
        if text.lower() in choices:
            return text.lower()
        raise InvalidValue(
            f"{key}={text} is not allowed", f"{key} is {', '.join(choices[:-1])} or {choices[-1]}."
        )

    return parse


def _duration(key: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except InvalidValue as error:
        raise InvalidValue(f"{key}={text} cannot be read: {error}", error.advice) from error


def _time_of_day(key: str, text: str) -> time:
    try:
        hour, minute = text.split(":")
        return time(int(hour), int(minute))
    except ValueError:
        raise InvalidValue(
            f"{key}={text} cannot be read", f"Write a time of day: {key}=22:00"
        ) from None


SSID_OCTETS = 32
"""IEEE 802.11: an SSID has at most 32 octets."""


def _ssid(key: str, text: str) -> str | None:
    if text.lower() in {"", "none"}:
        return None
    if not text.isprintable() or len(text.encode()) > SSID_OCTETS:
        raise InvalidValue(
            f"this {key} is not allowed", f"An SSID is printable and at most {SSID_OCTETS} octets."
        )
    return text


def _or_none(read: Callable[[str], str], may_be: str) -> Callable[[str, str], str | None]:
    def parse(key: str, text: str) -> str | None:
        if text.lower() in {"", "none"}:
            return None
        try:
            return read(text)
        except InvalidValue as error:
            raise InvalidValue(f"{key}: {error}", f"{key} is {may_be}, or none.") from error

    return parse


def _line(longest: int) -> Callable[[str, str], str | None]:
    return _or_none(
        lambda text: parse_text(text, "text", longest), f"a line of at most {longest} characters"
    )


def _picture_path(text: str) -> str:
    from nexio.input.pictures import read_picture  # noqa: PLC0415 (rarely needed)

    path = Path(text).absolute()
    read_picture(path)
    return str(path)


_days = _number(1, 36_500, optional=True)

_PARSERS: dict[str, Callable[[str, str], Any]] = {
    "visitor_tokens": _switch,
    "token_duration": _duration,
    "early_minutes": _number(0, 1440, optional=False),
    "token_starts": _one_of("expected-arrival", "check-in"),
    "max_devices": _number(1, MOST_DEVICES, optional=True),
    "pin_length": _number(SHORTEST_PIN, LONGEST_PIN, optional=False),
    "wifi_login": _one_of("email", "pin"),
    "planned_guests": _number(1, 1_000_000, optional=True),
    "walk_in_tokens": _switch,
    "remember_devices": _switch,
    "end_wifi_at_checkout": _switch,
    "roaming": _switch,
    "cut_off": _time_of_day,
    "retention_days": _days,
    "session_retention_days": _days,
    "mail_retention_days": _days,
    "check_in_retention_days": _days,
    "member_retention_days": _days,
    "audit_retention_days": _days,
    "ssid": _ssid,
    "language": _one_of(*LANGUAGES),
    "device_limit_outage": _one_of("allow", "refuse"),
    "address": _line(200),
    "directions": _line(1000),
    "logo": _or_none(_picture_path, "a file: PNG, JPEG or GIF, at most 200 kB"),
    "reply_to": _or_none(parse_email, "an e-mail address"),
    "check_in_code": _switch,
    "wifi_code": _switch,
}
