"""Registering a visitor (R1 to R3, R6, R7, R20, R21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nexio import audit
from nexio.addresses import email_key, parse_email
from nexio.arrivals import parse_arrival
from nexio.errors import InvalidValue
from nexio.locations import hold_location
from nexio.names import parse_name, parse_text
from nexio.pins import draw_pin, parse_pin, take_pin
from nexio.store.tables import LocationRow, PinRow, VisitRow
from nexio.tokens import issue_token
from nexio.visits import PIN_PURPOSE, Visit, visit_of
from nexio.zones import day_end, day_start, local_date, show

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from nexio.locations import Location
    from nexio.pins import NewPin
    from nexio.store.engine import Writing

LONGEST_LINE = 100
LONGEST_NOTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is known of a visitor before the visit, checked."""

    first_name: str
    last_name: str
    email: str
    expected_arrival: datetime
    host: str | None = None
    company: str | None = None
    phone: str | None = None
    notes: str | None = None
    source: str = "admin"
    pin: str | None = field(default=None, repr=False)


def read_registration(
    texts: Mapping[str, str | None], now: datetime, location: Location
) -> Registration:
    """Check what a person or a file says of a visitor.

    Args:
        texts: by the field names of :class:`Registration`; ``expected_arrival`` as people
            say it (R20), "now" where it is missing.
        now: what "today" and "+2h" start from.
        location: whose clock "14:00" is read on.

    Raises:
        InvalidValue: the first of them that cannot be read or is not allowed.
    """
    pin = texts.get("pin")
    return Registration(
        first_name=parse_name(texts.get("first_name") or "", "first name"),
        last_name=parse_name(texts.get("last_name") or "", "last name"),
        email=parse_email(texts.get("email") or ""),
        expected_arrival=_arrival(texts.get("expected_arrival"), now, location),
        host=_optional(texts, "host", LONGEST_LINE),
        company=_optional(texts, "company", LONGEST_LINE),
        phone=_optional(texts, "phone", LONGEST_LINE),
        notes=_optional(texts, "notes", LONGEST_NOTES),
        pin=None if pin is None else parse_pin(pin),
    )


def register(work: Writing, location: Location, registration: Registration) -> Visit:
    """Register a visitor: a PIN, and a token where the location gives them (R3, R21).

    Raises:
        InvalidValue: the arrival is past and its window is over.
        Refused: no PIN to be had (R7), or too many guests at one time (R9).
    """
    location = hold_location(work, location)
    arrival = registration.expected_arrival
    refuse_past(work, location, arrival, location.settings.token_duration)
    pin = (
        draw_pin(work, location)
        if registration.pin is None
        else take_pin(work, location, registration.pin)
    )
    visit = _new_visit(work, location, registration, pin)
    if _gets_token(location, registration):
        token = issue_token(work, visit, location)
        visit.closes_at = max(visit.closes_at, token.valid_until or visit.closes_at)
    # Without a token a visit ends with its day, which may be over when its hour is not.
    refuse_past(work, location, arrival, visit.closes_at - arrival)
    work.session.add(visit)
    work.session.flush()
    _hold_pin(work, visit, pin)
    audit.record(work, "register", "visit", visit.id, {"token": visit.token is not None})
    return visit_of(work, visit)


def refuse_past(work: Writing, location: Location, arrival: datetime, length: timedelta) -> None:
    """R20: an arrival in the past is an error unless its window is still open.

    Raises:
        InvalidValue: it is over.
    """
    if arrival + length <= work.now:
        raise InvalidValue(
            f"the expected arrival {show(arrival, location.zone)} is over",
            "Give a time from now on, such as --arrival now or --arrival 'tomorrow 9am'.",
        )


def _gets_token(location: Location, registration: Registration) -> bool:
    settings = location.settings
    return settings.walk_in_tokens if registration.source == "walk-in" else settings.visitor_tokens


def _new_visit(
    work: Writing, location: Location, registration: Registration, pin: NewPin
) -> VisitRow:
    arrival, zone = registration.expected_arrival, location.zone
    day = local_date(arrival, zone)
    return VisitRow(
        location=work.session.get_one(LocationRow, location.id),
        first_name=registration.first_name,
        last_name=registration.last_name,
        email=registration.email,
        email_key=email_key(registration.email),
        host=registration.host,
        company=registration.company,
        phone=registration.phone,
        notes=registration.notes,
        source=registration.source,
        expected_arrival=arrival,
        opens_at=day_start(day, zone),
        closes_at=day_end(day, zone),
        token_starts=location.settings.token_starts,
        pin_sealed=work.keyring.seal(pin.digits, PIN_PURPOSE),
        pin_digest=pin.digest,
        registered_at=work.now,
    )


def _hold_pin(work: Writing, visit: VisitRow, pin: NewPin) -> None:
    work.session.add(
        PinRow(
            location_id=visit.location_id,
            digest=pin.digest,
            length=len(pin.digits),
            visit_id=visit.id,
            free_at=visit.closes_at,
        )
    )
    work.session.flush()


def _arrival(text: str | None, now: datetime, location: Location) -> datetime:
    return parse_arrival("now" if text is None else text, now, location.zone)


def _optional(texts: Mapping[str, str | None], name: str, longest: int) -> str | None:
    return parse_text(texts.get(name) or "", name, longest) or None
