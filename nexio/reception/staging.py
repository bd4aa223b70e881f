"""Stage the visits of a file until all of them are ready to be stored.

They are in an unnamed temporary SQLite database, of which nothing remains when this process ends,
however it ends.  A SQLite store takes them from there in one statement for each table, PostgreSQL
by COPY: either way other desks wait only for a moment.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, Protocol, cast

from sqlalchemy import Connection, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from nexio.errors import StoreUnreachable
from nexio.outbox.outbox import MailState, Template
from nexio.reception.registration import NewVisit
from nexio.reception.tokens import NewToken
from nexio.store.batches import batch_of
from nexio.store.columns import Instant
from nexio.store.engine import Store, Writing, explain_errors
from nexio.store.tables import AccessTokenRow, Row, VisitRow, shared_names

_VISIT: Final = [
    name
    for name in VisitRow.__table__.columns.keys()  # noqa: SIM118 (of no mapping)
    if name not in {"id", "batch", "replaces_id", "deleted_at"} and "idempotency" not in name
]
_TOKEN: Final = shared_names(AccessTokenRow, NewToken)
_COLUMNS: Final = [
    *_VISIT,
    *("pin_length", "message_id", "has_token"),
    *(f"token__{name}" for name in _TOKEN),
]
_SQLITE: Final = sqlite.dialect()
_CACHE_KIB: Final = 16_384
_ROWS_AT_ONCE: Final = 2000
"""Rows fetched at a time."""


class Watch(Protocol):
    """Receives the progress of an import."""

    def step(self, what: str, done: int, of: int) -> None:
        """Report the progress of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A visit with its PIN, ready to be stored."""

    line: int
    visit: NewVisit
    pin_sealed: bytes
    pin_digest: bytes
    pin_length: int
    message_id: str


class Stage:
    """The visits of one file, numbered from 1 in its order.

    Args:
        driver: a connection of SQLite's driver.
        schema: name of the temporary database in that connection.
        connection: the store's connection, if it is the same one.
    """

    def __init__(
        self, driver: sqlite3.Connection, schema: str, connection: Connection | None
    ) -> None:
        self._driver, self.connection = driver, connection
        self.count = 0
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            driver.execute(f"PRAGMA {schema}.{pragma}")
        columns = ", ".join(["number INTEGER PRIMARY KEY", "line", "id", *_COLUMNS])
        driver.execute(f"CREATE TABLE {schema}.staged ({columns})")
        driver.execute(f"CREATE INDEX {schema}.ix_staged ON staged (email_key, expected_arrival)")
        driver.execute(f"CREATE TABLE {schema}.given_pin (digest)")
        driver.execute("BEGIN")

    def add(self, ready: Sequence[Ready], now: datetime) -> None:
        """Add some visits, all or none."""
        rows = []
        for each in ready:
            self.count += 1
            rows.append((self.count, each.line, *_stored(each, now)))
        marks = ", ".join("?" * (2 + len(_COLUMNS)))
        names = ", ".join(["number", "line", *_COLUMNS])
        self._driver.executemany(f"INSERT INTO staged ({names}) VALUES ({marks})", rows)  # noqa: S608 (our own names)
        given = [(each.pin_digest,) for each in ready if each.visit.registration.pin is not None]
        self._driver.executemany("INSERT INTO given_pin VALUES (?)", given)

    def close(self) -> None:
        """Finish staging, so that the store's own transaction can begin."""
        self._driver.execute("COMMIT")

    def line_of(self, email_key: str, arrival: datetime) -> int | None:
        """The line of the visit with that e-mail and arrival."""
        found = self._driver.execute(
            "SELECT line FROM staged WHERE email_key = ? AND expected_arrival = ?",
            (email_key, _instant_as_text(arrival)),
        ).fetchone()
        return None if found is None else int(found[0])

    def given_digests(self) -> Iterator[list[bytes]]:
        """The digests of the PINs in the file, some at a time."""
        rows = self._driver.execute("SELECT digest FROM given_pin")
        while some := rows.fetchmany(_ROWS_AT_ONCE):
            yield [digest for (digest,) in some]

    def windows(self) -> list[tuple[datetime, datetime]]:
        """The windows of the tokens, as far as they are known."""
        rows = self._driver.execute(
            "SELECT token__valid_from, token__valid_until FROM staged"
            " WHERE token__valid_from IS NOT NULL"
        )
        return [(_instant(start), _instant(end)) for start, end in rows]

    def store(self, work: Writing, watch: Watch) -> list[int]:
        """Put all staged visits into the store.

        Returns:
            The numbers of the visits, in the order of the file.
        """
        now = _instant_as_text(work.now)
        values = {
            "batch": batch_of(work.session),
            "now": now,
            "operator": work.operator,
            **{f"token_{has}": json.dumps({"token": has}) for has in (True, False)},
        }
        if self.connection is not None:
            return self._move(work, values, watch)
        return self._copy(work, values, watch)

    def _move(self, work: Writing, values: dict[str, Any], watch: Watch) -> list[int]:
        """Copy from one SQLite database to another."""
        session = work.session
        latest = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'visit'"
        values["base"] = base = session.scalar(text(latest)) or 0
        tables = _tables(visit="number + :base", instant="{}")
        for number, (table, (columns, where)) in enumerate(tables.items()):
            watch.step(f"storing: {table}", number, len(tables))
            names, query = ", ".join(columns), _query(columns, where)
            wanted = {name: value for name, value in values.items() if f":{name}" in query}
            statement = f"INSERT INTO main.{table} ({names}) {query}"
            session.execute(text(statement), wanted)
        return list(range(base + 1, base + self.count + 1))

    def _copy(self, work: Writing, values: dict[str, Any], watch: Watch) -> list[int]:
        """Copy to PostgreSQL."""
        wanted = "SELECT nextval(pg_get_serial_sequence('visit', 'id')) FROM generate_series(1, :n)"
        ids = list(work.session.scalars(text(wanted), {"n": self.count}))
        numbered = [(number, each) for each, number in enumerate(ids, 1)]
        self._driver.executemany("UPDATE staged SET id = ? WHERE number = ?", numbered)
        driver = cast(Any, work.session.connection().connection.driver_connection)
        # SQLite stores instants in UTC without a zone: add it for PostgreSQL.
        tables = _tables(visit="id", instant="{} || '+00'")
        api: Any = work.session.get_bind().dialect.dbapi
        values["now"] += "+00"
        for number, (table, (columns, where)) in enumerate(tables.items()):
            watch.step(f"storing: {table}", number, len(tables))
            rows = self._driver.execute(_query(columns, where), values)
            statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            try:
                with driver.cursor() as cursor, cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(row)
            except api.Error as error:
                # Like an error of a statement in SQLAlchemy, but without the row itself.
                reason = type(error)(str(error).partition("\n")[0])
                raise DBAPIError.instance(statement, None, reason, api.Error) from None
        return ids


@contextmanager
def staged(store: Store) -> Iterator[Stage]:
    """A stage for the visits of a file; nothing of it remains after the block."""
    try:
        if store.engine.dialect.name != "sqlite":
            with closing(sqlite3.connect("", isolation_level=None)) as driver:
                yield Stage(driver, "main", None)
            return
        with explain_errors(store.engine), store.engine.connect() as connection:
            own = cast("sqlite3.Connection", connection.connection.driver_connection)
            connection.detach()  # never return it to the pool
            own.execute("PRAGMA query_only = OFF")
            own.execute("ATTACH '' AS stage")
            yield Stage(own, "stage", connection)
    except sqlite3.Error as error:
        raise StoreUnreachable(
            f"there is no room for the visits of the file: {error}",
            "Look at the space in the folder for temporary files (TMPDIR).",
        ) from error


def _tables(visit: str, instant: str) -> dict[str, tuple[dict[str, str], str]]:
    """For each table its columns with their sources, and the condition for staged rows.

    Args:
        visit: an expression for the visit's number.
        instant: a template that converts a column's instant for the store.
    """
    at = instant.format
    instants = {
        column.name
        for table in (VisitRow, AccessTokenRow)
        for column in table.__table__.columns
        if isinstance(column.type, Instant)
    }
    queued = {
        "template": f"'{Template.VISITOR_REGISTERED.value}'",
        "visit_id": visit,
        "message_id": "message_id",
        "created_at": ":now",
        "state": f"'{MailState.QUEUED.value}'",
        "attempts": "0",
        "next_try_at": ":now",
    }
    registered = {
        "at": ":now",
        "operator": ":operator",
        "action": "'register'",
        "subject": "'visit'",
        "subject_id": visit,
        "details": "CASE has_token WHEN 1 THEN :token_True ELSE :token_False END",
    }
    return {
        "visit": (
            {"id": visit, "batch": ":batch"}
            | {name: at(name) if name in instants else name for name in _VISIT},
            "true",
        ),
        "access_token": (
            {
                "visit_id": visit,
                "batch": ":batch",
                "issued_at": ":now",
            }
            | {
                name: at(f"token__{name}") if name in instants else f"token__{name}"
                for name in _TOKEN
            },
            "has_token",
        ),
        "pin": (
            {
                "location_id": "location_id",
                "digest": "pin_digest",
                "length": "pin_length",
                "visit_id": visit,
                "free_at": at("closes_at"),
            },
            "true",
        ),
        "outbox": (queued, "email <> ''"),
        "audit": (registered, "true"),
    }


def _query(columns: dict[str, str], where: str) -> str:
    sources = ", ".join(columns.values())
    return f"SELECT {sources} FROM staged WHERE {where} ORDER BY number"  # noqa: S608 (as above)


def _stored(ready: Ready, now: datetime) -> list[Any]:
    """The values of :data:`_COLUMNS`, as SQLite stores them."""
    known = ready.visit.values(now)
    known |= {"pin_sealed": ready.pin_sealed, "pin_digest": ready.pin_digest}
    token = ready.visit.token
    return [
        *(_value(VisitRow, name, known.get(name)) for name in _VISIT),
        *(ready.pin_length, ready.message_id, token is not None),
        *(
            None if token is None else _value(AccessTokenRow, name, getattr(token, name))
            for name in _TOKEN
        ),
    ]


def _value(table: type[Row], name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return _instant_as_text(value)
    convert = _converter(table, name)
    return value if convert is None else convert(value)


@cache
def _converter(table: type[Row], name: str) -> Callable[[Any], Any] | None:
    return table.__table__.columns[name].type.dialect_impl(_SQLITE).bind_processor(_SQLITE)


@lru_cache(maxsize=4096)
def _instant_as_text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
