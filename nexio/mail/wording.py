"""What the placeholders of a mail stand for, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nexio.input.durations import words_for
from nexio.input.names import counted
from nexio.input.zones import MONTHS, WEEKDAYS
from nexio.mail.placeholders import Values
from nexio.reception.tokens import TokenState
from nexio.reception.visits import Visit

_SAID_IN_MINUTES = timedelta(minutes=90)
"""Up to this length people count minutes."""


def visitor_values(visit: Visit, duration: timedelta | None, qr: str) -> Values:
    """What a visitor reads; nothing of the Wi-Fi without a token that holds.

    Args:
        visit: the visit.
        duration: of its token; None without one.
        qr: the text of its QR code.
    """
    zone = visit.location.zone
    wifi = duration is not None and has_wifi(visit)
    return {
        "visitorcode": visit.pin,
        "visitorname": visit.name,
        "hostname": visit.host,
        "location": visit.location.name,
        "expectedarrival": moment(visit.expected_arrival, zone),
        "wifiuntil": wifi_window(visit, duration) if wifi and duration is not None else None,
        "ssid": visit.location.settings.ssid if wifi else None,
        "wifilogin": _login(visit) if wifi else None,
        "qrcode": qr,
    }


def has_wifi(visit: Visit) -> bool:
    """Whether the visitor has a token that nobody has revoked."""
    return visit.token is not None and visit.token.state is not TokenState.REVOKED


def wifi_window(visit: Visit, duration: timedelta) -> str:
    """When the Wi-Fi lets the visitor on; before a check-in that opens it, for how long (R16)."""
    token, zone = visit.token, visit.location.zone
    if token is None or token.valid_from is None or token.valid_until is None:
        return f"for {_length(duration)} from your check-in"
    return window(token.valid_from, token.valid_until, zone)


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """Return "Friday 20 November 2026, 09:00 (Europe/London, UTC+00:00)".  R1."""
    return f"{_day(instant, zone)}, {_clock(instant, zone)} ({_place(instant, zone)})"


def window(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return "Friday 20 November 2026, 09:00 to 10:00 (Europe/London, UTC+00:00)".

    Both ends are written in full where the day or the offset changes in between.
    """
    same_place = _place(start, zone) == _place(end, zone)
    if not same_place or _day(start, zone) != _day(end, zone):
        return f"{moment(start, zone)} to {moment(end, zone)}"
    clocks = f"{_clock(start, zone)} to {_clock(end, zone)}"
    return f"{_day(start, zone)}, {clocks} ({_place(start, zone)})"


def _login(visit: Visit) -> str:
    """R9: what the guest types."""
    if visit.location.settings.wifi_login == "pin":
        return "type your PIN"
    if not visit.email:
        return f"type the name {visit.login} and your PIN"
    return f"type your e-mail address ({visit.email}) and your PIN"


def _length(duration: timedelta) -> str:
    if duration > _SAID_IN_MINUTES:
        return words_for(duration)
    return counted(duration // timedelta(minutes=1), "minute")


def _day(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M}"


def _place(instant: datetime, zone: ZoneInfo) -> str:
    offset = instant.astimezone(zone).isoformat(timespec="minutes")[16:22]
    return f"{zone.key}, UTC{offset}"
