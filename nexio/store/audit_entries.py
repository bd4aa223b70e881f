"""Reading the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from nexio.store.engine import Reading
from nexio.store.tables import AuditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Somebody did something."""

    id: int
    at: datetime
    operator: str
    """Who: what ``NEXIO_OPERATOR`` said, else the user of the system; or a desk, or a tablet."""

    action: str
    subject: str
    subject_id: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are looked for; None leaves a condition out."""

    visits: Sequence[int] | None = None
    operator: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    after: int | None = None
    """The first ones above this number; None is the newest ones."""

    limit: int = 50


def list_entries(work: Reading, which: AuditFilter) -> list[Entry]:
    """Entries, oldest first."""
    conditions = [
        None if which.visits is None else AuditRow.subject == "visit",
        None if which.visits is None else AuditRow.subject_id.in_(which.visits),
        None if which.operator is None else AuditRow.operator == which.operator,
        None if which.since is None else AuditRow.at >= which.since,
        None if which.before is None else AuditRow.at < which.before,
        None if which.after is None else AuditRow.id > which.after,
    ]
    query = select(AuditRow).where(*(each for each in conditions if each is not None))
    order = AuditRow.id.desc() if which.after is None else AuditRow.id
    rows = work.session.scalars(query.order_by(order).limit(which.limit))
    return [Entry(**row.fields_of(Entry)) for row in sorted(rows, key=lambda row: row.id)]
