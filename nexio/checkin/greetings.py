"""The greeting for somebody who went through the door: only about themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from nexio.checkin.taps import Direction
from nexio.outbox.outbox import Template
from nexio.reception.tokens import token_of
from nexio.store.tables import CheckInRow, OutboxRow

if TYPE_CHECKING:
    from nexio.checkin.taps import Tap
    from nexio.reception.tokens import Token
    from nexio.store.engine import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Who is greeted, and with what information."""

    tap: Tap
    first_name: str
    """The whole name if the person has only a last name."""

    wifi: Token | None
    host_is_notified: bool
    """Whether a mail to the host was queued when the visitor came."""


def greet(work: Reading, tap: Tap) -> Greeting:
    """The greeting after a tap."""
    stay = work.session.get_one(CheckInRow, tap.stay)
    person = stay.member if stay.visit is None else stay.visit
    token = None if stay.visit is None else stay.visit.token
    return Greeting(
        tap=tap,
        first_name=(person.first_name if person is not None else "") or tap.name,
        wifi=None if token is None else token_of(token, work.now),
        host_is_notified=tap.direction is Direction.IN and _is_notified(work, stay),
    )


def _is_notified(work: Reading, stay: CheckInRow) -> bool:
    """Whether a mail to the host was queued in the same transaction as the check-in."""
    mail = (
        (OutboxRow.visit_id == stay.visit_id)
        & (OutboxRow.template == Template.VISITOR_ARRIVED.value)
        & (OutboxRow.created_at == stay.in_at)
    )
    return (
        stay.visit_id is not None
        and work.session.scalar(select(OutboxRow.id).where(mail)) is not None
    )
