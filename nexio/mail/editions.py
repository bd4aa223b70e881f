"""Which calendar entry a mail carries, and which edition of it (RFC 5545 section 3.8.7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from nexio.mail.calendar_entries import Edition
from nexio.outbox.templates import Template
from nexio.store.signing import sign
from nexio.store.tables import OutboxRow, VisitRow

if TYPE_CHECKING:
    from nexio.outbox.mailboxes import Mailbox
    from nexio.store.engine import Reading

_WITH_ENTRY = (Template.VISITOR_REGISTERED.value, Template.VISITOR_UPDATED.value)


def edition_of(work: Reading, row: OutboxRow, sender: Mailbox) -> Edition:
    """The entry of a visit and of those that it replaces (R5): one line in the calendar.

    Signed by the store, so that two stores that send from one domain never meet in a UID.
    """
    visits = _replaced(work, row.visit_id)
    first = min(visits)
    before = select(func.count()).where(
        OutboxRow.visit_id.in_(visits),
        OutboxRow.template.in_(_WITH_ENTRY),
        OutboxRow.id < row.id,
    )
    return Edition(
        uid=f"visit-{first}-{sign(work, f'calendar:{first}').hex()[:16]}@{sender.domain}",
        sequence=work.session.scalar(before) or 0,
    )


def _replaced(work: Reading, visit_id: int | None) -> list[int]:
    """A visit and all before it."""
    chain: list[int] = []
    while visit_id is not None:
        chain.append(visit_id)
        visit_id = work.session.scalar(select(VisitRow.replaces_id).where(VisitRow.id == visit_id))
    return chain
