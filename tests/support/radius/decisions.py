"""Decisions for the log, made in memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nexio.network.events import AuthEvent, Decided
from nexio.network.events import decided as as_decided
from tests.support.radius.guests import NINE


def event(number: int = 1, **changes: Any) -> AuthEvent:
    """An accept at nine, or with ``changes``; ``number`` distinguishes it from others."""
    made = AuthEvent(
        record_id=f"{number:032x}",
        at=NINE + timedelta(microseconds=number),
        user_name="zoe@example.com",
        device=None,
        nas="ap-1",
        location_id=1,
        visit_id=number,
        outcome="accept",
        reason="valid",
        latency_us=50,
    )
    return replace(made, **changes)


def events(count: int) -> list[AuthEvent]:
    """So many events, in order."""
    return [event(number) for number in range(1, count + 1)]


def decided(**changes: Any) -> Decided:
    """The same on its way out of the answering process."""
    return as_decided(event(**changes))


def auth_event(told: Decided) -> AuthEvent:
    """A decision as it leaves the answering process, as an event."""
    at, user_name, device, nas, location_id, visit_id, outcome, reason, latency_us = told
    return AuthEvent(
        at=datetime.fromtimestamp(at, UTC),
        user_name=user_name,
        device=device,
        nas=nas,
        location_id=location_id,
        visit_id=visit_id,
        outcome=outcome,
        reason=reason,
        latency_us=latency_us,
    )
