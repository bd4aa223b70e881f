"""Exports and erases all data about a person, found by e-mail.

A person is all visits and members with one e-mail, at every location, and all that refers to them;
what was typed or reported under that e-mail without leading to anybody; and what their devices did
without leading to anybody.  The name is removed from texts about others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from nexio.checkin.taps import Direction, tap_of
from nexio.errors import InvalidValue, NotFound, Refused
from nexio.input.addresses import ascii_spelling, email_key
from nexio.input.names import full_name, spelling_pattern
from nexio.locations.locations import list_locations
from nexio.network.masking import MASK, mask_pins
from nexio.network.session_updates import wait_for_accounting
from nexio.network.sessions import WifiSession, sessions_of
from nexio.operations.pruning import forget_members, forget_visits
from nexio.outbox.outbox import MailState
from nexio.reception.members import remove_member
from nexio.reception.visits import delete_visit
from nexio.store import audit
from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import (
    AccessTokenRow,
    AuditRow,
    AuthEventRow,
    CheckInRow,
    DeviceRow,
    GuardActRow,
    MemberPassRow,
    MemberRow,
    OfflineTapRow,
    OutboxRow,
    Row,
    VisitRow,
    WifiSessionRow,
)

ERASED: Final = "(erased)"
"""Replaces an erased person in a text about others."""

_TABLES: Final[dict[str, type[Row]]] = {
    "visits": VisitRow,
    "tokens": AccessTokenRow,
    "devices": DeviceRow,
    "check_ins": CheckInRow,
    "members": MemberRow,
    "passes": MemberPassRow,
    "sessions": WifiSessionRow,
    "decisions": AuthEventRow,
    "guesses": GuardActRow,
    "mails": OutboxRow,
    "taps": OfflineTapRow,
    "audit": AuditRow,
}
"""The tables by their names in an export; PINs are only digests in other tables."""

_ABOUT_OTHERS: Final = ("host", "company", "phone", "notes")
"""Fields of a visit that may name somebody else."""

_OURS: Final = {"batch", "email_key", "group_key", "location_id", "key", "sender", "record_id"}
"""Columns that say nothing about the person, or repeat another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The values by which a person is found in the store."""

    email: str = field(repr=False)
    spellings: tuple[str, ...] = field(repr=False)
    """Spellings of the e-mail, in lower case."""

    masked: tuple[str, ...] = field(repr=False)
    """What the log has for an e-mail that looks like a PIN, as long as nobody had that e-mail."""

    names: tuple[str, ...] = field(repr=False)
    """First and last name, in both orders; a person with only one name is not searched by it."""

    visits: tuple[int, ...]
    members: tuple[int, ...]
    devices: tuple[str, ...] = field(repr=False)
    user_names: tuple[str, ...] = field(default=(), repr=False)
    """Names in the log and in sessions that contain the e-mail, such as " Zoe@EXAMPLE.com"."""

    def is_about(self, user_name: str, device: str | None, visit_id: int | None) -> bool:
        """Whether a decision or a record of accounting is about this person."""
        if visit_id is not None and visit_id in self.visits:
            return True
        named = _email_in(self.spellings).search(user_name) or user_name in self.masked
        return bool(named) or (visit_id is None and device is not None and device in self.devices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much was erased."""

    visits: int
    members: int
    sessions: int
    decisions: int
    mails: int
    mentions: int
    """Texts about others that named the person."""


def get_person(work: Reading, email: str) -> Person:
    """Find a person.

    Raises:
        NotFound: nothing is stored about this e-mail.
        InvalidValue: it is empty.
    """
    key = email_key(email)
    if not key.strip():  # every text contains it
        raise InvalidValue("the e-mail is empty", "Say whose: an e-mail, or a login.")
    visits = work.session.scalars(
        select(VisitRow).where(VisitRow.email_key == key).order_by(VisitRow.id)
    ).all()
    members = work.session.scalars(select(MemberRow).where(MemberRow.email_key == key)).all()
    both: list[VisitRow | MemberRow] = [*visits, *members]
    written = [email.strip(), key, *(row.email for row in both if row.email)]
    spellings = {each.lower() for each in (*written, *map(ascii_spelling, written))}
    masks = {mask_pins(each, lambda _: False) for each in spellings}
    numbers = tuple(row.id for row in visits)
    person = Person(
        email=email.strip(),
        spellings=tuple(sorted(spellings)),
        masked=tuple(each for each in masks if MASK in each and each != MASK),
        names=tuple(
            sorted(
                {
                    full_name(*names)
                    for row in both
                    if _two(row)
                    for names in permutations((row.first_name, row.last_name))
                }
            )
        ),
        visits=numbers,
        members=tuple(row.id for row in members),
        devices=tuple(sorted(_devices(work, numbers))),
    )
    columns = [each.user_name for each in (AuthEventRow, WifiSessionRow)]
    names = {name for column in columns for name in _naming(work, column, person)}
    person = replace(person, user_names=(*sorted(names), *person.masked))
    held = any(work.count(which) for which in _conditions(person).values())
    if not (held or _naming(work, OutboxRow.to_address, person) or _mentions(work, person)):
        raise NotFound(
            f"nothing is held about {email}", "See how it is written: nexio visitor list --all"
        )
    return person


def _two(row: VisitRow | MemberRow) -> bool:
    return bool(row.first_name and row.last_name)


def _devices(work: Reading, visits: Iterable[int]) -> set[str]:
    """The devices that logged in with a PIN of these visits."""
    found: set[str] = set()
    for group in in_groups([*visits]):
        accepted = (AuthEventRow.outcome == "accept") & AuthEventRow.visit_id.in_(group)
        for query in (
            select(DeviceRow.mac).where(DeviceRow.visit_id.in_(group)),
            select(WifiSessionRow.device).where(WifiSessionRow.visit_id.in_(group)),
            select(AuthEventRow.device).where(accepted),
        ):
            found.update(each for each in work.session.scalars(query.distinct()) if each)
    return found


def _holds(column: InstrumentedAttribute[Any], texts: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column contains a text; PostgreSQL may not know the lower case of every letter."""
    return or_(
        *(func.lower(column).contains(text.lower(), autoescape=True) for text in texts),
        *(column.contains(text, autoescape=True) for text in texts),
    )


def _naming(work: Reading, column: InstrumentedAttribute[Any], person: Person) -> list[str]:
    """The values of a column that contain the person's e-mail, not only a longer one."""
    found = work.session.scalars(select(column).where(_holds(column, person.spellings)).distinct())
    pattern = _email_in(person.spellings)
    return [value for value in found if pattern.search(value)]


def _conditions(person: Person) -> dict[type[Row], ColumnElement[bool]]:
    """The conditions for the rows of each table that are about the person and nobody else."""
    visits, members = person.visits, person.members

    def logged(table: type[AuthEventRow | WifiSessionRow]) -> ColumnElement[bool]:
        named = table.user_name.in_(person.user_names)
        theirs = table.device.in_(person.devices)
        return or_(table.visit_id.in_(visits), and_(table.visit_id.is_(None), or_(named, theirs)))

    def of_either(table: type[CheckInRow | OutboxRow]) -> ColumnElement[bool]:
        return or_(table.visit_id.in_(visits), table.member_id.in_(members))

    sessions = logged(WifiSessionRow)
    passes = select(MemberPassRow.id).where(MemberPassRow.member_id.in_(members))
    taps = OfflineTapRow.visit_id.in_(visits)
    subjects = {
        "visit": AuditRow.subject_id.in_(visits),
        "member": AuditRow.subject_id.in_(members),
        "session": AuditRow.subject_id.in_(select(WifiSessionRow.id).where(sessions)),
        "tap": AuditRow.subject_id.in_(select(OfflineTapRow.id).where(taps)),
        "pass": AuditRow.subject_id.in_(passes)
        | AuditRow.details["member"].as_integer().in_(members),
    }
    nobody = GuardActRow.visit_id.is_(None) & GuardActRow.device.in_(person.devices)
    return {
        AuditRow: or_(*(and_(AuditRow.subject == name, of) for name, of in subjects.items())),
        WifiSessionRow: sessions,
        AuthEventRow: logged(AuthEventRow),
        GuardActRow: GuardActRow.visit_id.in_(visits) | nobody,
        OfflineTapRow: taps,
        DeviceRow: DeviceRow.visit_id.in_(visits),
        AccessTokenRow: AccessTokenRow.visit_id.in_(visits),
        CheckInRow: of_either(CheckInRow),
        OutboxRow: of_either(OutboxRow),
        MemberPassRow: MemberPassRow.member_id.in_(members),
        MemberRow: MemberRow.id.in_(members),
        VisitRow: VisitRow.id.in_(visits),
    }


def export_person(work: Writing, person: Person) -> dict[str, Any]:
    """All stored data, in plain values: no PIN, no secret, and no digest of one.

    The audit notes that somebody's data was exported, but not whose.
    """
    conditions, places = _conditions(person), {each.id: each.name for each in list_locations(work)}
    exported: dict[str, Any] = {"email": person.email}
    for name, table in _TABLES.items():
        rows = work.session.scalars(
            select(table).where(conditions[table]).order_by(*table.__table__.primary_key)
        )
        exported[name] = [_plain(row, places) for row in rows.unique()]
    exported["mentions"] = [
        {"visit": row.id, "field": column} for row, column in _mentions(work, person)
    ]
    counts = {name: len(rows) for name, rows in exported.items() if name != "email" and rows}
    audit.record(work, "export", "person", 0, counts)
    return exported


def _plain(row: Row, places: Mapping[int, str]) -> dict[str, Any]:
    """A row as JSON values, without sealed values and digests, which are octets."""
    values = {column.name: getattr(row, column.key) for column in row.__table__.columns}
    plain = {
        name: _value(value)
        for name, value in values.items()
        if name not in _OURS and not isinstance(value, bytes) and not name.endswith("_sealed")
        if not name.endswith("_digest")
    }
    if "location_id" in values:
        plain["location"] = places.get(values["location_id"] or 0)
    return plain


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return int(value.total_seconds()) if isinstance(value, timedelta) else value


def refuse_inside(work: Reading, person: Person) -> None:
    """Refuse while the person is checked in: the list of people inside is for evacuations, too.

    Raises:
        Refused: the person is checked in.
    """
    inside = CheckInRow.out_at.is_(None), CheckInRow.cut_off_at > work.now
    stays = select(CheckInRow).where(_conditions(person)[CheckInRow], *inside)
    stay = work.session.scalars(stays.order_by(CheckInRow.id)).first()
    if stay is not None:
        tap = tap_of(stay, Direction.IN)
        option = "--member" if tap.kind == "member" else "--visit"
        raise Refused(
            f"{tap.name} is in the building at {tap.location.name}",
            f"Check them out first: nexio checkout {option} {tap.id}",
        )


def end_access(work: Writing, person: Person) -> list[WifiSession]:
    """Revoke the person's PINs and tokens, without mail; servers follow within a second.

    Returns:
        The person's open Wi-Fi sessions.

    Raises:
        Refused: the person is in the building.
    """
    refuse_inside(work, person)
    for row in work.session.scalars(
        select(VisitRow).where(VisitRow.id.in_(person.visits), VisitRow.deleted_at.is_(None))
    ).unique():
        delete_visit(work, row.id, mail=False)
    for number in work.session.scalars(
        select(MemberRow.id).where(MemberRow.id.in_(person.members), MemberRow.removed_at.is_(None))
    ):
        remove_member(work, number)
    work.session.flush()
    waits = OutboxRow.state == MailState.QUEUED.value
    work.session.execute(delete(OutboxRow).where(_conditions(person)[OutboxRow], waits))
    return open_sessions(work, person)


def open_sessions(work: Reading, person: Person) -> list[WifiSession]:
    """The person's open Wi-Fi sessions."""
    which = _conditions(person)[WifiSessionRow] & WifiSessionRow.ended_at.is_(None)
    numbers = work.session.scalars(select(WifiSessionRow.id).where(which)).all()
    return [each for group in in_groups(numbers) for each in sessions_of(work, group)]


def erase_person(work: Writing, person: Person) -> Erased:
    """Delete all stored data; the audit notes that somebody was erased, but not who."""
    conditions = _conditions(person)
    mentions = _erase_mentions(work, person)
    _let_visits_go(work, person)
    erased = Erased(
        visits=len(person.visits),
        members=len(person.members),
        sessions=work.count(conditions[WifiSessionRow]),
        decisions=work.count(conditions[AuthEventRow]),
        mails=work.count(conditions[OutboxRow]),
        mentions=mentions,
    )
    wait_for_accounting(work)  # before the first session is locked
    # Audit entries about sessions, taps and passes before the rows that they are about.
    for table in (AuditRow, WifiSessionRow, AuthEventRow, GuardActRow, OfflineTapRow, OutboxRow):
        work.session.execute(delete(table).where(conditions[table]))
    for group in in_groups(person.visits):
        forget_visits(work, group)
    forget_members(work, person.members)
    _clean_logs(work, person)
    counts = {name: getattr(erased, name) for name in Erased.__slots__ if getattr(erased, name)}
    audit.record(work, "erase", "person", 0, counts)
    return erased


def _let_visits_go(work: Writing, person: Person) -> None:
    """Keep visits of others that the person registered as a member, now as visits of the desk."""
    theirs = VisitRow.member_id.in_(person.members) & VisitRow.id.not_in(person.visits)
    for visit in work.session.scalars(select(VisitRow).where(theirs)).unique():
        visit.source, visit.member, visit.member_id, visit.host = "admin", None, None, None
    work.session.flush()


def _mentions(work: Reading, person: Person) -> list[tuple[VisitRow, str]]:
    """Visits of others that name the person, and the field."""
    # Another spelling has the same longest word; the pattern decides.
    texts = (*person.spellings, *{_longest_word(name) for name in person.names})
    found = []
    for name in _ABOUT_OTHERS:
        column = getattr(VisitRow, name)
        others = VisitRow.id.not_in(person.visits) & column.is_not(None)
        rows = work.session.scalars(select(VisitRow).where(others, _holds(column, texts))).unique()
        pattern = _pattern(person)
        found += [(row, name) for row in rows if pattern.search(getattr(row, name))]
    return found


def _erase_mentions(work: Writing, person: Person) -> int:
    found = _mentions(work, person)
    pattern = _pattern(person)
    for row, name in found:
        left = pattern.sub(ERASED, getattr(row, name))
        setattr(row, name, None if left.strip() == ERASED else left)
    work.session.flush()
    return len(found)


def _clean_logs(work: Writing, person: Person) -> None:
    """Remove the person's e-mail from rows that are about others."""
    nobody = {"to_name": None, "to_address": None, "answer": None}
    for column, left in (
        (OutboxRow.to_address, nobody),
        (OutboxRow.answer, {"answer": None}),
        (AuthEventRow.user_name, {"user_name": ""}),
        (WifiSessionRow.user_name, {"user_name": ""}),
        (AuditRow.operator, {"operator": ERASED}),
    ):
        for value in _naming(work, column, person):
            work.session.execute(update(column.class_).where(column == value).values(left))


def _email_in(spellings: Collection[str]) -> re.Pattern[str]:
    """Matches an e-mail or a login in a text, but not as part of a longer one."""
    at = "" if any("@" in each for each in spellings) else "@"  # li.wei is not li.wei@example.com
    before, after = rf"(?<![\w.+%{at}-])", rf"(?![\w{at}-])(?!\.\w)"
    return re.compile(f"{before}(?:{_any_of(spellings)}){after}", re.IGNORECASE)


def _pattern(person: Person) -> re.Pattern[str]:
    """Matches the person in a text: by e-mail, or by name as whole words."""
    email = _email_in(person.spellings).pattern
    spelled = "|".join(map(spelling_pattern, person.names))
    names = rf"|(?<!\w)(?:{spelled})(?!\w)" if person.names else ""
    return re.compile(email + names, re.IGNORECASE)


def _longest_word(name: str) -> str:
    return max(re.split(r"\W+", name), key=len)


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
