"""The table through which servers share PIN guesses: each act is one row.

It is in the store, for all servers.  Each host also has a file for its own processes, for restarts,
and for times when the store is unreachable (``radius_auth/guard/host_journal.py``).  Both hold the
numbers of visits and the addresses of devices; no password, and nothing derived from one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, text

from nexio.network.guard_acts import KINDS, OTHERS_KEPT, Act, Kind, values_in
from nexio.store.sqlite import insert_rows
from nexio.store.tables import GuardActRow, VisitRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

GUESSES_KEPT: Final = timedelta(days=4)
"""By then every bucket is full again, even an overdrawn one."""

DEVICES_KEPT: Final = timedelta(days=62)
"""No token is valid for more than 30 days; doubled, as a clock may have been ahead."""

_NAMES: Final = Act._fields
_INTO: Final = f"guard_act ({', '.join(_NAMES)})"


def exchange(connection: Connection, acts: Sequence[Act], number: int = 0) -> tuple[list[Act], int]:
    """Read the acts of others after that number, and write acts.

    Returns:
        The acts found, in order, and the number to read from the next time.
    """
    if acts:
        _lock(connection)
    found, last = read_after(connection, number)
    if acts:
        append(connection, acts)
        last = connection.scalar(select(func.max(GuardActRow.id))) or 0
    return found, last


def append(connection: Connection, acts: Sequence[Act]) -> None:
    """Write acts in such a way that readers by number miss none."""
    if not acts:
        return
    _lock(connection)
    if connection.dialect.name == "sqlite":
        insert_rows(connection, _INTO, values_in(acts), len(_NAMES), _NAMES.index("at"))
    else:
        connection.execute(
            insert(GuardActRow), [{**act._asdict(), "at": _instant(act.at)} for act in acts]
        )


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.execute(text("LOCK TABLE guard_act IN SHARE ROW EXCLUSIVE MODE"))


def read_after(connection: Connection, number: int) -> tuple[list[Act], int]:
    """The acts after that number, in order, and the number of the last one."""
    last = connection.scalar(select(func.max(GuardActRow.id))) or 0
    if last < number:  # another table took the place of this one
        number = 0
    if last == number:
        return [], last
    rows = connection.execute(
        select(*(getattr(GuardActRow, name) for name in _NAMES))
        .where(GuardActRow.id > number, GuardActRow.id <= last, GuardActRow.kind.in_(KINDS))
        .order_by(GuardActRow.id)
    )
    acts = [Act(kind, at.timestamp(), *rest) for kind, at, *rest in rows]
    return acts, last


def count_releases(connection: Connection, visit_id: int, since: datetime) -> int:
    """How many devices the desk has released at a visit since then."""
    mine = (GuardActRow.kind == Kind.RELEASE) & (GuardActRow.visit_id == visit_id)
    released = select(func.count()).where(mine, GuardActRow.at > since)
    return connection.scalar(released) or 0


def servers_at_work(connection: Connection, now: datetime) -> frozenset[str]:
    """The writers of servers that share guesses now: those that have not announced their end."""
    lately = GuardActRow.at > now - timedelta(seconds=OTHERS_KEPT)
    rows = connection.execute(
        select(GuardActRow.writer, GuardActRow.kind)
        .where(lately, GuardActRow.kind != Kind.RELEASE)  # written by the desk
        .order_by(GuardActRow.id)
    )
    latest = {writer: kind for writer, kind in rows}  # noqa: C416 (rows)
    return frozenset(writer for writer, kind in latest.items() if kind != Kind.GONE)


def live_visits(connection: Connection, now: datetime) -> frozenset[int]:
    """The visits whose guests may log in, which only the store knows; also some that ended."""
    live = select(VisitRow.id).where(VisitRow.closes_at > now - GUESSES_KEPT)
    return frozenset(connection.scalars(live))


def is_obsolete(now: datetime) -> ColumnElement[bool]:
    """The condition for acts that :mod:`nexio.operations.housekeeping` removes."""
    live = select(VisitRow.id).where(
        VisitRow.id == GuardActRow.visit_id, VisitRow.closes_at > now - GUESSES_KEPT
    )
    has_ended = GuardActRow.visit_id.is_not(None) & ~live.exists()
    is_device = (GuardActRow.kind == Kind.IN) & ~has_ended
    is_old = GuardActRow.at < now - GUESSES_KEPT
    return is_old & (~is_device | (GuardActRow.at < now - DEVICES_KEPT))


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
