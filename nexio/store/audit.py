"""Write the audit: who did what, and when."""

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
"""Executed on the connection: through the session it would take five times as long."""


def record(
    work: Writing, action: str, subject: str, subject_id: int, details: dict[str, Any] | None = None
) -> None:
    """Record an action in the same transaction as its changes.

    Args:
        work: the transaction.
        action: a verb of the command line, such as ``register`` or ``revoke``.
        subject: what was changed: ``location``, ``visit``, ``nas``.
        subject_id: its number.
        details: plain JSON; before and after for settings, NAS and windows.  Never a PIN, a
            secret or the value of a personal field.
    """
    # Do not also report what a deletion ends, such as the Wi-Fi of a deleted visit.
    if action == "delete":
        work.done[:] = [each for each in work.done if not each.endswith(f" {subject} {subject_id}")]
    record_many(work, subject, [(action, subject_id, details or {})])


def record_many(
    work: Writing, subject: str, acts: Sequence[tuple[str, int, dict[str, Any]]]
) -> None:
    """:func:`record` for many acts, in order and in one statement.

    Args:
        work: the transaction.
        subject: the kind of object that all of them changed.
        acts: for each the action, the number of the changed object, and the details.
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
    """Make the callback that records an upgrade (see :func:`nexio.store.schema.upgrade`)."""

    def note(connection: Connection, before: str) -> None:
        details = {"before": before, "after": schema.HEAD}
        row = {"at": utc_now(), "operator": operator, "details": details}
        about = {"action": "upgrade", "subject": "store", "subject_id": 1}
        connection.execute(_INSERT, row | about)

    return note


def operators_of(
    work: Reading, subject: str, numbers: Sequence[int], actions: Sequence[str]
) -> dict[int, str]:
    """The operator of one of those actions on each object; unknown ones are left out."""
    found: dict[int, str] = {}
    for group in in_groups(numbers):
        query = select(AuditRow.subject_id, AuditRow.operator).where(
            AuditRow.subject == subject,
            AuditRow.subject_id.in_(group),
            AuditRow.action.in_(actions),
        )
        found |= dict(work.session.execute(query).all())
    return found
