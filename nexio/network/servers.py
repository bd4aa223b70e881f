"""The servers that follow the store, and the status that each reports every few seconds.

A report is not a followed change: it gets no number, and PostgreSQL notifies nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import load_only

from nexio.errors import RowDamaged
from nexio.network.server_identity import Identity as Identity  # noqa: PLC0414 (others import it)
from nexio.store.tables import ServerRow

if TYPE_CHECKING:
    from nexio.clock import Clock
    from nexio.store.engine import Reading, Writing

REPORT_INTERVAL: Final = 10.0
"""Seconds between two reports of a server."""

SILENT_AFTER: Final = timedelta(seconds=45)
"""A server without a report for so long is down, or does not reach the store."""

STORED_FOR: Final = timedelta(days=90)
"""How long a silent server is stored; older decisions of the log lose the name of their server."""

LARGEST: Final = 1e11
"""Upper limit of any valid number of a report: seconds of three thousand years."""

CLOCK_TOLERANCE: Final = 1.0
"""Seconds.  Wi-Fi begins and ends on the second (R12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The status that a server reports."""

    version: str
    writer: str
    """Its name in the acts of the guard."""

    started_at: datetime
    table_age: float
    """Seconds since it last followed the store."""

    requests: float
    """Logins per second that it decided lately."""

    spooled: int = 0
    """Records that wait for the store."""

    spool_age: float = 0.0
    """Seconds that the oldest of them has waited."""

    clock_off: float | None = None
    """Seconds by which its clock is ahead of the database's; None if that is the same clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, with its last report."""

    id: int
    identity: Identity
    report: Report
    seen_at: datetime
    stopped_at: datetime | None
    silent_for: timedelta
    """Time since its last report, by the clock of the database."""

    @property
    def state(self) -> str:
        """``running``, ``silent`` or ``stopped``."""
        if self.stopped_at is not None:
            return "stopped"
        return "silent" if self.silent_for > SILENT_AFTER else "running"

    @property
    def table_age(self) -> timedelta:
        """How long it has not followed the store, as far as is known."""
        return timedelta(seconds=self.report.table_age) + self.silent_for

    @property
    def clock_words(self) -> str:
        """``2.5 seconds ahead of``; empty if its clock is the database's."""
        off = self.report.clock_off
        return "" if off is None else clock_words(off)

    @property
    def is_clock_off(self) -> bool:
        """Whether its clock is off by more than the tolerance."""
        return is_clock_off(self.report.clock_off)


def is_clock_off(seconds: float | None) -> bool:
    """Whether a clock differs from the database's by more than the tolerance."""
    return seconds is not None and abs(seconds) > CLOCK_TOLERANCE


def clock_words(off: float) -> str:
    """``2.5 seconds ahead of``, ``0.0 seconds behind``."""
    return f"{abs(off):.1f} seconds {'ahead of' if off > 0 else 'behind'}"


def store_now(work: Reading) -> datetime:
    """The time by the clock that all servers of the store share."""
    if work.session.connection().dialect.name == "sqlite":
        return work.now  # one machine
    now: datetime = work.session.scalars(select(func.clock_timestamp())).one()
    return now


def measure_clock(work: Reading, clock: Clock) -> float | None:
    """Seconds by which this machine's clock is ahead of the database's; None: the same clock.

    The database answers between two readings of ours; the fastest of three answers is the most
    exact.
    """
    if work.session.connection().dialect.name == "sqlite":
        return None
    answers = []
    for _ in range(3):
        before = clock()
        there = store_now(work)
        took = clock() - before
        answers.append((took, before + took / 2 - there))
    _, off = min(answers)
    return off.total_seconds()


def report(work: Writing, identity: Identity, status: Report, *, ends: bool = False) -> None:
    """Store the report of a server, and whether it stops in an orderly way."""
    number, now = number_of(work, identity), store_now(work)
    values = {name: getattr(status, name) for name in Report.__slots__}
    work.session.execute(
        update(ServerRow)
        .where(ServerRow.id == number)
        .values(**values, seen_at=now, stopped_at=now if ends else None)
    )


def number_of(work: Writing, identity: Identity) -> int:
    """The number of a server, assigned at its first report."""
    wanted = select(ServerRow.id).where(
        *(getattr(ServerRow, name) == value for name, value in identity._asdict().items())
    )
    found = work.session.scalar(wanted)
    if found is None:
        now = store_now(work)
        numbers = work.session.scalars(
            insert(ServerRow)
            .values(
                **identity._asdict(),
                version="",
                writer="",
                started_at=now,
                seen_at=now,
                table_age=0.0,
                spool_age=0.0,
                requests=0.0,
                spooled=0,
            )
            .returning(ServerRow.id)
        )
        found = numbers.one()
    return found


def list_servers(work: Reading) -> list[Server]:
    """All stored servers, by host."""
    now = store_now(work)
    order = (ServerRow.host, ServerRow.kind, ServerRow.place)
    # Read each row separately: SQLite stores any text as a time, and one such row would fail all.
    numbers = select(ServerRow).options(load_only(ServerRow.id)).order_by(*order)

    def read(row: ServerRow) -> Server:
        work.session.refresh(row)
        return _server_of(row, now)

    return list(work.bad_rows.usable(work.session.scalars(numbers).all(), read))


def server_names(work: Reading) -> dict[int, str]:
    """The names of the servers by their numbers."""
    row = ServerRow
    rows = work.session.execute(select(row.id, row.kind, row.host, row.place))
    return {number: Identity(*rest).name for number, *rest in rows}


def forget_servers(work: Writing) -> None:
    """Delete the servers that have been silent for a long time."""
    work.session.execute(delete(ServerRow).where(ServerRow.seen_at < store_now(work) - STORED_FOR))


def _server_of(row: ServerRow, now: datetime) -> Server:
    for name in ("table_age", "requests", "spooled", "spool_age", "clock_off"):
        value = getattr(row, name)
        if value is not None and not (isinstance(value, int | float) and abs(value) < LARGEST):
            raise RowDamaged(f"its {name} is no number that can be")
    return Server(
        id=row.id,
        identity=Identity(row.kind, row.host, row.place),
        report=Report(**row.fields_of(Report)),
        seen_at=row.seen_at,
        stopped_at=row.stopped_at,
        silent_for=max(timedelta(0), now - row.seen_at),
    )
