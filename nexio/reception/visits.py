"""Find, list and delete visits: who is expected where, and when."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import selectinload

from nexio.errors import NotFound, Refused, Rule
from nexio.input.addresses import ascii_spelling, email_key
from nexio.input.names import full_name, quoted, search_key
from nexio.input.zones import day_end, day_start, local_day, show
from nexio.keys.purposes import VISIT_PIN
from nexio.languages import mark
from nexio.locations.locations import Location, get_location, location_of
from nexio.outbox.outbox import MailState, mail_states, queue_cancellation
from nexio.reception.sealed_pins import pin_of
from nexio.reception.tokens import Token, TokenState, end_token, token_of
from nexio.store import audit, tables
from nexio.store.engine import Reading, Writing
from nexio.store.groups import LARGEST_GROUP, in_groups
from nexio.store.locking import find_locked
from nexio.store.planning import prefer_indexes
from nexio.store.tables import (
    CUT_OFF,
    LARGEST_NUMBER,
    CheckInRow,
    VisitRow,
    parse_number,
)

PIN_PURPOSE = VISIT_PIN


class VisitState(StrEnum):
    """The state of a visit at a moment."""

    EXPECTED = "expected"
    CHECKED_IN = "checked_in"
    CHECKED_OUT = "checked_out"
    DELETED = "deleted"
    EXPIRED = "expired"
    """Not checked in, and closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A stay in the building (R14)."""

    in_at: datetime
    out_at: datetime | None
    """None while it goes on; the cut-off ends it, too."""

    cut_off: bool
    """Whether the cut-off ended it, not a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visitor, expected once; all times are in UTC."""

    id: int
    first_name: str
    last_name: str
    email: str
    """Empty if the visitor has none."""

    host: str | None
    company: str | None
    phone: str | None
    notes: str | None
    location: Location
    source: str
    expected_arrival: datetime
    pin: str = field(repr=False)
    """Empty if it cannot be decrypted: the other fields are still shown."""

    state: VisitState
    token: Token | None
    mail: MailState
    """State of the latest registration e-mail."""

    replaces: int | None
    login: str
    """What the guest types if the PIN alone does not log in: the e-mail, else a name."""

    group: str | None
    token_duration: timedelta | None
    """Duration of the Wi-Fi, if it was given (R2)."""

    max_devices: int | None
    """The number of devices, if it was given (R18); 0 is no limit."""

    registered_at: datetime
    registered_by: str | None
    """The operator, from the audit; None if the audit no longer has it."""

    check_ins: tuple[Stay, ...]
    """In order."""

    language: str | None
    """Of the mails to the visitor; None is the location's."""

    @property
    def name(self) -> str:
        """First and last name."""
        return full_name(self.first_name, self.last_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFilter:
    """The visits to list; empty fields do not narrow."""

    day: date | None = None
    """Arrival on that local day."""

    state: VisitState | None = None
    token_state: TokenState | None = None
    with_token: bool = False
    comes_today: bool = False
    """Visits that may check in today (R15): they arrive before its end, and are not over."""

    search: str = ""
    """Part of a name, an address, a host or a company, in any case."""

    group: str | None = None
    """However its name is typed."""

    past_and_deleted: bool = False
    """Also visits that arrived before today, and deleted ones."""

    after: int | None = None
    """The number of a visit; the list continues after it."""

    limit: int | None = None
    """The largest number of visits."""


def list_visits(work: Reading, location: Location, which: VisitFilter) -> list[Visit]:
    """The location's visits by arrival.

    Raises:
        NotFound: there is no visit with the number to continue after.
    """
    return list(each_visit(work, location, which))


def each_visit(work: Reading, location: Location, which: VisitFilter) -> Iterator[Visit]:
    """:func:`list_visits` as an iterator that reads from the store in parts.

    Raises:
        NotFound: as :func:`list_visits`; at once.
    """
    query = _narrowed(_visits(), work, location, which)
    if not (which.state or which.token_state or which.with_token or which.search):
        query = query.limit(which.limit)
    if which.search:
        parts = _searched(work, query, which.search)
    else:
        # PostgreSQL guesses the number of visits, and may read all tokens to join a few.
        apart = query.options(selectinload(VisitRow.token))
        streamed = apart.execution_options(yield_per=LARGEST_GROUP)
        parts = (part for part in work.session.scalars(streamed).partitions())
    found = (visit for part in parts for visit in visits_of(work, part) if _chosen(visit, which))
    return itertools.islice(found, which.limit)


def find_visit(work: Reading, visit_id: int) -> Visit | None:
    """The visit of that number, also a deleted one, or None."""
    row = work.session.get(VisitRow, visit_id) if 0 < visit_id <= LARGEST_NUMBER else None
    return None if row is None else visit_of(work, row)


def get_visit(work: Reading, which: str, location_name: str | None) -> Visit:
    """The visit that a person means by its number, or by the visitor's e-mail.

    Args:
        work: the read transaction.
        which: a number, or an address with one visit that is neither deleted nor over.
        location_name: where to look for an address; None is the only location.

    Raises:
        NotFound: no such visit.
        Refused: an address with several visits; the message lists them.
    """
    number = parse_number(which)
    if number is not None:
        visit = find_visit(work, number)
        if visit is None:
            raise no_such_visit(which)
        return visit
    visits = find_visits_by_email(work, get_location(work, location_name), which)
    if not visits:
        raise no_such_visit(f"of {quoted(which)}")
    if len(visits) > 1:
        several = ", ".join(
            f"{visit.id} ({show(visit.expected_arrival, visit.location.zone)})" for visit in visits
        )
        raise Refused(f"{quoted(which)} has several visits: {several}", "Say the number.")
    return visits[0]


def get_visits(work: Reading, which: Sequence[str], location_name: str | None) -> list[Visit]:
    """:func:`get_visit` for several, in order and without duplicates."""
    numbers = [number for each in which if (number := parse_number(each)) is not None]
    known = {visit.id: visit for visit in visits_of_numbers(work, numbers)}
    found: dict[int, Visit] = {}
    for each in which:
        number = parse_number(each)
        visit = known.get(number) if number is not None else get_visit(work, each, location_name)
        if visit is None:
            raise no_such_visit(each)
        found.setdefault(visit.id, visit)
    return list(found.values())


def visits_of_numbers(work: Reading, numbers: Sequence[int]) -> Iterator[Visit]:
    """The visits of some numbers, in order, including deleted ones; read in parts."""
    for group in in_groups(numbers):
        rows = {
            row.id: row for row in work.session.scalars(_visits().where(VisitRow.id.in_(group)))
        }
        yield from visits_of(work, [rows[number] for number in group if number in rows])


def find_visits_by_email(work: Reading, location: Location, email: str) -> list[Visit]:
    """The visits of an address at a location that are neither deleted nor over."""
    query = _visits().where(
        VisitRow.location_id == location.id,
        VisitRow.email_key == email_key(email),
        VisitRow.deleted_at.is_(None),
        VisitRow.closes_at > work.now,
    )
    return visits_of(work, work.session.scalars(query))


def is_login(work: Reading, text: str) -> bool:
    """Whether any visit has that e-mail or login, even a past or a deleted one."""
    known = select(VisitRow.id).where(VisitRow.email_key == email_key(text)).limit(1)
    return work.session.scalar(known) is not None


def numbers_of(work: Reading, which: str) -> list[int]:
    """The given number, or those of all visits of an e-mail, whatever their state.

    Raises:
        NotFound: the e-mail had no visit.
    """
    number = parse_number(which)
    if number is not None:  # even of an erased visit
        return [number]
    found = select(VisitRow.id).where(VisitRow.email_key == email_key(which))
    numbers = list(work.session.scalars(found))
    if not numbers:
        raise no_such_visit(which)
    return numbers


def get_group(work: Reading, name: str, location_name: str | None) -> list[Visit]:
    """The visits of a group at a location that are neither deleted nor over, by arrival.

    Raises:
        NotFound: there is none.
    """
    location = get_location(work, location_name)
    query = _visits().where(
        VisitRow.location_id == location.id,
        VisitRow.group_key == search_key(name.strip()),
        VisitRow.deleted_at.is_(None),
        VisitRow.closes_at > work.now,
    )
    visits = visits_of(work, work.session.scalars(query))
    if not visits:
        raise NotFound(
            f"there is no group {quoted(name)} at {location.name}, or all its visits are over",
            "See the visits and their groups with: nexio visitor list --json",
        )
    return visits


def delete_visit(work: Writing, visit_id: int, *, mail: bool = True) -> Visit:
    """Cancel a visit: its token is revoked and its PIN is free (R13).

    Args:
        work: the transaction.
        visit_id: the visit's number.
        mail: notify the visitor, if they got a mail about the visit and it is not over.

    Raises:
        NotFound: no such visit.
        Refused: it was deleted before, or reissued.
    """
    from nexio.reception.pin_days import stop_counting  # noqa: PLC0415 (who reads needs none of it)

    row = get_row(work, visit_id)
    if row.deleted_at is not None:
        gone = deleted(work, row.id)
        if gone.rule is Rule.REPLACED:
            raise gone
        raise Refused(f"visit {visit_id} was deleted before", "There is nothing to do.")
    row.deleted_at = work.now
    end_token(work, row)
    work.session.execute(delete(tables.PinRow).where(tables.PinRow.visit_id == visit_id))
    stop_counting(work, row)
    if mail and row.closes_at > work.now:
        queue_cancellation(work, visit_id)
    audit.record(work, "delete", "visit", visit_id)
    return visit_of(work, row)


def visit_of(work: Reading, row: VisitRow) -> Visit:
    """Make a visit from a row, as of now, detached from the store and with its PIN decrypted."""
    return visits_of(work, [row])[0]


def new_visit_of(work: Writing, row: VisitRow) -> Visit:
    """:func:`visit_of` for a visit that this transaction has registered, without any query."""
    mail = MailState.QUEUED if row.email else MailState.NONE
    return _visit_of(work, row, mail, work.operator)


def visits_of(work: Reading, rows: Iterable[VisitRow]) -> list[Visit]:
    """:func:`visit_of` for many rows, in order; faster than one by one."""
    rows = list(rows)
    numbers = [row.id for row in rows]
    mails = mail_states(work, numbers)
    operators = audit.operators_of(work, "visit", numbers, ["register", "reissue"])
    return [_visit_of(work, row, mails[row.id], operators.get(row.id)) for row in rows]


def _visit_of(work: Reading, row: VisitRow, mail: MailState, operator: str | None) -> Visit:
    return Visit(
        **row.fields_of(Visit),
        location=location_of(row.location),
        pin=pin_of(work, row, PIN_PURPOSE),
        state=_state(row, work.now),
        token=None if row.token is None else token_of(row.token, work.now),
        mail=mail,
        replaces=row.replaces_id,
        login=row.email or row.email_key,
        group=row.group_name,
        registered_by=operator,
        check_ins=tuple(_stay_of(each, work.now) for each in row.check_ins),
    )


def _stay_of(row: CheckInRow, now: datetime) -> Stay:
    is_over = row.out_at is None and now >= row.cut_off_at
    return Stay(
        in_at=row.in_at,
        out_at=row.cut_off_at if is_over else row.out_at,
        cut_off=is_over or row.out_method == CUT_OFF,
    )


def no_such_visit(which: str) -> NotFound:
    """The error for a number or an address without a visit."""
    return NotFound(
        f"there is no visit {which}", "See the visits with: nexio visitor list (--all for old ones)"
    )


def get_row(work: Writing, visit_id: int) -> VisitRow:
    """The row of that number, locked until this transaction ends.

    Raises:
        NotFound: no such visit.
    """
    known = 0 < visit_id <= LARGEST_NUMBER
    row = find_locked(work.session, VisitRow, visit_id) if known else None
    if row is None:
        raise no_such_visit(str(visit_id))
    return row


def get_open_row(work: Writing, visit_id: int) -> VisitRow:
    """:func:`get_row` for a visit that is neither deleted nor over.

    Raises:
        NotFound: no such visit.
        Refused: it is deleted or over.
    """
    row = get_row(work, visit_id)
    refuse_closed(work, row)
    return row


def refuse_closed(work: Reading, row: VisitRow) -> None:
    """Refuse a visit that is deleted or over.

    Raises:
        Refused: it is deleted or over.
    """
    if row.deleted_at is not None:
        raise deleted(work, row.id)
    if row.closes_at <= work.now:
        over = show(row.closes_at, location_of(row.location).zone)
        raise Refused(f"visit {row.id} was over at {over}", "Register the visitor again.")


def deleted(work: Reading, visit_id: int) -> Refused:
    """The error for an action on a deleted visit."""
    successor = work.session.scalar(select(VisitRow.id).where(VisitRow.replaces_id == visit_id))
    if successor is None:
        return Refused(
            mark("visit %(number)d was deleted", number=visit_id),
            mark("Register the visitor again."),
            rule=Rule.DELETED,
        )
    return Refused(
        mark("visit %(number)d was reissued as visit %(new)d", number=visit_id, new=successor),
        mark("The new PIN and code are those of visit %(new)d.", new=successor),
        rule=Rule.REPLACED,
    )


_arrival = func.coalesce(VisitRow.expected_arrival, VisitRow.opens_at)
"""The expected arrival as an expression for which SQLite has no index: else it would read all past
visits of a location in the order of arrivals, to find those that are not over."""


def _visits() -> Select[VisitRow]:
    return select(VisitRow).order_by(VisitRow.expected_arrival, VisitRow.id)


def _narrowed(
    query: Select[VisitRow], work: Reading, location: Location, which: VisitFilter
) -> Select[VisitRow]:
    zone = location.zone
    query = query.where(VisitRow.location_id == location.id)
    if which.day is not None:
        begin, end = day_start(which.day, zone), day_end(which.day, zone)
        query = query.where(VisitRow.expected_arrival >= begin, VisitRow.expected_arrival < end)
    elif not which.past_and_deleted and which.state is None:
        prefer_indexes(work.session)
        # A visit of yesterday whose window continues after midnight is still a visit of today.
        query = query.where(VisitRow.closes_at > local_day(work.now, zone)[0])
        query = query.order_by(None).order_by(_arrival, VisitRow.id)
    if which.after is not None:
        last = find_visit(work, which.after)
        if last is None:
            raise no_such_visit(str(which.after))
        arrival = VisitRow.expected_arrival
        same = (arrival == last.expected_arrival) & (VisitRow.id > last.id)
        query = query.where((arrival > last.expected_arrival) | same)
    if which.group is not None:
        query = query.where(VisitRow.group_key == search_key(which.group.strip()))
    if which.comes_today:
        query = query.where(_arrival < local_day(work.now, zone)[1])
    if not which.past_and_deleted and which.state is not VisitState.DELETED:
        query = query.where(VisitRow.deleted_at.is_(None))
    return query


def _searched(work: Reading, query: Select[VisitRow], words: str) -> Iterator[Sequence[VisitRow]]:
    """The visits that contain the words.

    Compared in Python: the databases disagree on upper and lower case, each by its own locale.
    """
    wanted = search_key(words.strip())
    searched = query.with_only_columns(
        VisitRow.id,
        func.trim(VisitRow.first_name + " " + VisitRow.last_name),
        *(VisitRow.email, VisitRow.host, VisitRow.company),
    )
    numbers = [
        number
        for number, name, email, host, company in work.session.execute(
            searched.execution_options(yield_per=LARGEST_GROUP)
        )
        if any(
            wanted in search_key(text)
            for text in (name, email, ascii_spelling(email), host, company)
            if text
        )
    ]
    for group in in_groups(numbers):
        yield work.session.scalars(query.where(VisitRow.id.in_(group))).all()


def _chosen(visit: Visit, which: VisitFilter) -> bool:
    if visit.token is None and which.with_token:
        return False
    token_state = None if visit.token is None else visit.token.state
    return which.state in {None, visit.state} and which.token_state in {None, token_state}


def _state(row: VisitRow, now: datetime) -> VisitState:
    if row.deleted_at is not None:
        return VisitState.DELETED
    if row.check_ins:
        last = row.check_ins[-1]
        is_in = last.out_at is None and now < last.cut_off_at
        return VisitState.CHECKED_IN if is_in else VisitState.CHECKED_OUT
    return VisitState.EXPECTED if now < row.closes_at else VisitState.EXPIRED
