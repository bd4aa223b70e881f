"""What is asked and what is answered, whichever server it came to.

A request is normalized once, when it is made; the decision, the guard and the log all read that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nexio.input.addresses import email_key
from radius_auth.decision.devices import mac_of
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
    nas_identifier: bytes = b""
    """For the log, where ``nas`` is None."""

    email: str = field(init=False, repr=False)
    """What visits are looked up by: the User-Name as an e-mail (R8)."""

    device: str | None = field(init=False)
    """The Calling-Station-Id as a MAC address in one notation (R18)."""

    def __post_init__(self) -> None:
        """Normalize what was sent."""
        email = email_key(self.user_name.decode("utf-8", "replace"))
        object.__setattr__(self, "email", email)
        object.__setattr__(self, "device", mac_of(self.calling_station))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The guest may on, for the rest of the window."""

    visit: FollowedVisit
    session_timeout: int
    """Whole seconds left in the window, at least 1 (R12)."""

    reason: Reason = field(default=Reason.VALID, init=False)
    """For the log, which has a reason for each outcome."""

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
