"""Read the audit."""

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
    """One entry of the audit."""

    id: int
    at: datetime
    operator: str
    """The value of ``NEXIO_OPERATOR``, else the system user; or a desk, or a tablet."""

    action: str
    subject: str
    subject_id: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """The entries to find; None leaves a condition out."""

    visits: Sequence[int] | None = None
    operator: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    after: int | None = None
    """Return the first entries above this number; None returns the newest."""

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
