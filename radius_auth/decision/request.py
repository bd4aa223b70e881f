"""What is asked and what is answered, whichever server it came to.

The values are named tuples, as the path of a login makes one of each: a frozen dataclass of eight
fields takes seven times as long to make (``python -m benchmarks.path``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nexio.input.addresses import email_key
from radius_auth.decision.devices import mac_of
from radius_auth.decision.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from radius_auth.decision.passwords import Password


named = tuple.__new__
"""Makes a named tuple of all its fields, in half of the time that calling its class takes: four of
them are made for a login (``python -m benchmarks.path``)."""


class Request(NamedTuple):
    """What an Access-Request asks.

    The repr shows neither password nor User-Name, which may be a PIN.
    """

    nas: Nas | None
    """Who asks; None where an SSID or a NAS-Identifier leads to no location (R19)."""

    user_name: bytes
    """Empty where there is none."""

    password: Password | None
    """None where the method is none that we can check."""

    calling_station: bytes | None = None
    service_type: int | None = None
    nas_port_type: int | None = None
    contradictory: bool = False
    """Two methods; a wrong length or two values of what the decision needs: to be rejected."""

    nas_identifier: bytes = b""
    """For the log, where ``nas`` is None."""

    def __repr__(self) -> str:
        """Nothing that could be a PIN."""
        return f"Request(device={self.device}, contradictory={self.contradictory})"

    @property
    def email(self) -> str:
        """What visits are looked up by: the User-Name as an e-mail (R8)."""
        return email_key(self.user_name.decode("utf-8", "replace"))

    @property
    def device(self) -> str | None:
        """The Calling-Station-Id as a MAC address in one notation (R18)."""
        return mac_of(self.calling_station)


class Claim(NamedTuple):
    """Whose PIN it may be.

    The repr shows neither the PIN nor the User-Name, which may be one.
    """

    location: Location
    """Of the NAS."""

    name: bytes | None
    """The User-Name that visits were looked up by; None where the PIN alone logs in (R9)."""

    pin: str | None
    """Then: the PIN that is typed, if one is."""

    visits: Sequence[FollowedVisit]
    """Those whose right PIN would be confirmed now (R11, R19)."""

    silent: Sequence[FollowedVisit]
    """Those whose right PIN is a reject like any other; the log may know better."""

    def __repr__(self) -> str:
        """Nothing that could be a PIN."""
        return f"Claim(visits={self.visits}, silent={self.silent})"

    @property
    def miss(self) -> Reason:
        """What it is when it is nobody's PIN."""
        unknown = self.name is not None and not self.visits and not self.silent
        return Reason.UNKNOWN_USER if unknown else Reason.WRONG_PIN


class Accepted(NamedTuple):
    """The guest may on, for the rest of the window."""

    visit: FollowedVisit
    session_timeout: int
    """Whole seconds left in the window, at least 1 (R12)."""

    reason: Reason = Reason.VALID
    """For the log, which has a reason for each outcome."""


class Rejected(NamedTuple):
    """The guest may not on."""

    reason: Reason
    visit: FollowedVisit | None = None
    """Whose PIN was right, if one's was."""

    is_explained: bool = True
    """Whether the guest may know that it was right (R11); the log may in any case."""


Decision = Accepted | Rejected
