"""A Wi-Fi session as a plain row while records are merged into it, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from nexio.store.columns import Instant
from nexio.store.sqlite import datetime_as_text
from nexio.store.tables import WifiSessionRow

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection

_ALL: Final = tuple(WifiSessionRow.__table__.columns)
ABOUT_DISCONNECTS: Final = tuple(
    column.name
    for column in _ALL
    if column.name == "error_cause" or column.name.startswith("disconnect_")
)
COLUMNS: Final = tuple(
    column.name for column in _ALL if column.name not in {"id", *ABOUT_DISCONNECTS}
)
"""The columns that accounting fills."""

KEY: Final = ("key", "occurrence")
_GROWING: Final = (
    *("heard_at", "interval", "ended_at", "ended_by", "terminate_cause", "counted_at"),
    *("seconds", "octets_in", "octets_out"),
    *("last_seconds", "last_octets_in", "last_octets_out"),
)
"""The columns that change with each record, and are in few indexes; most others are known from the
first record."""

_STEADY: Final = tuple(name for name in COLUMNS if name not in {*_GROWING, *KEY})
_INSTANTS: Final = {column.name for column in _ALL if isinstance(column.type, Instant)}
_NAMES: Final = ", ".join(COLUMNS)


class StoredSession:
    """The columns of one row of ``wifi_session``.

    Not an object of the ORM: tracking each change would cost more than everything else that is done
    with a record (``python -m benchmarks.recording``).
    """

    __slots__ = (*COLUMNS, "_before", "is_new")

    def __init__(self, values: Iterable[Any], *, is_new: bool) -> None:
        for name, value in zip(COLUMNS, values, strict=True):
            setattr(self, name, value)
        self.is_new: bool = is_new
        self._before = _steady_of(self)

    @property
    def is_as_before(self) -> bool:
        """Whether only the columns that change with each record have changed."""
        return bool(_steady_of(self) == self._before)

    if TYPE_CHECKING:  # the types are those of the table
        started_at: datetime
        heard_at: datetime
        interval: int | None
        ended_at: datetime | None
        ended_by: str | None
        counted_at: datetime | None
        last_seconds: int
        token_id: int | None

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...


_steady_of: Final = attrgetter(*_STEADY)


def write_sessions(connection: Connection, sessions: Iterable[StoredSession]) -> None:
    """Insert new sessions and update known ones.

    Plain values go to the driver: SQLAlchemy would take more time for a row than the database does
    (``python -m benchmarks.recording``).
    """
    new: list[StoredSession] = []
    grown: list[StoredSession] = []
    changed: list[StoredSession] = []
    for each in sessions:
        (new if each.is_new else grown if each.is_as_before else changed).append(each)
        each.is_new = False
    if new:
        _insert(connection, new)
    _update(connection, _GROWING, grown)
    _update(connection, (*_GROWING, *_STEADY), changed)


def _insert(connection: Connection, sessions: Sequence[StoredSession]) -> None:
    rows = _rows(connection, COLUMNS, sessions)
    if connection.dialect.name == "sqlite":
        holes = ", ".join("?" * len(COLUMNS))
        connection.exec_driver_sql(f"INSERT INTO wifi_session ({_NAMES}) VALUES ({holes})", rows)  # noqa: S608 (ours)
        return
    driver: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    statement = f"COPY wifi_session ({_NAMES}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _update(
    connection: Connection, names: Sequence[str], sessions: Sequence[StoredSession]
) -> None:
    if not sessions:
        return
    hole = "?" if connection.dialect.name == "sqlite" else "%s"
    values = ", ".join(f"{name} = {hole}" for name in names)
    which = " AND ".join(f"{name} = {hole}" for name in KEY)
    statement = f"UPDATE wifi_session SET {values} WHERE {which}"  # noqa: S608 (ours)
    connection.exec_driver_sql(statement, _rows(connection, (*names, *KEY), sessions))


def _rows(
    connection: Connection, names: Sequence[str], sessions: Iterable[StoredSession]
) -> list[tuple[Any, ...]]:
    """The values of those columns in the form that the driver takes."""
    rows = map(attrgetter(*names), sessions)
    if connection.dialect.name != "sqlite":
        return list(rows)
    positions = [i for i, name in enumerate(names) if name in _INSTANTS]
    texts = []
    for row in rows:
        values = list(row)
        for i in positions:
            if values[i] is not None:
                values[i] = datetime_as_text(values[i])
        texts.append(tuple(values))
    return texts
