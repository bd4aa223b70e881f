"""Parse and check the typed input of a registration (R2, R20, R21)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nexio.errors import InvalidValue, Refused
from nexio.input.addresses import email_key, parse_email
from nexio.input.arrivals import Expected, parse_expected, parse_until
from nexio.input.durations import parse_duration
from nexio.input.names import parse_full_name, parse_text, quoted, search_key
from nexio.languages import LANGUAGES, mark
from nexio.locations.locations import Location, zone_for_entry
from nexio.locations.settings import MOST_DEVICES
from nexio.reception.members import Member
from nexio.reception.pins import parse_pin

_LONGEST = {"host": 100, "company": 100, "phone": 100, "notes": 1000}
"""The optional fields, and their longest lengths."""

_LABELS: dict[str, str] = {
    each: each for each in (mark("host"), mark("company"), mark("phone"), mark("notes"))
}
"""Their names, marked for translation."""

_LONGEST_KEY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The checked data of a registration."""

    first_name: str
    last_name: str
    email: str
    """Empty if the visitor has none, or gives none."""

    expected_arrival: datetime
    host: str | None = None
    company: str | None = None
    phone: str | None = None
    notes: str | None = None
    group_name: str | None = None
    group_key: str | None = None
    language: str | None = None
    """Of the mails to the visitor; None is the location's."""

    source: str = "admin"
    member_id: int | None = None
    """The member who registered the visitor, if ``source`` is ``customer`` (R21)."""

    pin: str | None = field(default=None, repr=False)
    duration: timedelta | None = None
    """Of the Wi-Fi, if it or its end was given (R2)."""

    has_end: bool = False
    """Whether the end was given, not the duration."""

    max_devices: int | None = None
    """The number of devices, if given (R18); 0 is no limit."""

    insecure_short_pin: bool = False
    """Accept ``pin`` although it is easy to guess."""

    @property
    def ends_at(self) -> datetime | None:
        """The end of the visit, if it was given; a duration of the Wi-Fi does not set it."""
        return self.expected_arrival + self.duration if self.has_end and self.duration else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Exceptions that a registration may use."""

    insecure_short_pin: bool = False
    """A PIN may be easy to guess."""

    no_email: bool = False
    """The e-mail may be missing."""


def parse_optional(name: str, text: str) -> str | None:
    """The value of an optional field of a visitor; None if it is empty.

    Raises:
        InvalidValue: too long, or with control characters.
    """
    return parse_text(text, _LABELS[name], _LONGEST[name]) or None


def parse_group(text: str) -> tuple[str | None, str | None]:
    """The name of a group, and its search key; None if it is empty.

    Raises:
        InvalidValue: too long, or with control characters.
    """
    name = parse_text(text, mark("group"), _LONGEST_KEY) or None
    return name, None if name is None else search_key(name)


def parse_devices(text: str) -> int:
    """How many devices a visitor may have (R18); 0 is no limit.

    Raises:
        InvalidValue: it is no such number.
    """
    word = text.strip().lower()
    if word == "none":
        return 0
    if word.isascii() and word.isdigit() and len(word) <= len(str(MOST_DEVICES)):
        number = int(word)
        if number <= MOST_DEVICES:
            return number
    raise InvalidValue(
        mark("%(text)s is no number of devices", text=quoted(text)),
        mark("Give 1 to %(most)d, or none: no limit.", most=MOST_DEVICES),
    )


def parse_language(text: str) -> str | None:
    """The language of the mails to a visitor; None if it is empty.

    Raises:
        InvalidValue: we do not have that language.
    """
    code = text.strip().lower()
    if code and code not in LANGUAGES:
        raise InvalidValue(
            f"{quoted(text)} is no language of ours", f"Give one of: {', '.join(LANGUAGES)}"
        )
    return code or None


def parse_key(text: str) -> str:
    """An idempotency key as a script gives it.

    Raises:
        InvalidValue: empty, too long, or with control characters.
    """
    key = parse_text(text, "idempotency key", _LONGEST_KEY)
    if not key:
        raise InvalidValue("the idempotency key is empty", "Give each registration one of its own.")
    return key


def read_registration(
    texts: Mapping[str, str | None],
    now: datetime,
    location: Location,
    host: Member | None = None,
    allowed: Allowed = Allowed(),
) -> Registration:
    """Read and check the data of a registration.

    Args:
        texts: by the field names of :class:`Registration`; ``expected_arrival`` in people's words
            (R20), "now" if it is missing; ``duration``, or ``until`` in people's words;
            ``max_devices`` as a number or "none".
        now: the reference for "today" and "+2h".
        location: its time zone applies to "14:00".
        host: the member who registers the visitor, or None for the desk.
        allowed: the exceptions that are allowed.

    Raises:
        InvalidValue: for the first value that cannot be read or is not allowed.
        Refused: the member belongs to another location.
    """
    if host is not None and host.location.id != location.id:
        raise Refused(
            f"{host.name} is a member at {host.location.name}, not at {location.name}",
            "Register the visitor there: --location",
        )
    devices = texts.get("max_devices")
    pin, arrival, zone = texts.get("pin"), texts.get("expected_arrival"), zone_for_entry(location)
    expected = parse_expected("now" if arrival is None else arrival, now, zone)
    duration = _named_duration(texts, expected, now, zone)
    first_name, last_name = parse_full_name(
        texts.get("first_name") or "", texts.get("last_name") or ""
    )
    email = texts.get("email") or ""
    if email.strip() or not allowed.no_email:
        email = parse_email(email)
    group_name, group_key = parse_group(texts.get("group") or "")
    known = {name: parse_optional(name, texts.get(name) or "") for name in _LONGEST}
    if host is not None:
        known["host"] = host.name
    return Registration(
        first_name=first_name,
        last_name=last_name,
        email=email.strip(),
        group_name=group_name,
        group_key=group_key,
        language=parse_language(texts.get("language") or ""),
        expected_arrival=expected.arrival,
        **known,
        source="customer" if host is not None else texts.get("source") or "admin",
        member_id=None if host is None else host.id,
        pin=None if pin is None else parse_pin(pin),
        duration=duration,
        has_end=duration is not None and texts.get("duration") is None,
        max_devices=None if devices is None else parse_devices(devices),
        insecure_short_pin=allowed.insecure_short_pin,
    )


def meaning_of(registration: Registration, **more: object) -> str:
    """The meaning of a registration, however it was typed: equal for all with the same effect.

    Args:
        registration: the checked data.
        more: other requests that belong to it.
    """
    known = {name: getattr(registration, name) for name in _MEANT}
    known["email"] = email_key(registration.email)
    if registration.member_id is not None:  # the member is the host, whatever their name
        known["host"] = None
    return json.dumps(known | more, default=str, sort_keys=True, ensure_ascii=False)


_MEANT = (
    *("first_name", "last_name", "expected_arrival", "host", "company", "phone", "notes"),
    *("group_key", "language", "source", "member_id", "pin", "duration", "max_devices"),
)


def find_faults(
    texts: Mapping[str, str | None],
    now: datetime,
    location: Location,
    allowed: Allowed = Allowed(),
) -> dict[str, InvalidValue]:
    """The errors of :func:`read_registration` for all fields, not only for the first.

    Each field is read together with valid stand-ins for the others, so the same rules apply.
    """
    faults = {}
    nameless = not any((texts.get(name) or "").strip() for name in ("first_name", "last_name"))
    for name in texts:
        alone = {**_STAND_INS, name: texts[name]}
        if name == "first_name" and nameless:
            alone["last_name"] = ""
        try:
            read_registration(alone, now, location, None, allowed)
        except InvalidValue as error:
            faults[name] = error
    return faults


_STAND_INS = {"first_name": "X", "last_name": "X", "email": "x@example.com"}


def _named_duration(
    texts: Mapping[str, str | None], expected: Expected, now: datetime, zone: ZoneInfo
) -> timedelta | None:
    """R2: how long the Wi-Fi lasts, if the duration or the end is given."""
    length, until = texts.get("duration"), texts.get("until")
    if [length is not None, until is not None, expected.until is not None].count(True) > 1:
        raise InvalidValue(
            "the end of the Wi-Fi is given twice",
            "Give one: --until, --duration, or an arrival from one time to another.",
        )
    if length is not None:
        return parse_duration(length)
    end = expected.until
    if until is not None:
        end = parse_until(until, expected.arrival, now, zone)
    return None if end is None else end - expected.arrival
