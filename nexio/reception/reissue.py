"""Registering a visit again: a new PIN, a new mail, a token by today's settings (R5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update

from nexio.errors import Refused
from nexio.input.zones import local_day, show
from nexio.locations.locations import Location, location_of, option_for
from nexio.outbox.outbox import Template, is_waiting
from nexio.reception.pin_days import stop_counting
from nexio.reception.registration import add_visit, gives_token
from nexio.reception.registration_texts import Registration
from nexio.reception.tokens import end_token, start_token
from nexio.reception.visits import Visit, get_open_row, visit_of, visits_of
from nexio.store import audit
from nexio.store.engine import Reading, Writing
from nexio.store.tables import OutboxRow, PinRow, VisitRow


def reissue(work: Writing, visit_id: int) -> Visit:
    """Replace a visit by the same one with a new PIN and a new mail; one transaction.

    Host, notes, check-ins, idempotency key and a duration that was named come along; the
    original is deleted, its token revoked and its PIN free.  The visitor gets no cancellation.

    Returns:
        The new visit.

    Raises:
        NotFound: no such visit.
        Refused: it is deleted or over, or a rule of registering says no.
    """
    old = get_open_row(work, visit_id)
    location = location_of(old.location)
    _refuse_over(work, old, location)
    key, digest = old.idempotency_key, old.idempotency_digest
    _delete(work, old)  # first, so that its guest does not count twice (R9)
    as_before = Registration(
        **old.fields_of(Registration),
        duration=old.token_duration,
        has_end=old.ends_at is not None,
    )
    new = add_visit(work, location, as_before)
    new.replaces_id, new.idempotency_key, new.idempotency_digest = old.id, key, digest
    work.session.execute(delete(PinRow).where(PinRow.visit_id == old.id))
    stop_counting(work, old)
    _move_check_ins(work, old, new)
    _move_mail(work, old, new)
    audit.record(work, "reissue", "visit", new.id, {"replaces": old.id})
    work.session.flush()
    return visit_of(work, new)


def list_without_token(work: Reading, location: Location) -> list[Visit]:
    """The visits to come, or under way, that have no token and would get one today.

    Raises:
        Refused: token generation is off, so that a reissue would give none.
    """
    if not location.settings.visitor_tokens:
        raise Refused(
            f"token generation is off at {location.name}, so nobody would get a token",
            f"Turn it on first: nexio token on{option_for(work, location)}",
        )
    rows = work.session.scalars(
        select(VisitRow)
        .where(
            VisitRow.location_id == location.id,
            VisitRow.deleted_at.is_(None),
            VisitRow.closes_at > work.now,
            ~VisitRow.token.has(),
        )
        .order_by(VisitRow.expected_arrival, VisitRow.id)
    )
    return visits_of(
        work,
        [
            row
            for row in rows
            if gives_token(location, row.source) and _would_end(row, location) > work.now
        ],
    )


def _refuse_over(work: Reading, row: VisitRow, location: Location) -> None:
    end = _would_end(row, location)
    if end <= work.now:
        raise Refused(
            f"visit {row.id} would be over at once: by today's settings it ends at"
            f" {show(end, location.zone)}",
            f"Move it first: nexio visitor reschedule {row.id}",
        )


def _would_end(row: VisitRow, location: Location) -> datetime:
    """When the Wi-Fi of a visit would end if it were registered now; without any, the visit."""
    settings = location.settings
    if gives_token(location, row.source) and settings.token_starts == "expected-arrival":
        return row.expected_arrival + (row.token_duration or settings.token_duration)
    return local_day(row.expected_arrival, location.zone)[1]


def _delete(work: Writing, old: VisitRow) -> None:
    """All but the PIN, which has to be live while another one is drawn: it shall differ."""
    old.deleted_at = work.now
    old.idempotency_key = old.idempotency_digest = None
    end_token(work, old, frees_pin=False)
    work.session.flush()


def _move_check_ins(work: Writing, old: VisitRow, new: VisitRow) -> None:
    # What they did to the old token cannot be taken back from the new one.
    for stay in list(old.check_ins):
        stay.visit = new
        stay.started_wifi = stay.ended_wifi = False
    work.session.flush()
    work.session.expire(new, ["check_ins"])
    if new.check_ins:  # the one that opens the window has been (R16)
        new.check_ins[0].started_wifi = start_token(work, new)


def _move_mail(work: Writing, old: VisitRow, new: VisitRow) -> None:
    """The host still learns of the arrival; the visitor gets only the new mail."""
    waiting = (OutboxRow.visit_id == old.id) & is_waiting(work.now)
    for_host = waiting & (OutboxRow.template == Template.VISITOR_ARRIVED.value)
    work.session.execute(update(OutboxRow).where(for_host).values(visit_id=new.id))
    work.session.execute(delete(OutboxRow).where(waiting))
