"""The values of the placeholders of a mail, as text."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nexio.languages import Language, mark
from nexio.locations.locations import Location
from nexio.mail.placeholders import Values
from nexio.reception.tokens import TokenState
from nexio.reception.visits import Visit

_SHOWN_IN_MINUTES = timedelta(minutes=90)
"""Up to this length, people count in minutes."""


def location_values(location: Location) -> Values:
    """The public values of a location."""
    settings = location.settings
    return {
        "location": location.name,
        "address": settings.address,
        "directions": settings.directions,
    }


def visitor_values(
    visit: Visit, duration: timedelta | None, qr: str | None, language: Language
) -> Values:
    """The values for a visitor; those of the Wi-Fi only with a token that is not revoked.

    Args:
        visit: the visit.
        duration: of its token; None without one.
        qr: the text of its QR code, if the mail has it.
        language: of the visitor.
    """
    wifi = duration is not None and has_wifi(visit)
    return {
        **visit_values(visit, language),
        "visitorcode": visit.pin,
        "wifiuntil": wifi_window(visit, duration, language) if wifi and duration else None,
        "ssid": visit.location.settings.ssid if wifi else None,
        "wifilogin": _login(visit, language) if wifi else None,
        "qrcode": qr,
        "wifiqrcode": None,  # a picture; its text is of no use to a reader
    }


def visit_values(visit: Visit, language: Language) -> Values:
    """The values of a visit, without anything that admits somebody."""
    zone = visit.location.zone
    return {
        **location_values(visit.location),
        "visitorname": visit.name,
        "hostname": visit.host,
        "visitdate": language.full_day(visit.expected_arrival, zone),
        "expectedarrival": moment(visit.expected_arrival, zone, language),
    }


def has_wifi(visit: Visit) -> bool:
    """Whether the visitor has a token that nobody has revoked."""
    return visit.token is not None and visit.token.state is not TokenState.REVOKED


def wifi_window(visit: Visit, duration: timedelta, language: Language) -> str:
    """When the Wi-Fi admits the visitor; for how long, if a check-in has yet to start it (R16)."""
    token, zone = visit.token, visit.location.zone
    if token is None or token.valid_from is None or token.valid_until is None:
        return language.say("for %(length)s from your check-in", length=_length(duration, language))
    return window(token.valid_from, token.valid_until, zone, language)


def moment(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """Return "Friday, 20 November 2026, 09:00 (Europe/London, UTC+00:00)".  R1."""
    return language.say(
        "%(day)s, %(time)s (%(zone)s)",
        day=language.full_day(instant, zone),
        time=language.time(instant, zone),
        zone=_place(instant, zone),
    )


def window(start: datetime, end: datetime, zone: ZoneInfo, language: Language) -> str:
    """Return "Friday, 20 November 2026, 09:00 to 10:00 (Europe/London, UTC+00:00)".

    Both ends are written in full if the day or the offset changes in between.
    """
    day, place = language.full_day(start, zone), _place(start, zone)
    if (day, place) != (language.full_day(end, zone), _place(end, zone)):
        first, last = moment(start, zone, language), moment(end, zone, language)
        return language.say(FROM_TO, start=first, end=last)
    return language.say(
        "%(day)s, %(start)s to %(end)s (%(zone)s)",
        day=day,
        start=language.time(start, zone),
        end=language.time(end, zone),
        zone=place,
    )


FROM_TO = mark("%(start)s to %(end)s")


def _login(visit: Visit, language: Language) -> str:
    """R9: what the guest types."""
    if visit.location.settings.wifi_login == "pin":
        return language.say("type your PIN")
    if not visit.email:
        return language.say("type the name %(name)s and your PIN", name=visit.login)
    return language.say("type your e-mail address (%(email)s) and your PIN", email=visit.email)


def _length(duration: timedelta, language: Language) -> str:
    minutes = duration // timedelta(minutes=1)
    if duration <= _SHOWN_IN_MINUTES:
        return language.unit(minutes, "minute")
    hours, days = minutes // 60, minutes // (24 * 60)
    parts = (days, "day"), (hours % 24, "hour"), (minutes % 60, "minute")
    return " ".join(language.unit(number, name) for number, name in parts if number)


def _place(instant: datetime, zone: ZoneInfo) -> str:
    offset = instant.astimezone(zone).isoformat(timespec="minutes")[16:22]
    return f"{zone.key}, UTC{offset}"
