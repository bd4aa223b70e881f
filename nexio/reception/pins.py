"""PINs: the code for the check-in and for the Wi-Fi (R6, R7, R8)."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, func, or_, select

from nexio.errors import InvalidValue, KeyUnusable, Refused
from nexio.input.addresses import email_key
from nexio.input.pins import normalize_pin
from nexio.languages import mark
from nexio.locations.locations import Location, location_of, lock_location
from nexio.locations.settings import LONGEST_PIN, NIST_FLOOR, SHORTEST_PIN
from nexio.reception.guessing_limits import chance_of, is_within, length_for, odds
from nexio.reception.pin_days import count_pin, pin_digits, pins_of_days
from nexio.store.engine import Reading, Writing
from nexio.store.tables import MemberRow, PinRow, VisitRow


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


def new_pin(
    work: Writing,
    location: Location,
    given: str | None,
    days: Collection[date] = (),
    *,
    insecure_short_pin: bool = False,
) -> NewPin:
    """The PIN that was given, else a random one (see :func:`take_pin` and :func:`draw_pin`)."""
    if given is None:
        return draw_pin(work, location, days)
    return take_pin(work, location, given, days, insecure_short_pin=insecure_short_pin)


def draw_pin(work: Writing, location: Location, days: Collection[date] = ()) -> NewPin:
    """A random PIN that is not live at a location, as long as the bound asks for (R6, R7).

    The operating system's generator draws it.  Rows of PINs whose time has passed are removed
    first.

    Args:
        work: the transaction.
        location: held, where there are days.
        days: on which it counts (see ``pin_days.py``); none for a member's.

    Raises:
        Refused: more than half of all PINs of that length are live.
    """
    free_passed(work, location)
    length = length_for(pins_of_days(work, location, days), location.settings.pin_length)
    live = count_live(work, location, length)
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
    count_pin(work, location, days, length)
    return next(
        pin
        for pin in _candidates(work, location, length)
        if not is_live(work, location, pin.digest)
    )


def take_pin(
    work: Writing,
    location: Location,
    text: str,
    days: Collection[date] = (),
    *,
    insecure_short_pin: bool = False,
) -> NewPin:
    """A PIN that the operator brings along, such as one that another system has sent.

    Args:
        work: the transaction.
        location: held, where there are days.
        text: as it was typed.
        days: on which it counts; none for a member's.
        insecure_short_pin: whatever the bound says.

    Raises:
        InvalidValue: not a PIN.
        Refused: it is live at this location, or too easy to guess.
    """
    digits = parse_pin(text)
    if location.settings.wifi_login == "pin" and len(digits) < location.settings.pin_length:
        raise Refused(
            f"where the PIN alone logs in, it has at least {location.settings.pin_length} digits",
            "Leave --pin out and let the system draw one.",
        )
    if not insecure_short_pin:
        refuse_guessable(work, location, len(digits), days)
    free_passed(work, location)
    pin = NewPin(digits=digits, digest=work.keyring.digest(location.id, digits))
    if is_live(work, location, pin.digest):
        raise Refused(
            "this PIN belongs to somebody else at this location",
            "Leave --pin out and let the system draw one.",
        )
    count_pin(work, location, days, len(digits))
    return pin


def retake_pin(work: Writing, visit: VisitRow) -> None:
    """Make the PIN of a visit that is over live again; the caller says until when (R7).

    Raises:
        Refused: somebody else at the location holds it by now, or it is too short to log in alone.
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


def refuse_guessable(
    work: Reading, location: Location, digits: int, days: Collection[date]
) -> None:
    """Refuse a chosen or imported PIN that makes guessing too easy (R6).

    Raises:
        Refused: fewer digits than NIST SP 800-63B asks for, or the bound does not hold with it.
    """
    instead = "Leave --pin out and let the system draw one, or insist with --insecure-short-pin."
    if digits < NIST_FLOOR:
        raise Refused(
            f"a PIN of {digits} digits is below the floor of NIST SP 800-63B: it is guessed in a"
            f" day with a chance of {odds(chance_of({digits: 1}))}",
            instead,
        )
    for day, pins in zip(days, pins_of_days(work, location, days), strict=True):
        if not is_within(pins, digits):
            chance = odds(chance_of(pins + Counter({digits: 1})))
            raise Refused(
                f"with one PIN of {digits} digits more, somebody who guesses all day gets in at"
                f" {location.name} with a chance of {chance} on {day}",
                instead,
            )


def free_passed(work: Writing, location: Location) -> None:
    """Remove the location's PINs that nobody can use any more."""
    passed = (PinRow.location_id == location.id) & (PinRow.free_at <= work.now)
    work.session.execute(delete(PinRow).where(passed))


def count_live(work: Reading, location: Location, length: int) -> int:
    """How many PINs of that length are live at the location."""
    same = (PinRow.location_id == location.id) & (PinRow.length == length)
    return work.count(same)


def chance_at_door(work: Reading, location: Location, length: int, email: str | None) -> float:
    """The chance that a PIN of that length is somebody's at the location, or of one e-mail there.

    An e-mail that nobody has is taken for one that somebody has: the difference tells nothing.
    """
    here = (PinRow.location_id == location.id) & (PinRow.length == length)
    usable = here & or_(PinRow.free_at.is_(None), PinRow.free_at > work.now)
    query = select(func.count()).select_from(PinRow).where(usable)
    if email is None:
        return float((work.session.scalar(query) or 0) / 10**length)
    key = email_key(email).replace("\0", "")
    query = (
        query.join(VisitRow, VisitRow.id == PinRow.visit_id, isouter=True)
        .join(MemberRow, MemberRow.id == PinRow.member_id, isouter=True)
        .where(or_(VisitRow.email_key == key, MemberRow.email_key == key))
    )
    return float(max(1, work.session.scalar(query) or 0) / 10**length)


def is_live(work: Reading, location: Location, digest: bytes) -> bool:
    """Whether somebody at the location holds the PIN of that digest."""
    same = (PinRow.location_id == location.id) & (PinRow.digest == digest)
    return work.session.scalar(select(PinRow.id).where(same)) is not None


def live_pin(work: Writing, visit: VisitRow) -> PinRow | None:
    """The row that holds the PIN of a visit; None where it is free."""
    return work.session.scalar(select(PinRow).where(PinRow.visit_id == visit.id))


def store_pin(work: Writing, holder: VisitRow | MemberRow, digest: bytes, length: int) -> None:
    """Note whose a PIN is: a visit's until it closes, a member's until somebody changes it."""
    visit = holder if isinstance(holder, VisitRow) else None
    row = PinRow(
        location_id=holder.location_id,
        digest=digest,
        length=length,
        visit_id=holder.id if visit else None,
        member_id=None if visit else holder.id,
        free_at=visit.closes_at if visit else None,
    )
    work.session.add(row)
    work.session.flush()


def _candidates(work: Reading, location: Location, length: int) -> Iterator[NewPin]:
    while True:
        digits = f"{secrets.randbelow(10**length):0{length}}"
        yield NewPin(digits=digits, digest=work.keyring.digest(location.id, digits))


def pin_of(work: Reading, row: VisitRow | MemberRow, purpose: str) -> str:
    """The PIN of a row; empty, and a line in the log, where it cannot be opened."""
    try:
        return work.keyring.unseal(row.pin_sealed, purpose)
    except KeyUnusable as error:
        work.bad_rows.report(row, f"shows no PIN: {error}")
        return ""
