"""The audit: who did what, when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from nexio.clock import utc_now
from nexio.store import schema
from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import AuditRow

_INSERT = insert(AuditRow)
"""On a connection: through the session it would take five times as long."""


def record(
    work: Writing, action: str, subject: str, subject_id: int, details: dict[str, Any] | None = None
) -> None:
    """Note an action in the same transaction as what it did.

    Args:
        work: the transaction.
        action: a verb of the command line, such as ``register`` or ``revoke``.
        subject: what was changed: ``location``, ``visit``, ``nas``.
        subject_id: its number.
        details: plain JSON; before and after for settings, NAS and windows.  Never a PIN, a
            secret or what a personal field says.
    """
    # What ends with the thing itself, such as its Wi-Fi with a visit, is not named beside it.
    if action == "delete":
        work.done[:] = [each for each in work.done if not each.endswith(f" {subject} {subject_id}")]
    record_many(work, subject, [(action, subject_id, details or {})])


def record_many(
    work: Writing, subject: str, acts: Sequence[tuple[str, int, dict[str, Any]]]
) -> None:
    """:func:`record` of many acts, in their order and in one statement.

    Args:
        work: the transaction.
        subject: what all of them changed.
        acts: for each the action, the number of what it changed, and the details.
    """
    if not acts:
        return
    work.done.extend(f"{action} {subject} {number}" for action, number, _ in acts)
    common = {"at": work.now, "operator": work.operator, "subject": subject}
    work.session.connection().execute(
        _INSERT,
        [
            {**common, "action": action, "subject_id": number, "details": details}
            for action, number, details in acts
        ],
    )


def upgrade_noted(operator: str) -> Callable[[Connection, str], None]:
    """What notes that this operator upgraded the store (see :func:`nexio.store.schema.upgrade`)."""

    def note(connection: Connection, before: str) -> None:
        details = {"before": before, "after": schema.HEAD}
        row = {"at": utc_now(), "operator": operator, "details": details}
        about = {"action": "upgrade", "subject": "store", "subject_id": 1}
        connection.execute(_INSERT, row | about)

    return note


def operators_of(
    work: Reading, subject: str, numbers: Sequence[int], actions: Sequence[str]
) -> dict[int, str]:
    """Who did one of those things to each of them; those of whom that is not known are left out."""
    found: dict[int, str] = {}
    for group in in_groups(numbers):
        query = select(AuditRow.subject_id, AuditRow.operator).where(
            AuditRow.subject == subject,
            AuditRow.subject_id.in_(group),
            AuditRow.action.in_(actions),
        )
        found |= dict(work.session.execute(query).all())
    return found
