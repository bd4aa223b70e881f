"""The tables of outgoing mails and their texts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Row
from nexio.store.tables.visits import MemberRow, VisitRow


class OutboxRow(Row):
    """A queued or sent mail; its text is made when it is sent.

    ``to_name`` and ``to_address`` are the recipient of the last attempt: a later correction of an
    address does not change where an old mail went.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("(visit_id IS NULL) <> (member_id IS NULL)", name="one_subject"),
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        Index(None, "state", "next_try_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    template: Mapped[str]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey(VisitRow.id), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey(MemberRow.id), index=True)
    message_id: Mapped[str] = mapped_column(String(32))
    to_name: Mapped[str | None]
    to_address: Mapped[str | None]
    created_at: Mapped[datetime]
    state: Mapped[str]
    attempts: Mapped[int]
    next_try_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    answer: Mapped[str | None]
    sent_at: Mapped[datetime | None]

    visit: Mapped[VisitRow | None] = relationship()
    member: Mapped[MemberRow | None] = relationship()


class MailTextRow(Row):
    """A location's own text of a mail in a language (see ``nexio/mail/texts.py``)."""

    __tablename__ = "mail_text"
    __table_args__ = (
        CheckConstraint("language IN ('en', 'de', 'fr', 'es', 'vi', 'zh')", name="language"),
    )

    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), primary_key=True)
    template: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    changed_at: Mapped[datetime]
