"""The audit: who did what, when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import AuditRow


def record(
    work: Writing, action: str, subject: str, subject_id: int, details: dict[str, Any] | None = None
) -> None:
    """Note an action in the same transaction as what it did.

    Args:
        work: the transaction.
        action: a verb of the command line, such as ``register`` or ``revoke``.
        subject: ``location``, ``visit`` or ``nas``.
        subject_id: its number.
        details: plain JSON; before and after for settings, NAS and windows.  Never a PIN, a
            secret or what a personal field says.
    """
    note(work, action, subject, subject_id)
    work.session.add(
        AuditRow(
            at=work.now,
            operator=work.operator,
            action=action,
            subject=subject,
            subject_id=subject_id,
            details=details or {},
        )
    )


def note(work: Writing, action: str, subject: str, subject_id: int) -> None:
    """Note an action that has rows of its own, such as a check-in, so that it can be printed.

    What ends with the thing itself, such as its Wi-Fi with a visit, is not named beside it.
    """
    if action == "delete":
        work.done[:] = [each for each in work.done if not each.endswith(f" {subject} {subject_id}")]
    work.done.append(f"{action} {subject} {subject_id}")


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
