"""PINs: the code for the check-in and for the Wi-Fi (R6, R7, R8)."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import bindparam, delete, func, insert, or_, select

from nexio.errors import InvalidValue, Refused
from nexio.input.addresses import email_key
from nexio.input.pins import normalize_pin
from nexio.languages import mark
from nexio.locations.locations import Location, location_of, lock_location
from nexio.locations.settings import LONGEST_PIN, NIST_FLOOR, SHORTEST_PIN
from nexio.reception.guessing_limits import chance_of, holds, is_within, length_for, odds
from nexio.reception.pin_days import count_pins, pin_digits, pins_of_days
from nexio.store import tables
from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import MemberRow, VisitRow

_here = tables.PinRow.location_id == bindparam("location")

_INSERT = insert(tables.PinRow)

_FREE_PASSED = delete(tables.PinRow).where(_here, tables.PinRow.free_at <= bindparam("now"))

_COUNT_LIVE = select(func.count()).where(_here, tables.PinRow.length == bindparam("length"))

_LIVE = select(tables.PinRow.digest).where(
    _here,
    or_(tables.PinRow.free_at.is_(None), tables.PinRow.free_at > bindparam("now")),
    tables.PinRow.digest.in_(bindparam("digests", expanding=True)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPin:
    """A PIN that is live at no other visit or member of its location."""

    digits: str
    digest: bytes

    def __repr__(self) -> str:
        """Never the digits."""
        return f"NewPin(length={len(self.digits)})"


def parse_pin(text: str) -> str:
    """A PIN as an operator types it.

    Raises:
        InvalidValue: not 5 to 10 digits; the message does not repeat what was typed.
    """
    pin = normalize_pin(text.encode(errors="replace"))
    if pin is None:
        raise InvalidValue(
            "this is not a PIN", f"A PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits and no letters."
        )
    return pin


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The PIN that a registration requests."""

    given: str | None = field(default=None, repr=False)
    """A PIN given by the operator; None is a random one."""

    days: Collection[date] = ()
    """The days on which it counts (see ``pin_days.py``); none for a member's."""

    insecure_short_pin: bool = False
    """Accept it regardless of the bound."""

    digits_before: int | None = None
    """The number of digits of the PIN that it replaces (R5); None if it replaces none."""

    days_given_up: Collection[date] = ()
    """The days on which the replaced PIN no longer counts."""


class PinBook:
    """Issues the PINs of a location, for one or many registrations of a transaction.

    The operating system's generator draws them, with the length that the bound requires (R6, R7).
    Issued PINs count for the next ones; :meth:`save` writes the counts.
    """

    def __init__(self, work: Reading, location: Location) -> None:
        self._work, self._location = work, location
        self._days: dict[date, Counter[int]] = {}
        self._before: dict[date, Counter[int]] = {}
        self._live: dict[int, int] = {}
        self._candidates: dict[int, Iterator[NewPin]] = {}
        self._issued: set[bytes] = set()
        self.counted: Counter[tuple[date, int]] = Counter()
        """The number of issued PINs by day and digits."""

    def issue(self, wanted: Sequence[Wanted]) -> list[NewPin | InvalidValue | Refused]:
        """A PIN for each request, or the reason why there is none."""
        days = {day for each in wanted for day in (*each.days, *each.days_given_up)}
        self._read_days(days - self._days.keys())
        issued = [self._propose(each) for each in wanted]
        given = [each.given is not None for each in wanted]
        open_ = list(range(len(issued)))
        while open_:
            open_ = self._replace_taken(issued, given, open_)
        return issued

    def save(self, work: Writing) -> None:
        """Write the counts of issued PINs; the location is locked."""
        count_pins(work, self._location, self.counted)

    def _read_days(self, days: Collection[date]) -> None:
        ordered = sorted(days)
        for group in in_groups(ordered):
            counts = pins_of_days(self._work, self._location, group)
            self._before.update(zip(group, counts, strict=True))
            self._days.update((day, self._before[day].copy()) for day in group)

    def still_fits(self, work: Writing) -> bool:
        """Whether the bound holds with the PINs that others have issued meanwhile (R6)."""
        ordered = sorted(self._days)
        for group in in_groups(ordered):
            counts = pins_of_days(work, self._location, group)
            for day, now in zip(group, counts, strict=True):
                given = self._days[day] - self._before[day]
                if now != self._before[day] and not holds(now + given):
                    return False
        return True

    def _propose(self, wanted: Wanted) -> NewPin | InvalidValue | Refused:
        try:
            pin = self._taken(wanted) if wanted.given is not None else self._drawn(wanted.days)
        except (InvalidValue, Refused) as error:
            return error
        length = len(pin.digits)
        for day in wanted.days:
            self._days[day][length] += 1
            self.counted[day, length] += 1
        self._live[length] = self._count_live(length) + 1
        self._give_up(wanted)
        return pin

    def _give_up(self, wanted: Wanted) -> None:
        """Remove a replaced PIN from the counts."""
        length = wanted.digits_before
        if length is None:
            return
        for day in wanted.days_given_up:
            self._days[day][length] = max(0, self._days[day][length] - 1)
            self.counted[day, length] -= 1
        self._live[length] = self._count_live(length) - 1

    def _taken(self, wanted: Wanted) -> NewPin:
        """Check a PIN given by the operator, such as one that another system has sent."""
        digits, location = parse_pin(wanted.given or ""), self._location
        if location.settings.wifi_login == "pin" and len(digits) < location.settings.pin_length:
            raise Refused(
                f"where the PIN alone logs in, it has at least {location.settings.pin_length}"
                " digits",
                "Leave --pin out and let the system draw one.",
            )
        if not wanted.insecure_short_pin:
            counts = {day: self._days[day] for day in wanted.days}
            refuse_guessable(location, len(digits), counts)
        return NewPin(digits=digits, digest=self._work.keyring.digest(location.id, digits))

    def _drawn(self, days: Collection[date]) -> NewPin:
        location = self._location
        length = length_for([self._days[day] for day in days], location.settings.pin_length)
        live = self._count_live(length)
        if live > 10**length // 2:
            raise Refused(
                mark(
                    "%(live)d of the %(all)d PINs of %(length)d digits are in use at %(location)s",
                    live=live,
                    all=10**length,
                    length=length,
                    location=location.name,
                ),
                f"Use longer PINs: nexio settings set pin-length={length + 1}"
                if length < LONGEST_PIN
                else mark("Delete visits that are not needed."),
            )
        return self._candidate(length)

    def _candidate(self, length: int) -> NewPin:
        if length not in self._candidates:
            self._candidates[length] = _candidates(self._work, self._location, length)
        return next(self._candidates[length])

    def _count_live(self, length: int) -> int:
        if length not in self._live:
            self._live[length] = count_live(self._work, self._location, length)
        return self._live[length]

    def _replace_taken(
        self,
        issued: list[NewPin | InvalidValue | Refused],
        given: Sequence[bool],
        open_: Sequence[int],
    ) -> list[int]:
        """Replace the PINs that are taken; return the indexes that have to be checked again."""
        pins = {number: pin for number in open_ if isinstance(pin := issued[number], NewPin)}
        live = live_digests(self._work, self._location, [pin.digest for pin in pins.values()])
        again = []
        for number, pin in pins.items():
            if pin.digest not in live and pin.digest not in self._issued:
                self._issued.add(pin.digest)
            elif given[number]:
                issued[number] = Refused(
                    "this PIN belongs to somebody else at this location",
                    "Leave --pin out and let the system draw one.",
                )
            else:
                issued[number] = self._candidate(len(pin.digits))
                again.append(number)
        return again


def new_pin(
    work: Writing,
    location: Location,
    given: str | None,
    days: Collection[date] = (),
    *,
    insecure_short_pin: bool = False,
) -> NewPin:
    """The given PIN, else a random one (see :class:`PinBook`).

    Rows of expired PINs are removed first.

    Args:
        work: the transaction.
        location: locked, if there are days.
        given: as typed.
        days: on which it counts; none for a member's.
        insecure_short_pin: accept it regardless of the bound.

    Raises:
        InvalidValue: not a PIN.
        Refused: it is live at this location, or too easy to guess; or more than half of all PINs
            of its length are live.
    """
    free_passed(work, location)
    book = PinBook(work, location)
    (pin,) = book.issue([Wanted(given=given, days=days, insecure_short_pin=insecure_short_pin)])
    if not isinstance(pin, NewPin):
        raise pin
    book.save(work)
    return pin


def draw_pin(work: Writing, location: Location, days: Collection[date] = ()) -> NewPin:
    """A random PIN that is not live at a location."""
    return new_pin(work, location, None, days)


def retake_pin(work: Writing, visit: VisitRow) -> None:
    """Make the PIN of an ended visit live again; the caller sets its end (R7).

    Raises:
        Refused: somebody else at the location has it by now, or it is too short to log in alone.
    """
    location = lock_location(work, location_of(visit.location))
    free_passed(work, location)
    length = pin_digits(visit)
    if location.settings.wifi_login == "pin" and length < location.settings.pin_length:
        raise Refused(
            f"the PIN of visit {visit.id} has fewer digits than the"
            f" {location.settings.pin_length} with which a PIN alone logs in",
            "Register the visitor again.",
        )
    if is_live(work, location, visit.pin_digest):
        raise Refused(
            f"the PIN of visit {visit.id} was freed with its day and is somebody else's now",
            "Register the visitor again.",
        )
    store_pin(work, visit, visit.pin_digest, length)


def refuse_guessable(location: Location, digits: int, days: Mapping[date, Counter[int]]) -> None:
    """Refuse a chosen or imported PIN that makes guessing too easy (R6).

    Args:
        location: where.
        digits: the length of the PIN.
        days: the number of PINs by digits, for each day on which it counts.

    Raises:
        Refused: fewer digits than NIST SP 800-63B requires, or it would break the bound.
    """
    instead = "Leave --pin out and let the system draw one, or insist with --insecure-short-pin."
    if digits < NIST_FLOOR:
        raise Refused(
            f"a PIN of {digits} digits is below the floor of NIST SP 800-63B: it is guessed in a"
            f" day with a chance of {odds(chance_of({digits: 1}))}",
            instead,
        )
    for day, pins in days.items():
        if not is_within(pins, digits):
            chance = odds(chance_of(pins + Counter({digits: 1})))
            raise Refused(
                f"with one PIN of {digits} digits more, somebody who guesses all day gets in at"
                f" {location.name} with a chance of {chance} on {day}",
                instead,
            )


def free_passed(work: Writing, location: Location) -> None:
    """Remove the location's expired PINs."""
    work.session.connection().execute(_FREE_PASSED, {"location": location.id, "now": work.now})


def count_live(work: Reading, location: Location, length: int) -> int:
    """How many PINs of that length are live at the location."""
    named = {"location": location.id, "length": length}
    return work.session.connection().scalar(_COUNT_LIVE, named) or 0


def chance_at_door(work: Reading, location: Location, length: int, email: str | None) -> float:
    """The chance that a guess of that length is a PIN of the location, or of one e-mail there.

    An unknown e-mail is treated as a known one, so that the result does not reveal which are known.
    """
    here = (tables.PinRow.location_id == location.id) & (tables.PinRow.length == length)
    usable = here & or_(tables.PinRow.free_at.is_(None), tables.PinRow.free_at > work.now)
    query = select(func.count()).select_from(tables.PinRow).where(usable)
    if email is None:
        return float((work.session.scalar(query) or 0) / 10**length)
    key = email_key(email).replace("\0", "")
    query = (
        query.join(VisitRow, VisitRow.id == tables.PinRow.visit_id, isouter=True)
        .join(MemberRow, MemberRow.id == tables.PinRow.member_id, isouter=True)
        .where(or_(VisitRow.email_key == key, MemberRow.email_key == key))
    )
    return float(max(1, work.session.scalar(query) or 0) / 10**length)


def is_live(work: Reading, location: Location, digest: bytes) -> bool:
    """Whether somebody at the location holds the PIN of that digest."""
    return bool(live_digests(work, location, [digest]))


def live_digests(work: Reading, location: Location, digests: Sequence[bytes]) -> set[bytes]:
    """The digests whose PINs are live at the location."""
    named = {"location": location.id, "now": work.now}
    return {
        digest
        for group in in_groups(digests)
        for digest in work.session.scalars(_LIVE, named | {"digests": group})
    }


def live_pin(work: Writing, visit: VisitRow) -> tables.PinRow | None:
    """The row of a visit's live PIN; None if the PIN is free."""
    return work.session.scalar(select(tables.PinRow).where(tables.PinRow.visit_id == visit.id))


def store_pin(work: Writing, holder: VisitRow | MemberRow, digest: bytes, length: int) -> None:
    """Store a live PIN: a visit has it until it closes, a member until somebody changes it."""
    visit = holder if isinstance(holder, VisitRow) else None
    work.session.connection().execute(
        _INSERT,
        {
            "location_id": holder.location_id,
            "digest": digest,
            "length": length,
            "visit_id": holder.id if visit else None,
            "member_id": None if visit else holder.id,
            "free_at": visit.closes_at if visit else None,
        },
    )


def _candidates(work: Reading, location: Location, length: int) -> Iterator[NewPin]:
    while True:
        digits = f"{secrets.randbelow(10**length):0{length}}"
        yield NewPin(digits=digits, digest=work.keyring.digest(location.id, digits))
