"""Claims a mail for sending, and notes the result: each in its own short transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from nexio.mail.smtp import MailOutcome, MailReply
from nexio.outbox.outbox import MailState, is_waiting, recipient_of
from nexio.store.engine import Reading, Store
from nexio.store.tables import OutboxRow

CLAIM = timedelta(minutes=10)
"""How long a claim lasts; longer than all timeouts for one mail together."""

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
LONGEST_WAIT = timedelta(hours=4)
"""The wait between two attempts, after the first ones."""

GIVE_UP = timedelta(days=3)
"""After this time, a mail is too late to be useful."""


def claim_next(store: Store, *, newest_first: bool = False) -> int | None:
    """Claim the next mail that is due; None if there is none.

    Nobody else gets it until it is marked, or until the claim expires.
    """
    order = [OutboxRow.id.desc()] if newest_first else [OutboxRow.next_try_at, OutboxRow.id]
    with store.write() as work:
        # SQLite has one writer at a time; PostgreSQL skips rows that another one is claiming.
        query = select(OutboxRow).where(_is_due(work.now)).order_by(*order).limit(1)
        row = work.session.scalar(query.with_for_update(skip_locked=True))
        if row is None:
            return None
        row.claimed_until = work.now + CLAIM
        to = recipient_of(work, row)
        row.to_name, row.to_address = (None, None) if to is None else (to.name, to.address)
        return row.id


def mark(store: Store, number: int, answer: MailReply) -> MailOutcome:
    """Note the result of sending a mail.

    Returns:
        The outcome; it is also REFUSED for a mail that is given up.
    """
    with store.write() as work:
        row = work.session.get(OutboxRow, number, with_for_update=True)
        if row is None or row.state != MailState.QUEUED.value:
            return answer.outcome  # deleted, or sent by another process after our claim expired
        return _write(row, answer, work.now)


def postpone_due(store: Store, words: str) -> None:
    """Note for all due mails why they wait; the reason is the same for each."""
    with store.write() as work:
        due = select(OutboxRow).where(_is_due(work.now)).with_for_update(skip_locked=True)
        for row in work.session.scalars(due):
            _write(row, MailReply(outcome=MailOutcome.LATER, words=words), work.now)


def count_due(work: Reading) -> int:
    """The number of mails that can be claimed now."""
    return work.count(_is_due(work.now))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return is_waiting(now) & (OutboxRow.next_try_at <= now)


def _write(row: OutboxRow, answer: MailReply, now: datetime) -> MailOutcome:
    row.attempts += 1
    row.claimed_until = None
    row.answer = answer.words
    last_try = row.created_at + GIVE_UP
    if answer.outcome is MailOutcome.SENT:
        row.state, row.sent_at = MailState.SENT.value, now
        return MailOutcome.SENT
    if answer.outcome is MailOutcome.LATER and now < last_try:
        row.next_try_at = min(now + _wait(row.attempts), last_try)
        return MailOutcome.LATER
    row.state = MailState.FAILED.value
    if answer.outcome is MailOutcome.LATER:
        row.answer = f"gave up after {GIVE_UP.days} days: {answer.words}"
    return MailOutcome.REFUSED


def _wait(attempts: int) -> timedelta:
    return WAITS[attempts - 1] if attempts <= len(WAITS) else LONGEST_WAIT
