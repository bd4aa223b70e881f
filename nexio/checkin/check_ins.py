"""Check-in and check-out: the first use of a code, and the second (R14 to R17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select

from nexio.checkin.cut_offs import close_overdue, next_cut_off
from nexio.checkin.refused_taps import (
    deleted_but_inside,
    refuse_closed,
    refuse_early,
    refuse_third_tap,
    unknown_pin,
)
from nexio.checkin.taps import Direction, Method, Tap, is_cut_off, is_in, tap_of, taps_of
from nexio.errors import Refused, Rule, UnknownCode
from nexio.input.addresses import email_key
from nexio.input.names import full_name
from nexio.input.scanners import read_scan
from nexio.languages import mark
from nexio.locations.locations import Location, location_of
from nexio.outbox.outbox import Template, is_waiting, queue_mail
from nexio.reception.passes import is_pass, use_code
from nexio.reception.pins import parse_pin
from nexio.reception.qr_codes import read_qr
from nexio.reception.tokens import close_window, end_token, restore_token, start_token
from nexio.reception.visits import deleted, get_row
from nexio.store import audit
from nexio.store.engine import Writing
from nexio.store.locking import get_locked
from nexio.store.tables import CheckInRow, LocationRow, MemberRow, OutboxRow, PinRow, VisitRow

_PIN = select(PinRow.visit_id, PinRow.member_id, PinRow.free_at).where(
    PinRow.location_id == bindparam("location"), PinRow.digest == bindparam("digest")
)

ONE_TAP = timedelta(seconds=10)
"""R14: the same code again within this time is one tap, not two."""


def tap_pin(  # noqa: PLR0913 - a PIN, and what its tap may be limited to
    work: Writing,
    location: Location,
    text: str,
    *,
    way: Direction | None = None,
    email: str | None = None,
    one_tap: timedelta = ONE_TAP,
) -> Tap:
    """Use a PIN at the desk.

    Args:
        work: the transaction.
        location: where the desk is.
        text: the PIN as it was typed or scanned.
        way: which way the person goes; None lets the state decide (R14).
        email: the e-mail that the PIN must belong to; None allows any.
        one_tap: the same PIN again within this time is a repetition.

    Raises:
        InvalidValue: not a PIN, or changed by a keyboard layout.
        Refused: nobody's PIN, or a rule refuses it.
    """
    digest = work.keyring.digest(location.id, parse_pin(read_scan(text)))
    pin = work.session.execute(_PIN, {"location": location.id, "digest": digest}).one_or_none()
    if pin is None or (pin.free_at is not None and pin.free_at <= work.now):
        refusal = unknown_pin(work, location, digest)
        refusal.rule = Rule.NOBODY  # even if the desk may know whose it was
        raise refusal
    if email is not None and _holder(work, pin.visit_id, pin.member_id) != email_key(email):
        raise UnknownCode(
            f"this PIN belongs to another e-mail at {location.name}",
            "Type the e-mail that the PIN was sent to.",
            rule=Rule.NOBODY,
        )
    if pin.member_id is not None:
        return _tap_member(work, pin.member_id, Method.PIN, way, one_tap)
    return _tap_visit(work, pin.visit_id or 0, Method.PIN, way, one_tap)


def tap_qr(
    work: Writing, location: Location | None, text: str, *, way: Direction | None = None
) -> Tap:
    """Use a visitor's QR code, or the one on the phone of a member.

    Raises:
        InvalidValue: a keyboard layout has changed it.
        NotFound: the visit has been forgotten since.
        Refused: not a code of this store, for another location, used before (a member's), or a
            rule refuses it.
    """
    if is_pass(text):
        return _tap_pass(work, location, text, way)
    row = get_row(work, read_qr(work, text))
    if location is not None and row.location_id != location.id:
        raise Refused(
            f"this code is for a visit at {row.location.name}",
            "Send the visitor there.",
            rule=Rule.ELSEWHERE,
        )
    return _tap_visit(work, row.id, Method.QR, way)


def tap_visit(
    work: Writing, visit_id: int, *, way: Direction | None = None, override: bool = False
) -> Tap:
    """Check a visitor in or out by hand.

    Args:
        work: the transaction.
        visit_id: the visit's number.
        way: which way the visitor goes; None is in, or out if the visitor is in.
        override: check in (never out) before or after the visit's day, or once more on it
            (R14, R15).

    Raises:
        NotFound: no such visit.
        Refused: a rule refuses it.
    """
    way = Direction.IN if override else way
    return _tap_visit(work, visit_id, Method.DESK, way, override=override)


def tap_member(work: Writing, member_id: int, way: Direction | None) -> Tap:
    """Check a member in or out by hand; if no way is given: in, or out if they are in.

    Raises:
        Refused: the member is not checked in.
    """
    return _tap_member(work, member_id, Method.DESK, way)


def undo(work: Writing, visit_id: int) -> Tap:
    """Take back the last tap of a visit and its effect on the Wi-Fi (R16, R17).

    Returns:
        The tap that was taken back.

    Raises:
        NotFound: no such visit.
        Refused: there is nothing to take back.
    """
    row = get_row(work, visit_id)
    last = _last(row.check_ins)
    if last is None or is_cut_off(last, work.now):
        raise Refused(f"visit {visit_id} has no check-in to take back", "There is nothing to do.")
    if row.deleted_at is not None:
        raise deleted(work, row.id)
    return _take_back(work, row, last)


def undo_of_member(work: Writing, member_id: int) -> Tap:
    """Take back the last tap of a member.

    Returns:
        The tap that was taken back.

    Raises:
        Refused: there is nothing to take back.
    """
    row = get_locked(work.session, MemberRow, member_id)
    last = _last_of_member(work, member_id)
    if last is None or is_cut_off(last, work.now):
        name = full_name(row.first_name, row.last_name)
        raise Refused(f"{name} has no check-in to take back", "There is nothing to do.")
    return _take_back(work, row, last)


def undo_tap(work: Writing, location: Location, stay_id: int, direction: Direction) -> Tap:
    """Take back one tap of a visitor or a member at a location, if it is still their last one.

    Returns:
        The tap that was taken back.

    Raises:
        Refused: something came after it, it was taken back already, it is of another location, or
            the visit was deleted.
    """
    stay = work.session.get(CheckInRow, stay_id)
    if stay is not None and stay.location_id == location.id:
        row: VisitRow | MemberRow
        if stay.member_id is not None:
            row = get_locked(work.session, MemberRow, stay.member_id)
            last = _last_of_member(work, row.id)
        else:
            row = get_row(work, stay.visit_id or 0)
            if row.deleted_at is not None:
                raise deleted(work, row.id)
            last = _last(row.check_ins)
        if (
            last is not None
            and last.id == stay_id
            and not is_cut_off(last, work.now)
            and taps_of(last, work.now)[-1].direction is direction
        ):
            return _take_back(work, row, last)
    raise Refused(mark("this was taken back already, or something came after it"))


def _take_back(work: Writing, row: VisitRow | MemberRow, last: CheckInRow) -> Tap:
    taken = taps_of(last, work.now)[-1]
    if taken.direction is Direction.OUT:
        _undo_out(row, last)
    elif isinstance(row, VisitRow):
        _undo_in(work, row, last)
    else:
        work.session.delete(last)
    subject = "visit" if taken.kind == "visitor" else taken.kind
    audit.record(work, "undo", subject, row.id, {"direction": taken.direction.value})
    return taken


def _undo_out(row: VisitRow | MemberRow, stay: CheckInRow) -> None:
    stay.out_at = stay.out_method = None
    if stay.ended_wifi and isinstance(row, VisitRow):
        restore_token(row)
        stay.ended_wifi = False


def _undo_in(work: Writing, row: VisitRow, stay: CheckInRow) -> None:
    if stay.started_wifi:
        close_window(work, row)
    work.session.delete(stay)
    if len(row.check_ins) == 1:  # nobody has arrived: do not notify the host
        for_host = OutboxRow.template == Template.VISITOR_ARRIVED.value
        waiting = (OutboxRow.visit_id == row.id) & for_host & is_waiting(work.now)
        work.session.execute(delete(OutboxRow).where(waiting))


def _tap_visit(  # noqa: PLR0913 - a tap, and which rules apply to it
    work: Writing,
    visit_id: int,
    method: Method,
    way: Direction | None,
    one_tap: timedelta = ONE_TAP,
    *,
    override: bool = False,
) -> Tap:
    row = get_row(work, visit_id)  # locked: a second desk sees what the first one wrote
    last = _last(row.check_ins)
    inside = last is not None and is_in(last, work.now)
    if row.deleted_at is not None and not (inside and method is Method.DESK):
        raise deleted_but_inside(row) if inside else deleted(work, row.id)
    known = _already(last, work.now, way, one_tap)
    if known is not None:
        return known
    if last is not None and inside:
        if way is None and method is not Method.DESK:
            refuse_early(work, last, f"To check out: nexio checkin --visit {row.id} --out")
        return _check_out(work, last, method)
    if way is Direction.OUT:
        by_hand = f"Check the visitor in with: nexio checkin --visit {row.id} --in"
        raise Refused(_not_in(row), by_hand)
    if override:
        audit.record(work, "override", "visit", row.id)
    else:
        refuse_closed(work, row)
        refuse_third_tap(work, row)
    return _check_in_visit(work, row, method)


def _tap_pass(work: Writing, location: Location | None, text: str, way: Direction | None) -> Tap:
    found, is_new = use_code(work, text)
    if location is not None and found.location.id != location.id:
        raise Refused(
            f"this pass is for {found.location.name}",
            "Send the member there.",
            rule=Rule.PASS_ELSEWHERE,
        )
    if is_new:
        return _tap_member(work, found.member_id, Method.QR, way)
    # The phone was held in front of the reader: one tap, and nothing is written.
    known = _already(_last_of_member(work, found.member_id), work.now, None)
    if known is None:
        raise Refused(
            "this code of a pass was used before",
            "The pass shows another one within 30 seconds: scan that.",
            rule=Rule.USED,
        )
    return known


def _tap_member(
    work: Writing,
    member_id: int,
    method: Method,
    way: Direction | None,
    one_tap: timedelta = ONE_TAP,
) -> Tap:
    row = get_locked(work.session, MemberRow, member_id)
    last = _last_of_member(work, member_id)
    known = _already(last, work.now, way, one_tap)
    if known is not None:
        return known
    if last is not None and is_in(last, work.now):
        if way is None and method is not Method.DESK:
            again = "the same PIN" if method is Method.PIN else "the pass"
            refuse_early(work, last, f"To check out: {again} with --out, or nexio checkout")
        return _check_out(work, last, method)
    if way is Direction.OUT:
        raise Refused(_not_in(row), "Check in with: nexio checkin")
    _close_overdue(work, last)
    stay = CheckInRow(member_id=row.id, started_wifi=False)
    return _check_in(work, stay, row.location, method)


def _check_in_visit(work: Writing, row: VisitRow, method: Method) -> Tap:
    last = _last(row.check_ins)
    _close_overdue(work, last)
    started = start_token(work, row)  # first, as it may lock the stay's location
    # Set visit_id only: a flush takes twice as long if the visit's list has changed.
    stay = CheckInRow(visit_id=row.id, started_wifi=started)
    tap = _check_in(work, stay, row.location, method)
    work.session.expire(row, ["check_ins"])
    if last is None:
        queue_mail(work, Template.VISITOR_ARRIVED, visit_id=row.id)
    return tap


def _close_overdue(work: Writing, last: CheckInRow | None) -> None:
    """Close an overdue stay: only one may be open in the store."""
    if last is not None and last.out_at is None:
        close_overdue(last)
        work.session.flush()


def _check_in(work: Writing, stay: CheckInRow, place: LocationRow, method: Method) -> Tap:
    stay.location_id = place.id
    stay.in_at, stay.in_method = work.now, method.value
    stay.cut_off_at = next_cut_off(location_of(place), work.now)
    stay.ended_wifi = False
    work.session.add(stay)
    work.session.flush()
    return _audited(work, tap_of(stay, Direction.IN), method)


def _check_out(work: Writing, stay: CheckInRow, method: Method) -> Tap:
    stay.out_at, stay.out_method = work.now, method.value
    if stay.visit is not None and stay.location.end_wifi_at_checkout:
        stay.ended_wifi = end_token(work, stay.visit, frees_pin=False)
    return _audited(work, tap_of(stay, Direction.OUT), method)


def _audited(work: Writing, tap: Tap, method: Method) -> Tap:
    subject = "visit" if tap.kind == "visitor" else tap.kind
    details = {"method": method.value}
    audit.record(work, f"check-{tap.direction.value}", subject, tap.id, details)
    return tap


def _last_of_member(work: Writing, member_id: int) -> CheckInRow | None:
    stays = select(CheckInRow).where(CheckInRow.member_id == member_id)
    return work.session.scalar(stays.order_by(CheckInRow.id.desc()).limit(1))


def _holder(work: Writing, visit_id: int | None, member_id: int | None) -> str | None:
    """The e-mail key of a PIN's holder."""
    if member_id is not None:
        return work.session.scalar(select(MemberRow.email_key).where(MemberRow.id == member_id))
    return work.session.scalar(select(VisitRow.email_key).where(VisitRow.id == visit_id))


def _last(stays: Sequence[CheckInRow]) -> CheckInRow | None:
    return stays[-1] if stays else None


def _not_in(row: VisitRow | MemberRow) -> str:
    return mark("%(name)s is not checked in", name=full_name(row.first_name, row.last_name))


def _already(
    last: CheckInRow | None,
    now: datetime,
    way: Direction | None,
    one_tap: timedelta = ONE_TAP,
) -> Tap | None:
    """Return the last tap if this one only repeats it.

    The same code twice within a short time is one tap, unless the way is given.
    """
    if last is None:
        return None
    tap = taps_of(last, now)[-1]
    just_now = now - tap.at < one_tap and not is_cut_off(last, now)
    same = just_now if way is None else tap.direction is way
    return tap_of(last, tap.direction, repeated=True) if same else None
