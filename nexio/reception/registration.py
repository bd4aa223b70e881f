"""Register a visitor (R1 to R3, R6, R7, R20, R21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from nexio.errors import InvalidValue, Refused, Rule
from nexio.input.addresses import email_key
from nexio.input.arrivals import same_time_after
from nexio.input.names import quoted
from nexio.input.zones import local_date, local_day, show
from nexio.languages import mark
from nexio.locations.locations import Location, location_of, option_for
from nexio.outbox.outbox import queue_first_mails
from nexio.reception.logins import free_login
from nexio.reception.pin_days import days_between
from nexio.reception.pins import new_pin, store_pin
from nexio.reception.registration_texts import Registration
from nexio.reception.tokens import NewToken, issue_token, new_token
from nexio.reception.visits import PIN_PURPOSE, Visit, new_visit_of, visit_of
from nexio.store import audit
from nexio.store.engine import Reading, Writing
from nexio.store.locking import get_locked
from nexio.store.signing import sign
from nexio.store.tables import LocationRow, VisitRow, shared_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """How to handle a repeated registration."""

    again: bool = False
    """Register although the same e-mail is expected at the same time already."""

    key: str | None = None
    """Idempotency key: the same key and words return the same visit."""

    words: str = field(default="", repr=False)
    """All input that was given with that key."""

    means: Callable[[datetime], str] | None = field(default=None, repr=False)
    """The meaning of that input at a moment: other words may mean the same.  The words of a
    repetition mean what they would have meant at the first registration."""


def register(
    work: Writing,
    location: Location,
    registration: Registration,
    repetition: Repetition = Repetition(),
) -> Visit:
    """Register a visitor with a PIN, a mail, and a token if the location gives them (R3, R21).

    Raises:
        InvalidValue: the arrival is past and its window is over.
        Refused: there is no free PIN (R7), too many guests at one time (R9), the same e-mail is
            expected at the same time, the idempotency key was used for something else, or a given
            end would have no effect.
    """
    visit = find_repeated(work, location, repetition)
    if visit is None:
        look_over(work, location, registration, repetition)
        visit = _register_once(work, location, registration, repetition)
    return visit


def look_over(
    work: Reading,
    location: Location,
    registration: Registration,
    repetition: Repetition = Repetition(),
) -> None:
    """Refuse what :func:`register` would refuse, as far as that is known in advance.

    Raises:
        InvalidValue, Refused: as :func:`register`.
    """
    refuse_useless(work, location, registration)
    if not repetition.again:
        _refuse_twice(work, location, registration, repetition.key)


def refuse_useless(work: Reading, location: Location, registration: Registration) -> None:
    """Refuse a registration that would have no effect, whoever the visitor is.

    Raises:
        InvalidValue: the arrival is past and its window is over.
        Refused: the given end would have no effect.
    """
    _refuse_unused_end(work, location, registration)
    duration = registration.duration or location.settings.token_duration
    refuse_past(work, location, registration.expected_arrival, duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    """The data of a registration for the store, except its PIN."""

    registration: Registration = field(repr=False)
    location: Location
    email_key: str
    opens_at: datetime
    closes_at: datetime
    token: NewToken | None

    @property
    def days(self) -> list[date]:
        """The days on which its PIN counts."""
        return days_between(self, self.token, self.location.zone)

    def values(self, now: datetime) -> dict[str, Any]:
        """The values of the row by column, except the PIN and the batch of the change."""
        known = {
            name: getattr(self.registration, name) for name in shared_names(VisitRow, Registration)
        }
        return known | {
            "location_id": self.location.id,
            "email_key": self.email_key,
            "opens_at": self.opens_at,
            "closes_at": self.closes_at,
            "token_starts": self.location.settings.token_starts,
            "qr_edition": 1,
            "token_duration": self.registration.duration,
            "ends_at": self.registration.ends_at,
            "registered_at": now,
        }


def new_visit(
    work: Reading, location: Location, registration: Registration, login: str | None = None
) -> NewVisit:
    """Make the visit of a registration by the current settings, without changing the store.

    Args:
        work: the read transaction.
        location: as it is now.
        registration: the checked input.
        login: what the visitor types to log in, if that is known already.

    Raises:
        InvalidValue: it would be over at once.
    """
    arrival = registration.expected_arrival
    opens_at, closes_at = local_day(arrival, location.zone)
    token = None
    if gives_token(location, registration.source):
        token = new_token(location, arrival, registration.duration, registration.max_devices)
        closes_at = max(closes_at, token.valid_until or closes_at)
    # Without a token a visit ends with its day, which may be over although the window is not.
    refuse_past(work, location, arrival, closes_at - arrival)
    return NewVisit(
        registration=registration,
        location=location,
        email_key=login or _login_of(work, location, registration),
        opens_at=opens_at,
        closes_at=closes_at,
        token=token,
    )


def add_visit(
    work: Writing, location: Location, registration: Registration, repetition: Repetition
) -> Visit:
    """Store a visit with its PIN, its token and its mail.

    Raises:
        InvalidValue: it would be over at once.
        Refused: there is no free PIN (R7), or too many guests at one time (R9).
    """
    place = get_locked(work.session, LocationRow, location.id)  # as lock_location does
    location = location_of(place)
    new = new_visit(work, location, registration)
    # Set empty relationships of a new visit explicitly: else SQLAlchemy would query them.
    visit = VisitRow(**new.values(work.now), location=place, token=None, check_ins=[])
    if repetition.key is not None:
        meaning = repetition.words if repetition.means is None else repetition.means(work.now)
        visit.idempotency_key, visit.idempotency_digest = repetition.key, sign(work, meaning)
    if new.token is not None:
        issue_token(work, visit, location, new.token)
    pin = new_pin(
        work,
        location,
        registration.pin,
        new.days,
        insecure_short_pin=registration.insecure_short_pin,
    )
    visit.pin_sealed, visit.pin_digest = work.keyring.seal(pin.digits, PIN_PURPOSE), pin.digest
    work.session.add(visit)
    work.session.flush()
    queue_first_mails(work, [visit.id] if visit.email else [])
    store_pin(work, visit, pin.digest, len(pin.digits))
    audit.record(work, "register", "visit", visit.id, {"token": visit.token is not None})
    return new_visit_of(work, visit)


def _login_of(work: Reading, location: Location, registration: Registration) -> str:
    if registration.email:
        return email_key(registration.email)
    return free_login(work, location, (registration.first_name, registration.last_name))


def gives_token(location: Location, source: str) -> bool:
    """Whether a visitor who is registered now gets a token (R3, R21)."""
    settings = location.settings
    return settings.walk_in_tokens if source == "walk-in" else settings.visitor_tokens


def command_for_tokens(work: Reading, location: Location, source: str) -> str:
    """The command that turns on tokens for such visitors."""
    walk_in = source == "walk-in"
    command = "nexio settings set walk-in-tokens=on" if walk_in else "nexio token on"
    return f"{command}{option_for(work, location)}"


def refuse_past(work: Reading, location: Location, arrival: datetime, length: timedelta) -> None:
    """R20: an arrival in the past is an error unless its window is still open.

    Raises:
        InvalidValue: it is over.
    """
    if arrival + length <= work.now:
        next_time = show(same_time_after(work.now, arrival, location.zone), location.zone)
        advice: str = "Give a time from now on, such as --arrival now or --arrival 'tomorrow 9am'."
        if local_date(arrival, location.zone) == local_date(work.now, location.zone):
            advice = mark('Say "now", or when that time comes next: "%(time)s".', time=next_time)
        raise InvalidValue(
            mark("the expected arrival %(time)s is over", time=show(arrival, location.zone)), advice
        )


def _register_once(
    work: Writing, location: Location, registration: Registration, repetition: Repetition
) -> Visit:
    if repetition.key is None:
        return add_visit(work, location, registration, repetition)
    try:
        with work.session.begin_nested():
            return add_visit(work, location, registration, repetition)
    except IntegrityError:  # a concurrent registration with the same key was first
        first = find_repeated(work, location, repetition)
        if first is None:
            raise
        return first


def find_repeated(work: Reading, location: Location, repetition: Repetition) -> Visit | None:
    """The visit that was registered with that key.

    Raises:
        Refused: it was registered with something else.
    """
    row = _find_by_key(work, location, repetition)
    return None if row is None else visit_of(work, row)


def _find_by_key(work: Reading, location: Location, repetition: Repetition) -> VisitRow | None:
    if repetition.key is None:
        return None
    row = work.session.scalar(
        select(VisitRow).where(
            VisitRow.location_id == location.id, VisitRow.idempotency_key == repetition.key
        )
    )
    if row is not None and not _is_the_same(work, row, repetition):
        raise Refused(
            f"the idempotency key {quoted(repetition.key)} was used for visit {row.id},"
            " which was registered with other words",
            "Use a new key for a new registration.",
        )
    return row


def _is_the_same(work: Reading, row: VisitRow, repetition: Repetition) -> bool:
    if row.idempotency_digest == sign(work, repetition.words):  # as older versions stored it
        return True
    if repetition.means is None:
        return False
    try:
        meant = repetition.means(_first_time(work, row))
    except (InvalidValue, Refused):
        return False
    return row.idempotency_digest == sign(work, meant)


def _first_time(work: Reading, row: VisitRow) -> datetime:
    """When a visit was registered, before any reissue of it."""
    while row.replaces_id is not None:
        row = work.session.get_one(VisitRow, row.replaces_id)
    return row.registered_at


def _refuse_twice(
    work: Reading, location: Location, registration: Registration, key: str | None
) -> None:
    if not registration.email:
        return
    same = work.session.scalar(
        select(VisitRow.id).where(
            VisitRow.location_id == location.id,
            VisitRow.email_key == email_key(registration.email),
            VisitRow.expected_arrival == registration.expected_arrival,
            VisitRow.deleted_at.is_(None),
            VisitRow.idempotency_key.is_distinct_from(key) | (VisitRow.idempotency_key.is_(None)),
        )
    )
    if same is not None:
        raise Refused(
            mark(
                "visit %(number)d is for %(email)s at that time already",
                number=same,
                email=registration.email,
            ),
            "If this is another visit, add --again.",
            rule=Rule.TWICE,
        )


_NO_WIFI_TO_END = (
    mark("visitors get no Wi-Fi at %(location)s, so none can end"),
    mark("walk-ins get no Wi-Fi at %(location)s, so none can end"),
)
_NO_WIFI_TO_LIMIT = (
    mark("visitors get no Wi-Fi at %(location)s, so no device of theirs can be counted"),
    mark("walk-ins get no Wi-Fi at %(location)s, so no device of theirs can be counted"),
)


def _refuse_unused_end(work: Reading, location: Location, registration: Registration) -> None:
    """Refuse an end, a duration or a number of devices that would have no effect."""
    if registration.duration is None and registration.max_devices is None:
        return
    if not gives_token(location, registration.source):
        texts = _NO_WIFI_TO_END if registration.duration else _NO_WIFI_TO_LIMIT
        text = texts[registration.source == "walk-in"]
        raise Refused(
            mark(text, location=location.name),
            "Say the arrival alone, or turn it on: "
            + command_for_tokens(work, location, registration.source),
        )
    if registration.has_end and location.settings.token_starts == "check-in":
        raise Refused(
            mark(
                "the Wi-Fi starts with the check-in at %(location)s, so its end is not known",
                location=location.name,
            ),
            "Say how long it lasts: --duration 2h",
        )
