"""A store of years: very many rows, each a copy of one that the software has made.

The database copies them by itself, which takes seconds for a million.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text, update

from nexio.checkin.taps import Direction
from nexio.network.accounting_records import Status
from nexio.network.event_log import record_events
from nexio.store.columns import Instant
from nexio.store.tables import (
    AccessTokenRow,
    AuditRow,
    AuthEventRow,
    CheckInRow,
    OutboxRow,
    PinRow,
    StoreRevisionRow,
    VisitRow,
    WifiSessionRow,
)
from tests.support.accounting import record, tell
from tests.support.people import register
from tests.support.radius.decisions import event
from tests.support.reception import by_hand

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from nexio.store.tables import Row

DAY = 1440
"""Minutes."""

FIRST_AGO = 3 * DAY
"""How long ago the last of the past visits came, in minutes; each other one a minute before."""


def fill(store: Store, location: Location, *, past: int, live: int, events: int) -> None:
    """Make visits of the past and of now, and decisions, with all that comes with them.

    A past visit has a token, a check-in, a mail, an entry of the audit and a session, a live one a
    token, a PIN, a device and a mail.  Decisions are about the past visits and end with them.

    Args:
        store: where.
        location: that issues tokens.
        past: how many visits ended, three days ago and before.
        live: how many may be on the Wi-Fi now, as visitor ``live1@example.com`` and so on.
        events: how many decisions.
    """
    now = store.clock()
    model = register(store, location, email="model@example.com")
    by_hand(store, model)
    by_hand(store, model, way=Direction.OUT)
    session = {"location_id": location.id, "at": now, "key": f"{model.id:032x}"}
    tell(store, record(Status.START, model, **session), record(Status.STOP, model, **session))
    with store.write() as work:
        record_events(work, [event(model.id, at=now, location_id=location.id, visit_id=model.id)])
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'sent', sent_at = created_at"))
        copies = _Copies(connection, model)
        copies.of_visits(past, "past", ended=True)
        copies.of_visits(live, "live", ended=False)
        copies.of_decisions(events, past)
        copies.of_changes(past + live)


def analyze(store: Store) -> None:
    """Let the database count its rows; PostgreSQL does so by itself, SQLite never."""
    alone = store.engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        vacuum = connection.dialect.name == "postgresql"  # SQLite's rewrites the whole file
        connection.exec_driver_sql("VACUUM ANALYZE" if vacuum else "ANALYZE")


class _Copies:
    """Rows like those of one visit.

    Args:
        connection: in a transaction.
        model: the visit.
    """

    def __init__(self, connection: Connection, model: Visit) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._model = model

    def of_visits(self, count: int, name: str, *, ended: bool) -> None:
        """Visits of ``past1@example.com`` and so on, the oldest first."""
        ago = f"({FIRST_AGO + count} - n)" if ended else None
        email = f"'{name}' || n || '@example.com'"
        visit, token = (f"{self._last(each)} + n" for each in (VisitRow, AccessTokenRow))
        model, of = {"id": self._model.id}, {"visit_id": self._model.id}
        of_audit = {"subject": "visit", "subject_id": self._model.id, "action": "register"}
        emails = {"email": email, "email_key": email}
        digest = self._octets()
        self._copy(VisitRow, count, model, ago, id=visit, pin_digest=digest, **emails)
        self._copy(AccessTokenRow, count, of, ago, id=token, visit_id=visit)
        self._copy(OutboxRow, count, of, ago, visit_id=visit, message_id=self._digits("m"))
        self._copy(AuditRow, count, of_audit, ago, subject_id=visit)
        if ended:
            ids = {name: self._digits(name) for name in ("key", "session_id")}
            ids |= {"device": f"substr({self._digits('d')}, 1, 17)", "sender": self._sender()}
            self._copy(CheckInRow, count, of, ago, visit_id=visit)
            self._copy(WifiSessionRow, count, of, ago, visit_id=visit, token_id=token, **ids)
        else:
            mac = f"substr({self._digits('a')}, 1, 17)"
            first_at = "(SELECT min(registered_at) FROM visit)"
            self._copy(PinRow, count, of, ago, visit_id=visit, digest=digest)
            self._insert("device", count, {"visit_id": visit, "mac": mac, "first_at": first_at})

    def of_decisions(self, count: int, visits: int) -> None:
        """One a second, until the last of the past visits."""
        ago = f"({FIRST_AGO} + ({count} - n) / 60.0)"
        visit = f"{self._model.id + 1} + CAST(n AS bigint) * {visits} / {count + 1}"
        of = {"visit_id": self._model.id}
        self._copy(AuthEventRow, count, of, ago, record_id="NULL", visit_id=visit)

    def of_changes(self, count: int) -> None:
        """As many as have led to them; each has removed another visit."""
        number = self._connection.scalar(select(StoreRevisionRow.number)) or 0
        batch = f"{number} + n"
        self._insert("change", count, {"number": batch, "batch": batch})
        removed = {"kind": "'visit'", "object_id": "n", "batch": batch}
        self._insert("removed", count, removed)
        changed = update(StoreRevisionRow).values(number=number + count)
        self._connection.execute(changed)

    def _copy(
        self, table: type[Row], count: int, of: dict[str, Any], ago: str | None, **changes: str
    ) -> None:
        """Copies of the row that has the values ``of``, so many minutes earlier."""
        values = changes
        for column in table.__table__.columns:
            if column.name not in {"id", *changes}:
                earlier = ago is not None and isinstance(column.type, Instant)
                value = self._earlier(column.name, ago) if earlier else column.name
                values = values | {column.name: value}
        name = table.__tablename__
        where = " AND ".join(f"{key} = :{key}" for key in of)
        model = f"(SELECT * FROM {name} WHERE {where} ORDER BY id LIMIT 1) AS m"  # noqa: S608 (ours)
        self._insert(name, count, values, f"series CROSS JOIN {model}", of)
        if not self._sqlite and "id" in changes:
            last = func.setval(f"{name}_id_seq", self._last(table))
            self._connection.execute(select(last))

    def _insert(
        self,
        table: str,
        count: int,
        values: dict[str, str],
        source: str = "series",
        of: dict[str, Any] | None = None,
    ) -> None:
        """Rows of values, which may depend on n, from 1 to ``count``."""
        statement = (
            "WITH RECURSIVE series(n) AS"  # noqa: S608 (ours)
            " (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :count)"
            f" INSERT INTO {table} ({', '.join(values)})"
            f" SELECT {', '.join(values.values())} FROM {source}"
        )
        if count:
            self._connection.execute(text(statement), {"count": count} | (of or {}))

    def _last(self, table: type[Row]) -> int:
        return self._connection.scalar(select(func.max(table.__table__.c.id))) or 0

    def _earlier(self, column: str, ago: str | None) -> str:
        if self._sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-' || {ago} || ' minutes') || '000'"
        return f"{column} - {ago} * interval '1 minute'"

    def _digits(self, salt: str) -> str:
        """32 hex digits in no order, others for each row."""
        return "lower(hex(randomblob(16)))" if self._sqlite else f"md5('{salt}' || n)"

    def _sender(self) -> str:
        """One of a hundred NAS."""
        return "printf('%032d', n % 100)" if self._sqlite else "lpad((n % 100)::text, 32, '0')"

    def _octets(self) -> str:
        return "randomblob(32)" if self._sqlite else "sha256(n::text::bytea)"
