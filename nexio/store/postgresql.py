"""Connections to PostgreSQL: their settings, their timeouts, and the meaning of their errors.

An administrator may have set anything for the server, the database or the role, or in a ``PG…``
variable.  So each of our connections sets what the code depends on.

A pooler such as PgBouncer may run each transaction on another connection to PostgreSQL.  Settings,
prepared statements and LISTEN of a connection would soon belong to somebody else: behind a pooler
each transaction sets what the code depends on, nothing is prepared, and nobody listens.
"""

from __future__ import annotations

import select
import time
from collections.abc import Generator
from contextlib import closing
from typing import Any, Self, TypeVar, cast

import psycopg
from psycopg import IsolationLevel, errors
from psycopg.pq import ExecStatus
from psycopg.waiting import Ready
from sqlalchemy import URL, Connection, Engine, create_engine, event

from nexio.store.patience import Patience

Result = TypeVar("Result")

SETTINGS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO",  # psycopg reads no other one
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",  # psycopg has to know the zone, and tzdata may lack it
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "transform_null_equals": "off",
    "default_transaction_isolation": "read committed",  # locked rows are read again
    "default_transaction_deferrable": "off",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",  # an import takes its time; patience.py has the limits
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",  # a server that listens sends nothing
}
"""Settings that a version of PostgreSQL does not have are left out."""

_SET = (
    "SELECT set_config(name, value, pg_backend_pid() <> %s), pg_backend_pid()"
    " FROM unnest(%s::text[], %s::text[]) AS s (name, value)"
    " WHERE current_setting(name, true) IS NOT NULL"
)
"""Apply settings to the connection; or to the transaction only, if the process id differs from the
one that was reported when we connected: then there is a pooler between."""


def postgresql_engine(url: URL, patience: Patience) -> Engine:
    """An engine that connects as :func:`open_connection` does."""
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        use_native_hstore=False,  # SQLAlchemy would ask for its number; no column is one
    )

    def connect_it(_: object, __: object, args: list[Any], kwargs: dict[str, Any]) -> object:
        return open_connection(patience, *args, **kwargs)

    def set_it_up(connection: Connection) -> None:
        driver = cast("PatientConnection", connection.connection.driver_connection)
        if driver.is_pooled:
            connection.exec_driver_sql(_SET, driver.settings)

    event.listen(engine, "do_connect", connect_it)
    event.listen(engine, "begin", set_it_up)
    return engine


def open_connection(patience: Patience, *args: Any, **kwargs: Any) -> PatientConnection:
    """Connect with our limits and settings; the arguments are those of psycopg.

    Raises:
        psycopg.Error: it cannot be reached.
    """
    connection = PatientConnection.open(patience, *args, **kwargs)
    try:
        connection.autocommit = True  # a rollback would revert the settings of a transaction
        ((_, process), *_rest) = connection.execute(_SET, connection.settings).fetchall()
        connection.autocommit = False
        connection.is_pooled = process != connection.info.backend_pid
        if connection.is_pooled:
            connection.rely_on_transactions()
    except BaseException:
        connection.close()
        raise
    return connection


class TimeIsUp(psycopg.OperationalError):
    """A wait for the database reached its limit."""


class StreamedRows(psycopg.ServerCursor[Any]):
    """A cursor that reads rows in parts.

    If the connection breaks meanwhile, SQLAlchemy does not close it, or logs a traceback if it
    breaks during the close; the cursor is gone with the connection.
    """

    def close(self) -> None:
        """See psycopg; a broken connection raises its error at the next use."""
        try:
            super().close()
        except psycopg.OperationalError:
            if not self.connection.closed:
                raise

    def __del__(self, *_: Any) -> None:
        """Warn, as psycopg does, only if the connection is still open."""
        if not self.connection.closed:
            super().__del__()


class PatientConnection(psycopg.Connection[Any]):
    """A psycopg connection on which every wait has a limit."""

    patience: Patience
    arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    is_pooled = True
    """Whether there may be a pooler between us and PostgreSQL."""

    @classmethod
    def open(cls, patience: Patience, *args: Any, **kwargs: Any) -> Self:
        """Connect; the arguments are those of :func:`psycopg.connect`.

        Raises:
            psycopg.Error: it cannot be reached.
        """
        _require_time(patience)
        arguments = {"connect_timeout": int(patience.connecting)} | kwargs
        made = cls.connect(*args, **arguments)
        made.patience, made.arguments = patience, (args, arguments)
        made.server_cursor_factory = StreamedRows
        return made

    @property
    def settings(self) -> tuple[int, list[str], list[str]]:
        """The parameters of the statement that sets what the code depends on."""
        ours = SETTINGS | {"lock_timeout": f"{max(1, self.patience.busy * 1000):.0f}ms"}
        return self.info.backend_pid, list(ours), list(ours.values())

    def rely_on_transactions(self) -> None:
        """Use nothing that outlives a transaction."""
        self.prepare_threshold = None
        self.isolation_level = IsolationLevel.READ_COMMITTED
        self.read_only = self.deferrable = False

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """See psycopg: all waits for the server pass through here."""
        try:
            return super().wait(self._within_limits(gen), *args, **kwargs)
        except TimeIsUp:
            self.close()
            raise

    def _within_limits(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """Pass values between psycopg and the socket, and watch the clock.

        If nothing arrives, psycopg reports that every tenth of a second.
        """
        try:
            wanted = next(gen)
            began = asked = time.monotonic()
            while True:
                ready = yield wanted
                if ready != Ready.NONE:
                    began = asked = time.monotonic()
                elif time.monotonic() - asked > self.patience.silence:
                    self._require_sign_of_life(began)
                    asked = time.monotonic()
                _require_time(self.patience)
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # of the generator's own type

    def _require_sign_of_life(self, began: float) -> None:
        """Try another connection: it works during a long statement, but not if the server hangs."""
        args, arguments = self.arguments
        try:
            with closing(psycopg.connect(*args, **arguments)) as other:
                there = not self.is_pooled or _answers(other, self.patience.connecting)
        except psycopg.Error as error:
            there = "FATAL" in str(error)  # it answered, with "too many clients" for example
        silent = time.monotonic() - began
        if not there or silent > self.patience.longest:
            raise TimeIsUp(f"PostgreSQL has not answered for {silent:.0f} seconds")


def _answers(connection: psycopg.Connection, seconds: float) -> bool:
    """Whether PostgreSQL itself answers: a pooler accepts connections while its server hangs."""
    driver = connection.pgconn
    driver.send_query(b"SELECT")
    waiting = select.poll()
    waiting.register(driver.socket, select.POLLIN)
    if not waiting.poll(seconds * 1000):
        return False
    driver.consume_input()
    result = driver.get_result()
    return result is not None and result.status == ExecStatus.TUPLES_OK


def _require_time(patience: Patience) -> None:
    if patience.is_over:
        raise TimeIsUp("this program is stopping and waits for the database no longer")


def advice_for(error: BaseException | None, url: URL) -> str:
    """Advice on an error of psycopg."""
    shown = url.difference_update_query(["password", "sslpassword"])
    place = shown.render_as_string(hide_password=True)
    for kind, advice in _ADVICE:
        if isinstance(error, kind):
            names = {"place": place, "user": url.username or "USER"}
            return advice.format(
                **names, database=url.database or "DATABASE", schema=_schema(str(error))
            )
    if "FATAL" in str(error):
        return f"PostgreSQL answers: look at user, password and database in {place}."
    return f"Is PostgreSQL answering at {place}?"


_GRANT = (
    'As its owner: psql {database} -c \'GRANT USAGE, CREATE ON SCHEMA {schema} TO "{user}";'
    ' GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO "{user}";'
    ' GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO "{user}"\''
)
_DRIFT = "The tables are not as they should be: nexio db check says how."
_ADVICE: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.InsufficientPrivilege, _GRANT),
    (errors.InvalidSchemaName, _GRANT),  # the user may not see an existing schema
    (errors.ReadOnlySqlTransaction, "{place} is a standby, which only reads: name the primary."),
    (errors.LockNotAvailable, "Somebody else changes the store at this moment: try again soon."),
    (errors.UndefinedTable, _DRIFT),
    (errors.UndefinedColumn, _DRIFT),
    (errors.DiskFull, "Make room on the disk of {place}."),
)


def _schema(message: str) -> str:
    """The last word of "permission denied for schema public", in any language; else "public"."""
    words = message.strip().splitlines()[0].split()
    is_named = "schema" in [word.lower() for word in words[-2:]]
    return words[-1].strip("»«\"'.") if is_named else "public"
