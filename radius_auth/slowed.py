"""Who is slowed by the guard, for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radius_auth.ledgers import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowed:
    """Somebody whose next guess has to wait."""

    budget: str
    """``e-mail and device``, ``device``, ``NAS and e-mail``, ``e-mail`` or ``location``."""

    email: str | None
    device: str | None
    nas: str | None
    location: int
    """Where the latest guess was."""

    failures: int
    until: datetime


def slowed_by(budget: str, ledger: Ledger[Any], now: datetime) -> Iterator[Slowed]:
    """The keys of one budget that have to wait now."""
    for _, record in ledger:
        wait, guess = record.wait(now.timestamp(), record.weight), record.guess
        if wait and guess is not None:
            by_email = budget.endswith("e-mail") or budget == "e-mail and device"
            yield Slowed(
                budget=budget,
                email=guess.email if by_email else None,
                device=guess.device if "device" in budget else None,
                nas=guess.nas if "NAS" in budget else None,
                location=guess.location,
                failures=record.failures,
                until=datetime.fromtimestamp(now.timestamp() + wait, UTC),
            )
