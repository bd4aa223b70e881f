"""Codes that a tablet read while the server was unreachable and delivers later.

The tablet gives each tap a random id, and the store remembers the id: a tap that is delivered
twice is applied once.  A tap is applied at its own time.  If that cannot be right any more, it is
shown to reception instead: ``nexio kiosk taps``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, or_, select

from nexio.checkin.scanned_codes import tap_scanned, whose
from nexio.checkin.taps import Direction
from nexio.errors import InvalidValue, NotFound, Refused, Rule
from nexio.input.names import full_name
from nexio.input.scanners import LONGEST
from nexio.keys.letters import open_letter, private_key, public_text
from nexio.locations.locations import location_of
from nexio.store import audit
from nexio.store.signing import sign
from nexio.store.tables import AuditRow, CheckInRow, OfflineTapRow, VisitRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from nexio.checkin.tablets import Tablet
    from nexio.checkin.taps import Tap
    from nexio.errors import NexioError
    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Writing

OLDEST: Final = timedelta(hours=12)
"""An older tap is shown to reception."""

AHEAD: Final = timedelta(seconds=5)
"""How far in the future a tap may seem to be, as the request takes time."""

DRIFT: Final = timedelta(minutes=2)
"""How far the tablet's clock may have drifted against ours since our last answer."""

REMEMBERED: Final = timedelta(days=30)
"""How long an id is remembered.  A tap repeated later is too old to be applied."""

MOST_WAITING: Final = 500
"""The most taps of a location that may wait for reception; the tablet stores the rest."""

ID_DIGITS: Final = 32

_HARMLESS: Final = ("resend", "release")
"""Actions of the desk on a visit that do not overtake a tap."""


class Why(StrEnum):
    """Why a tap is shown to reception, if the reason is not a rule of the door."""

    UNREADABLE = "unreadable"
    OLD = "old"
    CLOCK = "clock"
    TABLET = "tablet"
    DESK = "desk"
    FORGOTTEN = "forgotten"
    OTHER = "other"


WORDS: Final = {
    Why.UNREADABLE: "what the tablet sent cannot be read",
    Why.OLD: f"it is older than {int(OLDEST.total_seconds() // 3600)} hours",
    Why.CLOCK: "the tablet's clock was wrong",
    Why.TABLET: "the tablet was turned away since, and paired anew",
    Why.DESK: "something was done about this visit after the tap",
    Why.FORGOTTEN: "the visit was forgotten since",
    Why.OTHER: "a rule says no",
    Rule.GONE: "the pass was taken away",
    Rule.STALE: "the code of the pass was too old or too new at that time",
    Rule.USED: "the code of the pass was used before",
    Rule.PASS_ELSEWHERE: "the pass is of another location",
    Rule.NO_CODE: "this is not a code of ours",
    Rule.WIFI_CODE: "this is the code for the Wi-Fi",
    Rule.REPLACED: "a newer mail was sent",
    Rule.DELETED: "the visit was deleted",
    Rule.ELSEWHERE: "the visit is at another location",
    Rule.LEAVING: "scanned again within five minutes of the check-in",
    Rule.NOT_YET: "the day of the visit was still to come",
    Rule.OVER: "the visit was over",
    Rule.ENDED: "the visit had ended for that day",
}


class Shown(Exception):
    """Raised for a tap that reception has to look at."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A tap as a tablet delivers it."""

    id: str
    letter: str = field(repr=False)
    sent_at: datetime
    """By the clock of the tablet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordedTap:
    code: str = field(repr=False)
    way: Direction | None
    at: datetime
    """By our clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineTap:
    """A tap that is shown to reception."""

    id: int
    tablet: str
    location: Location
    at: datetime | None
    """When the code was shown; None if that cannot be known."""

    delivered_at: datetime
    visit: int | None
    name: str | None
    why: str
    """A value of :class:`Why` or :class:`~nexio.errors.Rule`."""

    @property
    def words(self) -> str:
        """The reason in words."""
        return _WORDS.get(self.why, WORDS[Why.OTHER])


_WORDS: Final[dict[str, str]] = {each.value: words for each, words in WORDS.items()}


def public_key(work: Reading) -> str:
    """The public key for tablets to encrypt with; it stays when the keys of the store change."""
    return public_text(_key(work))


def is_known(work: Reading, tap_id: str) -> bool:
    """Whether a tap was delivered before."""
    known = select(OfflineTapRow.id).where(OfflineTapRow.tap_id == tap_id)
    return work.session.scalar(known) is not None


def remember(work: Writing, tablet: Tablet, tap: Tap, tap_id: str) -> None:
    """Remember an applied tap, in the same transaction."""
    row = _row(work, tablet, parse_id(tap_id))
    row.at = tap.at
    row.visit_id = tap.id if tap.kind == "visitor" else None


def apply(work: Writing, tablet: Tablet, delivery: Delivery) -> Tap:
    """Apply a tap at its own time, and remember its id in the same transaction.

    Raises:
        Shown, InvalidValue, NotFound, Refused: pass it to :func:`show_to_reception`.
    """
    recorded = _read(work, tablet, delivery)
    then = replace(work, now=recorded.at)
    subject, number = whose(then, recorded.code)
    if _is_overtaken(work, subject, number, recorded.at):
        raise Shown(Why.DESK)
    tap = tap_scanned(then, tablet.location, recorded.code, way=recorded.way)
    remember(work, tablet, tap, delivery.id)
    return tap


def show_to_reception(
    work: Writing, tablet: Tablet, delivery: Delivery, error: Shown | NexioError
) -> str:
    """Remember a tap that was not applied, and why.

    Raises:
        Refused: too many taps wait already.
    """
    here = (OfflineTapRow.location_id == tablet.location.id) & OfflineTapRow.why.is_not(None)
    waiting = here & OfflineTapRow.settled_at.is_(None)
    if work.count(waiting) >= MOST_WAITING:
        raise Refused("too many taps wait for reception", "See: nexio kiosk taps")
    row = _row(work, tablet, delivery.id)
    row.why = _why(error)
    try:
        content = _open(work, delivery)
        at = instant_of(content["at"]) + (work.now - delivery.sent_at)
        row.at = at if abs(work.now - at) < REMEMBERED else None
        subject, number = whose(work, content["code"])
        row.visit_id = number if subject == "visit" else None
    except (InvalidValue, NotFound, Refused, Shown, OverflowError):
        pass  # then time and visit stay unknown
    return row.why


def list_offline_taps(work: Reading, location: Location | None = None) -> list[OfflineTap]:
    """The taps that wait for reception, the oldest first."""
    waits = OfflineTapRow.why.is_not(None) & OfflineTapRow.settled_at.is_(None)
    query = select(OfflineTapRow).where(waits)
    if location is not None:
        query = query.where(OfflineTapRow.location_id == location.id)
    time = func.coalesce(OfflineTapRow.at, OfflineTapRow.delivered_at)
    rows = work.session.scalars(query.order_by(time, OfflineTapRow.id)).all()
    numbers = {row.visit_id for row in rows if row.visit_id is not None}
    visits = work.session.scalars(select(VisitRow).where(VisitRow.id.in_(numbers)))
    known = {visit.id: visit for visit in visits}
    return [_shown(row, known.get(row.visit_id or 0)) for row in rows]


def mark_settled(work: Writing, numbers: Sequence[int]) -> None:
    """Put aside taps that reception has looked at.

    Raises:
        NotFound: one of them does not wait for reception.
    """
    for number in numbers:
        row = work.session.get(OfflineTapRow, number)
        if row is None or row.why is None or row.settled_at is not None:
            raise NotFound(f"no tap {number} waits for reception", "See: nexio kiosk taps")
        row.settled_at = work.now
        audit.record(work, "settle", "tap", number)


def forget_delivered(work: Writing) -> None:
    """Delete ids that are too old for their taps to be applied; waiting taps stay."""
    waits = OfflineTapRow.why.is_not(None) & OfflineTapRow.settled_at.is_(None)
    old = OfflineTapRow.delivered_at < work.now - REMEMBERED
    work.session.execute(delete(OfflineTapRow).where(old, ~waits))


def parse_id(text: str) -> str:
    """Check the id of a tap.

    Raises:
        InvalidValue: it is not an id.
    """
    if len(text) != ID_DIGITS or not set(text) <= set("0123456789abcdef"):
        raise InvalidValue("this is not the id of a tap", "It has 32 hex digits.")
    return text


def _key(work: Reading) -> EllipticCurvePrivateKey:
    return private_key(b"".join(sign(work, f"offline taps {half}") for half in (1, 2)))


def _open(work: Reading, delivery: Delivery) -> dict[str, Any]:
    """Decrypt what the tablet wrote; only its form is checked."""
    try:
        content = json.loads(open_letter(_key(work), delivery.letter, delivery.id))
        code, way, tablet = content["code"], content["way"], content["tablet"]
        at, offset = content["at"], content["offset"]
        good = isinstance(code, str) and way in {"", "in", "out"} and isinstance(tablet, int)
        good = good and isinstance(at, int | float) and isinstance(offset, int | float)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Shown(Why.UNREADABLE) from None
    if not good:
        raise Shown(Why.UNREADABLE)
    return {**content, "code": code[: LONGEST + 1]}


def _read(work: Reading, tablet: Tablet, delivery: Delivery) -> _RecordedTap:
    content = _open(work, delivery)
    if content["tablet"] != tablet.id:
        raise Shown(Why.TABLET)
    moved = work.now - delivery.sent_at
    try:
        known_offset = timedelta(milliseconds=content["offset"])
        # Waiting for the answer makes `moved` larger than the clock is off: a tap would seem later.
        at = instant_of(content["at"]) + min(moved, known_offset)
        drift = abs(moved - known_offset)
    except (OverflowError, ValueError):
        raise Shown(Why.CLOCK) from None
    if at > work.now + AHEAD or drift > DRIFT:
        raise Shown(Why.CLOCK)
    if at < work.now - OLDEST:
        raise Shown(Why.OLD)
    way = Direction(content["way"]) if content["way"] else None
    return _RecordedTap(code=content["code"], way=way, at=min(at, work.now))


def instant_of(milliseconds: float) -> datetime:
    """The time of a browser's milliseconds since 1970.

    Raises:
        InvalidValue: it is outside the calendar.
    """
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidValue("this is not a time", "") from None


def _is_overtaken(work: Reading, subject: str, number: int, at: datetime) -> bool:
    """Whether somebody acted on the visit or the member after the tap."""
    person = CheckInRow.visit_id if subject == "visit" else CheckInRow.member_id
    later = or_(CheckInRow.in_at > at, CheckInRow.out_at > at)
    if work.session.scalar(select(CheckInRow.id).where(person == number, later).limit(1)):
        return True
    done = (AuditRow.subject == subject) & (AuditRow.subject_id == number) & (AuditRow.at > at)
    done &= AuditRow.action.not_in(_HARMLESS)
    return work.session.scalar(select(AuditRow.id).where(done).limit(1)) is not None


def _why(error: Shown | NexioError) -> str:
    if isinstance(error, Shown):
        return error.why.value
    if isinstance(error, NotFound):
        return Why.FORGOTTEN.value
    if isinstance(error, InvalidValue):
        return Why.UNREADABLE.value
    rule = error.rule if isinstance(error, Refused) else None
    return Why.OTHER.value if rule is None else rule.value


def _row(work: Writing, tablet: Tablet, tap_id: str) -> OfflineTapRow:
    row = OfflineTapRow(
        tap_id=tap_id, tablet=tablet.name, location_id=tablet.location.id, delivered_at=work.now
    )
    work.session.add(row)
    return row


def _shown(row: OfflineTapRow, visit: VisitRow | None) -> OfflineTap:
    return OfflineTap(
        id=row.id,
        tablet=row.tablet,
        location=location_of(row.location),
        at=row.at,
        delivered_at=row.delivered_at,
        visit=row.visit_id,
        name=None if visit is None else full_name(visit.first_name, visit.last_name),
        why=row.why or "",
    )
