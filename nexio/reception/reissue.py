"""Reissue visits: a new PIN, a new mail, a token by today's settings (R5).

Many visits take as many statements as a few: each statement handles all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from nexio.errors import NotFound, Refused
from nexio.input.zones import local_day, show
from nexio.locations.locations import Location, location_of, lock_location, option_for
from nexio.outbox.outbox import move_waiting, queue_first_mails
from nexio.reception.logins import free_login
from nexio.reception.pin_days import days_after_deletion, pin_digits
from nexio.reception.pins import NewPin, PinBook, Wanted, free_passed
from nexio.reception.registration import NewVisit, gives_token, new_visit
from nexio.reception.registration_texts import Registration
from nexio.reception.tokens import refuse_unplanned_windows, revoke_tokens, start_token
from nexio.reception.visits import (
    PIN_PURPOSE,
    Visit,
    no_such_visit,
    refuse_closed,
    visit_of,
    visits_of,
)
from nexio.store import audit
from nexio.store.batches import batch_of
from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.locking import find_all_locked
from nexio.store.tables import (
    LARGEST_NUMBER,
    AccessTokenRow,
    CheckInRow,
    LocationRow,
    PinRow,
    VisitRow,
)


def reissue(work: Writing, visit_id: int) -> Visit:
    """:func:`reissue_all` for one visit.

    Returns:
        The new visit.

    Raises:
        NotFound: no such visit.
        Refused: it is deleted or over, or a rule of registration forbids it.
    """
    (number,) = reissue_all(work, [visit_id])
    if isinstance(number, NotFound | Refused):
        raise number
    return visit_of(work, work.session.get_one(VisitRow, number))


def reissue_all(work: Writing, numbers: Sequence[int]) -> list[int | NotFound | Refused]:
    """Replace visits by new ones with a new PIN and a new mail, in one transaction.

    Host, notes, check-ins, idempotency key and a given duration are copied; the original is
    deleted, its token revoked and its PIN free.  The visitor gets no cancellation.

    Args:
        work: the transaction.
        numbers: of the visits, each once.

    Returns:
        For each the number of the new visit; or the reason why there is none: there is no such
        visit, or it is deleted or over.

    Raises:
        Refused: a rule of registration forbids one of the others, and so all (R6, R7, R9).
    """
    known = find_all_locked(
        work.session, VisitRow, {each for each in numbers if 0 < each <= LARGEST_NUMBER}
    )
    locations = {
        number: lock_location(work, location_of(work.session.get_one(LocationRow, number)))
        for number in sorted({row.location_id for row in known.values()})
    }
    answers: dict[int, int | NotFound | Refused] = {}
    chosen: dict[int, list[VisitRow]] = {number: [] for number in locations}
    for number in numbers:
        try:
            row = _get_ready(work, known, number, locations)
        except (NotFound, Refused) as error:
            answers[number] = error
        else:
            chosen[row.location_id].append(row)
    for number, rows in chosen.items():
        answers |= _Renewal(work, locations[number], rows).store()
    work.session.flush()
    work.session.expire_all()  # the statements bypassed the loaded rows
    return [answers[number] for number in numbers]


class _Renewal:
    """Reissues visits of one location."""

    def __init__(self, work: Writing, location: Location, old: Sequence[VisitRow]) -> None:
        self._work, self._location, self._old = work, location, old

    def store(self) -> Mapping[int, int]:
        """Replace the visits.

        Returns:
            The numbers of the new visits by those of the old ones.
        """
        if not self._old:
            return {}
        self._delete()  # first, so that no guest counts twice (R9)
        new = self._new_visits()
        refuse_unplanned_windows(self._work, self._location, _windows(new))
        pins = self._draw(new)
        successors = self._insert(new, pins)
        move_waiting(self._work, successors)
        self._audit(successors)
        self._move_check_ins(successors)
        return successors

    def _delete(self) -> None:
        """Delete all but the PINs, which stay live while new ones are drawn: these must differ."""
        session = self._work.session
        gone = {"deleted_at": self._work.now, "idempotency_key": None, "idempotency_digest": None}
        for group in in_groups([old.id for old in self._old]):
            session.execute(
                update(VisitRow)
                .where(VisitRow.id.in_(group))
                .values(**gone, batch=batch_of(session))
                .execution_options(synchronize_session=False)
            )
        revoke_tokens(self._work, [token.id for token in map(_live_token, self._old) if token])

    def _new_visits(self) -> list[NewVisit]:
        """The new visits by today's settings; logins are freed and taken one by one."""
        location, new = self._location, []
        logins = {old.email_key for old in self._old if not old.email}
        for old in self._old:
            as_before = Registration(
                **old.fields_of(Registration),
                duration=old.token_duration,
                has_end=old.ends_at is not None,
            )
            login = None
            if not old.email:
                logins.discard(old.email_key)
                names = old.first_name, old.last_name
                login = free_login(self._work, location, names, logins)
                logins.add(login)
            new.append(new_visit(self._work, location, as_before, login))
        return new

    def _draw(self, new: Sequence[NewVisit]) -> list[NewPin]:
        free_passed(self._work, self._location)
        book = PinBook(self._work, self._location)
        issued = book.issue(
            [
                Wanted(
                    days=visit.days,
                    digits_before=pin_digits(old),
                    days_given_up=days_after_deletion(self._work, old, self._location.zone),
                )
                for old, visit in zip(self._old, new, strict=True)
            ]
        )
        pins = []
        for pin in issued:
            if not isinstance(pin, NewPin):
                raise pin
            pins.append(pin)
        book.save(self._work)
        for group in in_groups([old.id for old in self._old]):
            self._work.session.execute(delete(PinRow).where(PinRow.visit_id.in_(group)))
        return pins

    def _insert(self, new: Sequence[NewVisit], pins: Sequence[NewPin]) -> dict[int, int]:
        work, session, batch = self._work, self._work.session, batch_of(self._work.session)
        visits: list[dict[str, Any]] = [
            visit.values(work.now)
            | {
                "batch": batch,
                "replaces_id": old.id,
                "idempotency_key": old.idempotency_key,
                "idempotency_digest": old.idempotency_digest,
                "pin_sealed": work.keyring.seal(pin.digits, PIN_PURPOSE),
                "pin_digest": pin.digest,
            }
            for old, visit, pin in zip(self._old, new, pins, strict=True)
        ]
        # Matched by the replaced visit, as rows are returned in any order.
        inserted = session.execute(
            insert(VisitRow).returning(VisitRow.replaces_id, VisitRow.id), visits
        )
        successors = {old: number for old, number in inserted if old is not None}
        numbers = [successors[old.id] for old in self._old]
        each_new = list(zip(numbers, new, pins, strict=True))
        tokens = [
            {**asdict(visit.token), "visit_id": number, "issued_at": work.now, "batch": batch}
            for number, visit, _ in each_new
            if visit.token is not None
        ]
        if tokens:
            session.execute(insert(AccessTokenRow), tokens)
        live = [
            {
                "location_id": self._location.id,
                "digest": pin.digest,
                "length": len(pin.digits),
                "visit_id": number,
                "free_at": visit.closes_at,
            }
            for number, visit, pin in each_new
        ]
        session.execute(insert(PinRow), live)
        queue_first_mails(work, [number for number, each, _ in each_new if each.registration.email])
        return successors

    def _audit(self, successors: Mapping[int, int]) -> None:
        acts: list[tuple[str, int, dict[str, Any]]] = []
        for old in self._old:
            if _live_token(old) is not None:
                acts.append(("revoke", old.id, {}))
            acts.append(("reissue", successors[old.id], {"replaces": old.id}))
        audit.record_many(self._work, "visit", acts)

    def _move_check_ins(self, successors: Mapping[int, int]) -> None:
        # An undo of a check-in must not change the new token for an effect on the old one.
        session = self._work.session
        with_check_ins = [old for old in self._old if old.check_ins]
        stays = [(stay, successors[old.id]) for old in with_check_ins for stay in old.check_ins]
        if not stays:
            return
        session.execute(
            update(CheckInRow),
            [
                {"id": stay.id, "visit_id": visit, "started_wifi": False, "ended_wifi": False}
                for stay, visit in stays
            ],
        )
        for stay, _ in stays:
            session.expire(stay)
        waiting = select(VisitRow).join(VisitRow.token).where(AccessTokenRow.valid_from.is_(None))
        for group in in_groups([successors[old.id] for old in with_check_ins]):
            for visit in session.scalars(waiting.where(VisitRow.id.in_(group))).all():
                # The check-in that opens the window has already happened (R16).
                visit.check_ins[0].started_wifi = start_token(self._work, visit)


def _get_ready(
    work: Reading,
    known: Mapping[int, VisitRow],
    number: int,
    locations: Mapping[int, Location],
) -> VisitRow:
    row = known.get(number)
    if row is None:
        raise no_such_visit(str(number))
    refuse_closed(work, row)
    _refuse_over(work, row, locations[row.location_id])
    return row


def _live_token(visit: VisitRow) -> AccessTokenRow | None:
    """The token as loaded, before this transaction revoked it; None if it was not live."""
    return visit.token if visit.token and visit.token.revoked_at is None else None


def _windows(new: Sequence[NewVisit]) -> list[tuple[datetime, datetime]]:
    tokens = [visit.token for visit in new if visit.token is not None]
    return [
        (token.valid_from, token.valid_until)
        for token in tokens
        if token.valid_from is not None and token.valid_until is not None
    ]


def list_without_token(work: Reading, location: Location) -> list[Visit]:
    """The upcoming or current visits that have no token and would get one today.

    Raises:
        Refused: token generation is off, so a reissue would give none.
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
    """The end of the Wi-Fi if the visit were registered now; without Wi-Fi, of the visit."""
    settings = location.settings
    if gives_token(location, row.source) and settings.token_starts == "expected-arrival":
        return row.expected_arrival + (row.token_duration or settings.token_duration)
    return local_day(row.expected_arrival, location.zone)[1]
