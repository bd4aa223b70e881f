"""The log of the RADIUS servers' decisions, in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select

from nexio.input.addresses import email_key
from nexio.network.devices import note_devices
from nexio.network.events import AuthEvent
from nexio.network.servers import Identity, number_of
from nexio.store.groups import in_groups
from nexio.store.sqlite import insert_rows
from nexio.store.tables import AuthEventRow, EventBatchRow, VisitRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import psycopg
    from sqlalchemy import ColumnElement, Connection

    from nexio.locations.locations import Location
    from nexio.network.events import Decided, EventBatch
    from nexio.store.engine import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event of the log, with its number in the order of arrival in the store."""

    number: int
    event: AuthEvent
    server_id: int | None = None
    """The server that decided it, see ``servers.py``."""


def record_events(work: Writing, events: Sequence[AuthEvent]) -> None:
    """Store events, except those that are stored already."""
    ids = [event.record_id for event in events]
    known = set(
        work.session.scalars(select(AuthEventRow.record_id).where(AuthEventRow.record_id.in_(ids)))
    )
    new = {event.record_id: event for event in events if event.record_id not in known}
    # Rows, not objects: a server writes thousands of them while it answers.
    rows = [{name: getattr(event, name) for name in AuthEvent.__slots__} for event in new.values()]
    if rows:
        work.session.execute(insert(AuthEventRow), rows)


def record_batches(work: Writing, batches: Sequence[EventBatch]) -> None:
    """Store decisions, except batches that are stored already.

    Rows are inserted as plain values: a server writes thousands of them a second.
    """
    connection = work.session.connection()
    known = _known(connection, [batch.record_id for batch in batches])
    new = {batch.record_id: batch for batch in batches if batch.record_id not in known}
    if not new:
        return
    servers = _servers_of(work, new.values())
    decisions: list[Decided] = []
    for server, number in servers.items():
        of_server = (batch.events for batch in new.values() if batch.server == server)
        # Sort by time: several processes report at once.
        events = sorted(chain.from_iterable(of_server), key=itemgetter(0))
        decisions += events
        if connection.dialect.name == "postgresql":
            _copy(connection, events, number)
        else:
            insert_rows(
                connection, f"auth_event ({_COLUMNS}, server_id)", events, _WIDTH, 0, number
            )
    connection.execute(insert(_BATCHES), [{"id": each, "at": work.now} for each in new])
    note_devices(work, decisions)


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    """The batches that are stored already; an older version stored an id for each decision.

    This and deleting them bypass the ORM: a server does both a few times a second.
    """
    of_old = AuthEventRow.metadata.tables[AuthEventRow.__tablename__].c.record_id
    known: set[str] = set()
    for group in in_groups(ids):
        known.update(connection.scalars(select(_BATCHES.c.id).where(_BATCHES.c.id.in_(group))))
        known.update(connection.scalars(select(of_old).where(of_old.in_(group))))
    return known


def _servers_of(work: Writing, batches: Iterable[EventBatch]) -> dict[tuple[str, ...], int | None]:
    """The numbers of the deciding servers, which rows hold instead of their names."""
    servers = {batch.server for batch in batches}
    return {each: number_of(work, Identity(*each)) if each else None for each in servers}


def forget_batches(work: Writing, batches: Sequence[EventBatch]) -> None:
    """Delete the ids of batches that no server will send again."""
    connection = work.session.connection()
    for group in in_groups([batch.record_id for batch in batches]):
        connection.execute(delete(_BATCHES).where(_BATCHES.c.id.in_(group)))
    # Batches that a server sent last before its end.
    connection.execute(delete(_BATCHES).where(_BATCHES.c.at < work.now - BATCH_IDS_STORED_FOR))


_BATCHES: Final = EventBatchRow.metadata.tables[EventBatchRow.__tablename__]

BATCH_IDS_STORED_FOR: Final = timedelta(days=90)
"""How long batch ids are stored.  An older spool may store its last batches twice."""

_COLUMNS: Final = "at, user_name, device, nas, location_id, visit_id, outcome, reason, latency_us"
_WIDTH: Final = len(_COLUMNS.split(","))


def _copy(connection: Connection, events: Sequence[Decided], server: int | None) -> None:
    driver: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    statement = f"COPY auth_event ({_COLUMNS}, server_id) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for at, *others in events:
            copy.write_row((datetime.fromtimestamp(at, UTC), *others, server))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """The events to find; empty fields do not narrow."""

    since: datetime | None = None
    before: datetime | None = None
    email: str | None = None
    """Events of visits with this e-mail, and of logins where somebody typed it."""

    device: str | None = None
    """As the store writes it."""

    outcome: str | None = None
    reason: str | None = None


def list_events(
    work: Reading,
    location: Location | None,
    which: EventFilter = EventFilter(),
    *,
    limit: int,
    after: int | None = None,
) -> list[LoggedEvent]:
    """Events of a location, or of all, oldest first: the newest, or the next after a number.

    Args:
        work: the look at the store.
        location: None for all; with a location, events without one (R19) are included: they are
            often the ones that somebody looks for.
        which: the filter.
        limit: the largest number of events.
        after: return the first events above this number; None returns the newest.
    """
    query = select(AuthEventRow).limit(limit)
    if after is None:
        query = query.where(*_numbers(work, which))
    else:
        query = query.where(AuthEventRow.id > after)
    query = query.where(*_conditions(which))
    if location is not None:
        here = AuthEventRow.location_id == location.id
        query = query.where(here | AuthEventRow.location_id.is_(None))
    order = AuthEventRow.id.desc() if after is None else AuthEventRow.id
    rows = sorted(work.session.scalars(query.order_by(order)), key=lambda row: row.id)
    return [
        LoggedEvent(number=row.id, event=_event_of(row), server_id=row.server_id) for row in rows
    ]


def _numbers(work: Reading, which: EventFilter) -> Iterator[ColumnElement[bool]]:
    """Limit the query to the numbers of decisions in the requested time.

    A database that looks for the newest ones reads all decisions in the order of their numbers,
    until it has enough: these are the bounds of that scan.
    """
    times = list(_times(which))
    if times:
        number = AuthEventRow.id + 0  # else PostgreSQL scans all rows to find the lowest one
        ends = select(func.min(number), func.max(number)).where(*times)
        first, last = work.session.execute(ends).one()
        yield AuthEventRow.id.between(first or 0, last or 0)


def _times(which: EventFilter) -> Iterator[ColumnElement[bool]]:
    if which.since is not None:
        yield AuthEventRow.at >= which.since
    if which.before is not None:
        yield AuthEventRow.at < which.before


def _conditions(which: EventFilter) -> Iterator[ColumnElement[bool]]:
    yield from _times(which)
    if which.email is not None:
        visits = select(VisitRow.id).where(VisitRow.email_key == email_key(which.email))
        email = which.email.strip().lower()
        typed = func.lower(AuthEventRow.user_name) == email
        if email.isascii():  # in any case of letters it has the same length, a quick check
            typed = (func.length(AuthEventRow.user_name) == len(email)) & typed
        yield AuthEventRow.visit_id.in_(visits) | typed
    for name in ("device", "outcome", "reason"):
        wanted = getattr(which, name)
        if wanted is not None:
            yield getattr(AuthEventRow, name) == wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Logins of one device under one name at one NAS, all with the same outcome."""

    user_name: str
    device: str | None
    nas: str
    location_id: int | None
    at: datetime
    """The latest one."""

    count: int


def list_repeated(work: Reading, reason: str, since: datetime, *, limit: int) -> list[Repeated]:
    """Logins with that reason since then, the latest first."""
    who = [getattr(AuthEventRow, key) for key in ("user_name", "device", "nas", "location_id")]
    latest = func.max(AuthEventRow.at).label("at")
    rows = work.session.execute(
        select(*who, latest, func.count().label("count"))
        .where(AuthEventRow.at > since, AuthEventRow.reason == reason)
        .group_by(*who)
        .order_by(latest.desc())
        .limit(limit)
    )
    return [Repeated(**row._mapping) for row in rows]  # noqa: SLF001 (SQLAlchemy's public name for it)


def newest_event(work: Reading) -> int:
    """The number of the newest event; 0 if there is none."""
    return work.session.scalar(select(func.max(AuthEventRow.id))) or 0


def _event_of(row: AuthEventRow) -> AuthEvent:
    values = {name: getattr(row, name) for name in AuthEvent.__slots__}
    # An event that came in a batch has no id of its own, only its number.
    return AuthEvent(**{**values, "record_id": row.record_id or f"{row.id:032x}"})
