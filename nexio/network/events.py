"""Auth events: what the RADIUS servers decided."""

from __future__ import annotations

import itertools
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


_PREFIX = secrets.token_hex(8)
_numbers = itertools.count()


def new_record_id() -> str:
    """The id of a record that nobody else makes: 32 hex digits, of this process and counted."""
    return f"{_PREFIX}{os.getpid() & 0xFFFFFFFF:08x}{next(_numbers) & 0xFFFFFFFF:08x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthEvent:
    """One decision; ``record_id`` (32 hex digits) makes it the same one wherever it is met."""

    record_id: str = field(default_factory=new_record_id)
    at: datetime
    user_name: str
    device: str | None
    nas: str
    location_id: int | None
    visit_id: int | None
    outcome: str
    reason: str
    latency_us: int

    @property
    def source(self) -> str:
        """Whose share of what can be stored it takes; of one that no entry stands for, "-"."""
        return "-" if self.location_id is None else self.nas
