"""The table of the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.row import Row


class AuditRow(Row):
    """Who did what, and when; personal fields are only named, without values."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "subject", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    operator: Mapped[str] = mapped_column(index=True)
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int]
    details: Mapped[dict[str, Any]]
