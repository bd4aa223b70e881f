"""Connections to PostgreSQL that the tests of a process use one after the other.

A new one is a process of PostgreSQL's, which first reads about each table that it uses: ten times
the work that most tests have for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from nexio.store.postgresql import PatientConnection

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

MOST = 4
"""Connections that wait for the next test: few have more than two at a time."""


class _Closed:
    """What a connection has that is closed."""

    status = ConnStatus.BAD
    transaction_status = TransactionStatus.UNKNOWN


class KeptConnection(PatientConnection):
    """Is given back when it is closed, and taken anew: nothing that was set for it is left."""

    where: ClassVar[dict[str, str]]
    """The arguments of those that are kept."""

    idle: ClassVar[list[PGconn]] = []
    is_kept = False

    @classmethod
    def connect(cls, conninfo: str = "", **arguments: Any) -> Self:
        """Take one that was given back and still works, or connect."""
        is_kept = cls.where.items() <= arguments.items()
        driver = cls._take() if is_kept else None
        made = cls(driver) if driver else super().connect(conninfo, **arguments)
        made.is_kept = is_kept
        return made

    @classmethod
    def _take(cls) -> PGconn | None:
        with suppress(IndexError):  # none is left, or another thread has taken the last one
            while not _is_as_new(driver := cls.idle.pop()):
                driver.finish()
            return driver
        return None

    def close(self) -> None:
        """Give it back, if it is in no transaction."""
        driver = self.pgconn
        is_idle = driver.transaction_status == TransactionStatus.IDLE
        if self.is_kept and is_idle and len(self.idle) < MOST:
            self.pgconn, self._closed = cast("PGconn", _Closed()), True
            self.idle.append(driver)
        else:
            super().close()


def _is_as_new(driver: PGconn) -> bool:
    """Whether it works, with nothing left of what was set, prepared or listened to."""
    works = driver.exec_(b"DISCARD ALL").status == ExecStatus.COMMAND_OK
    while driver.notifies():
        pass
    return works
