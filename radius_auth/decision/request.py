"""What is asked and what is answered, whichever server it came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radius_auth.decision.reasons import Reason

if TYPE_CHECKING:
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from radius_auth.decision.passwords import Password


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an Access-Request asks."""

    nas: Nas | None
    """Who asks; None where an SSID or a NAS-Identifier leads to no location (R19)."""

    user_name: bytes = field(repr=False)
    """Empty where there is none."""

    password: Password | None
    """None where the method is none that we can check."""

    calling_station: bytes | None = None
    service_type: int | None = None
    nas_port_type: int | None = None
    contradictory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The guest may on, for the rest of the window."""

    visit: FollowedVisit
    session_timeout: int
    """Whole seconds left in the window, at least 1 (R12)."""

    @property
    def reason(self) -> Reason:
        """For the log, which has a reason for each outcome."""
        return Reason.VALID

    @property
    def class_(self) -> bytes:
        """The Class attribute: where accounting finds the token again (R12)."""
        return f"nexio/{self.visit.location_id}/{self.visit.id}/{self.visit.token_id}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The guest may not on."""

    reason: Reason
    visit: FollowedVisit | None = None
    """Whose PIN was right, if one's was."""

    is_told: bool = True
    """Whether the guest may know that it was right (R11); the log may in any case."""


Decision = Accepted | Rejected
