"""Register the visitors of a spreadsheet: all of them or none (R1 to R3, R6, R7, R9, R20).

First the whole file is read and checked by the rules of a single registration, without any lock;
then all visits are stored at once.  The transaction that stores them checks for changes by others
since then; if any of them matters, everything is done again.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from nexio.errors import InvalidValue, NexioError, Refused
from nexio.input.addresses import email_key
from nexio.input.arrivals import parse_expected
from nexio.input.names import full_name, search_key
from nexio.input.spreadsheets import SheetRow, read_rows
from nexio.input.zones import show
from nexio.locations.locations import Location, get_location, lock_location, zone_for_entry
from nexio.reception.logins import free_login
from nexio.reception.pins import NewPin, PinBook, Wanted
from nexio.reception.registration import NewVisit, new_visit, refuse_useless
from nexio.reception.registration_texts import (
    Allowed,
    Registration,
    find_faults,
    read_registration,
)
from nexio.reception.staging import Ready, Stage, Watch, staged
from nexio.reception.tokens import refuse_more_than_planned
from nexio.reception.visits import PIN_PURPOSE
from nexio.store.engine import Reading, Store, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import ChangeRow, PinRow, StoreRevisionRow, VisitRow

_TRIES: Final = 4
_CHUNK: Final = 500
_NAME: Final = "name "
"""Prefix of the key of a person without an e-mail; no e-mail has a blank."""

COLUMNS: Final = {
    **dict.fromkeys(["first name", "firstname", "given name", "forename"], "first_name"),
    **dict.fromkeys(["last name", "lastname", "surname", "family name"], "last_name"),
    **dict.fromkeys(["email", "e mail", "mail", "email address", "e mail address"], "email"),
    **dict.fromkeys(["arrival", "expected arrival"], "arrival"),
    **dict.fromkeys(["until", "wi fi until"], "until"),
    "duration": "duration",
    "host": "host",
    "company": "company",
    **dict.fromkeys(["phone", "telephone"], "phone"),
    **dict.fromkeys(["notes", "note"], "notes"),
    **dict.fromkeys(["pin", "code"], "pin"),
    "devices": "devices",
    "group": "group",
    "language": "language",
}
"""The possible headers of a file's columns, and our names for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of an import."""

    group: str | None = None
    """The group for rows without one."""

    skip_duplicates: bool = False
    """Skip visitors who are expected at the same time already, instead of refusing the file."""

    far: bool = False
    """Accept an arrival without a year that is far away."""

    allowed: Allowed = field(default_factory=Allowed)
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about a row of the file."""

    line: int
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The result of an import."""

    location: Location
    ready: int
    """The number of rows that can be registered."""

    visits: Sequence[int] = ()
    """The numbers of the new visits; empty if there were faults, or in a dry run."""

    duplicates: Sequence[Remark] = ()
    faults: Sequence[Remark] = ()


class _Overtaken(Exception):
    """Somebody else has made a relevant change since the file was checked."""


def import_visits(
    store: Store, location_name: str | None, file: BinaryIO, wishes: Wishes, watch: Watch
) -> Imported:
    """Register the visitors of a file, if there is no fault in any row.

    Args:
        store: the store.
        location_name: where; None is the only location.
        file: a seekable file.
        wishes: the options.
        watch: reports progress.

    Raises:
        NotFound: no such location.
        InvalidValue: the file has no header, or an invalid one.
        Refused: more guests than planned (R9), or others change the same data again and again.
    """
    for _ in range(_TRIES):
        file.seek(0)
        with staged(store) as stage:
            with store.read() as work:
                reader = _Reader(work, get_location(work, location_name), stage, wishes)
                imported = reader.read(file, watch)
            stage.close()
            if imported.faults or wishes.dry_run or not stage.count:
                return imported
            try:
                return replace(imported, visits=_store(store, stage, reader, watch))
            except _Overtaken:
                continue
    raise Refused(
        "others have changed the same visits or PINs meanwhile, again and again",
        "Nothing was registered. Run it again.",
    )


class _Reader:
    """Reads a file and checks its rows."""

    def __init__(self, work: Reading, location: Location, stage: Stage, wishes: Wishes) -> None:
        self._work, self.location, self._stage, self._wishes = work, location, stage, wishes
        zone_for_entry(location)
        revision = work.session.scalars(select(StoreRevisionRow)).one()
        self.number, self.epoch = revision.number, (revision.epoch, work.keyring.active)
        self.book = PinBook(work, location)
        self._logins: set[str] = set()
        self._without_email: dict[tuple[str, datetime], int] = {}
        """The lines of visitors without an e-mail, by person and arrival."""
        self._duplicates: list[Remark] = []
        self._faults: list[Remark] = []

    def read(self, file: BinaryIO, watch: Watch) -> Imported:
        """Stage the valid rows, and collect the faults of the others."""
        size = file.seek(0, 2)
        file.seek(0)
        for chunk in _chunks(read_rows(file, COLUMNS)):
            self._take(chunk)
            watch.step("reading", min(file.tell(), size), size)
        if not self._faults and self.location.settings.wifi_login == "pin":
            refuse_more_than_planned(self._work, self.location, self._stage.windows())
        return Imported(
            location=self.location,
            ready=self._stage.count,
            duplicates=self._duplicates,
            faults=sorted(self._faults, key=lambda fault: fault.line),
        )

    def _take(self, rows: Sequence[SheetRow]) -> None:
        read = [(row.line, found) for row in rows if (found := self._registration(row)) is not None]
        new = [
            (line, visit)
            for line, registration in self._without_twins(read)
            if (visit := self._visit(line, registration)) is not None
        ]
        pins = self.book.issue([_wanted(visit) for _, visit in new])
        ready = []
        for (line, visit), pin in zip(new, pins, strict=True):
            if isinstance(pin, NewPin):
                ready.append(self._ready(line, visit, pin))
            else:
                self._fault(line, pin)
        self._stage.add(ready, self._work.now)

    def _registration(self, row: SheetRow) -> Registration | None:
        if row.fault is not None:
            self._fault(row.line, row.fault)
            return None
        texts = self._texts(row)
        try:
            registration = read_registration(
                texts, self._work.now, self.location, None, self._wishes.allowed
            )
            self._refuse_far(texts["expected_arrival"] or "")
        except (InvalidValue, Refused) as error:
            faults = find_faults(texts, self._work.now, self.location, self._wishes.allowed)
            for fault in faults.values() or (error,):
                self._fault(row.line, fault)
            return None
        return registration

    def _texts(self, row: SheetRow) -> dict[str, str | None]:
        """The cells by the field names of a registration; empty cells are ignored."""
        texts: dict[str, str | None] = {
            name: cell for name, cell in row.cells.items() if cell.strip()
        }
        texts["expected_arrival"] = texts.pop("arrival", "")  # never now: the file is read again
        texts["max_devices"] = texts.pop("devices", None)
        texts["group"] = texts.get("group") or self._wishes.group
        if texts.get("notes"):
            texts["notes"] = " ".join((texts["notes"] or "").split())
        return dict.fromkeys(("first_name", "last_name", "email")) | texts

    def _refuse_far(self, arrival: str) -> None:
        expected = parse_expected(arrival, self._work.now, self.location.zone)
        if expected.is_far and not self._wishes.far:
            raise Refused(
                f"the arrival would be on {show(expected.arrival, self.location.zone)}, and no"
                " year was given",
                "Give the year, or confirm all of them with --far.",
            )

    def _without_twins(
        self, read: Sequence[tuple[int, Registration]]
    ) -> Iterator[tuple[int, Registration]]:
        """Leave out those who are expected at the same time already, by the store or the file."""
        known = _expected_already(self._work, self.location, [each for _, each in read])
        lines: dict[tuple[str, datetime], int] = {}
        for line, registration in read:
            same = _person(registration), registration.expected_arrival
            seen = lines if registration.email else self._without_email
            earlier = seen.setdefault(same, line)
            if earlier == line and registration.email:
                earlier = self._stage.line_of(*same) or line
            who = registration.email or full_name(registration.first_name, registration.last_name)
            if same in known:
                self._twin(line, f"visit {known[same]} is for {who} at that time")
            elif earlier != line:
                self._twin(line, f"it is for {who} at the time of line {earlier}")
            else:
                yield line, registration

    def _twin(self, line: int, what: str) -> None:
        advice = "Leave it out, or all of them with --duplicates skip."
        remark = Remark(line=line, message=f"{what} already", advice=advice)
        if self._wishes.skip_duplicates:
            remark = replace(remark, advice="")
        else:
            self._faults.append(remark)
        self._duplicates.append(remark)

    def _visit(self, line: int, registration: Registration) -> NewVisit | None:
        login = None
        if not registration.email:
            names = registration.first_name, registration.last_name
            login = free_login(self._work, self.location, names, self._logins)
            self._logins.add(login)
        try:
            refuse_useless(self._work, self.location, registration)
            return new_visit(self._work, self.location, registration, login)
        except (InvalidValue, Refused) as error:
            self._fault(line, error)
            return None

    def _ready(self, line: int, visit: NewVisit, pin: NewPin) -> Ready:
        return Ready(
            line=line,
            visit=visit,
            pin_sealed=self._work.keyring.seal(pin.digits, PIN_PURPOSE),
            pin_digest=pin.digest,
            pin_length=len(pin.digits),
            message_id=secrets.token_hex(16),
        )

    def _fault(self, line: int, error: NexioError) -> None:
        self._faults.append(Remark(line=line, message=str(error), advice=error.advice))


def _store(store: Store, stage: Stage, reader: _Reader, watch: Watch) -> Sequence[int]:
    """Store the staged visits.

    On PostgreSQL the location is locked only at the end: desks can go on registering.
    """
    try:
        with store.write(connection=stage.connection) as work:
            for digests in stage.given_digests():
                _free_passed(work, reader.location, digests)
            visits = stage.store(work, watch)
            location = lock_location(work, reader.location)
            if location != reader.location or _is_overtaken(work, stage, reader):
                raise _Overtaken
            reader.book.save(work)
            refuse_more_than_planned(work, location)
            work.done.append(f"register {len(visits)} visits")
    except Refused as error:
        if isinstance(error.__cause__, IntegrityError):  # somebody else has just drawn the same PIN
            raise _Overtaken from error
        raise
    return visits


def _is_overtaken(work: Writing, stage: Stage, reader: _Reader) -> bool:
    """Whether relevant data that was read without a lock has changed."""
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    if (revision.epoch, work.keyring.active) != reader.epoch or revision.oldest > reader.number:
        return True
    since = select(ChangeRow.batch).where(ChangeRow.number > reader.number)
    changed = select(VisitRow.email_key, VisitRow.expected_arrival).where(
        VisitRow.location_id == reader.location.id,
        VisitRow.batch.in_(since),
        VisitRow.deleted_at.is_(None),
    )
    twins = (stage.line_of(key, arrival) for key, arrival in work.session.execute(changed))
    return any(line is not None for line in twins) or not reader.book.still_fits(work)


def _free_passed(work: Writing, location: Location, digests: Sequence[bytes]) -> None:
    """Remove expired PINs that the file contains."""
    for group in in_groups(digests):
        passed = (PinRow.location_id == location.id) & (PinRow.free_at <= work.now)
        work.session.execute(delete(PinRow).where(passed, PinRow.digest.in_(group)))


def _person(registration: Registration) -> str:
    """The key of a person: the e-mail, or the name if there is none."""
    if registration.email:
        return email_key(registration.email)
    return _NAME + search_key(full_name(registration.first_name, registration.last_name))


def _expected_already(
    work: Reading, location: Location, registrations: Sequence[Registration]
) -> dict[tuple[str, datetime], int]:
    """The visits of the same people, by person and arrival."""
    found = {}
    here = select(VisitRow).with_only_columns(
        *(VisitRow.id, VisitRow.email_key, VisitRow.expected_arrival),
        *(VisitRow.email, VisitRow.first_name, VisitRow.last_name),
    )
    here = here.where(VisitRow.location_id == location.id, VisitRow.deleted_at.is_(None))
    keys = [_person(each) for each in registrations if each.email]
    times = list({each.expected_arrival for each in registrations if not each.email})
    queries = [here.where(VisitRow.email_key.in_(group)) for group in in_groups(keys)]
    queries += [
        here.where(VisitRow.email == "", VisitRow.expected_arrival.in_(group))
        for group in in_groups(times)
    ]
    for query in queries:
        for number, key, at, email, first, last in work.session.execute(query):
            found[key if email else _NAME + search_key(full_name(first, last)), at] = number
    return found


def _wanted(visit: NewVisit) -> Wanted:
    registration = visit.registration
    return Wanted(
        given=registration.pin,
        days=visit.days,
        insecure_short_pin=registration.insecure_short_pin,
    )


def _chunks(rows: Iterator[SheetRow]) -> Iterator[list[SheetRow]]:
    while chunk := list(itertools.islice(rows, _CHUNK)):
        yield chunk
