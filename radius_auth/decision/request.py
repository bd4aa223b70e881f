"""Requests, claims and decisions as values, the same for both servers.

They are named tuples, as each login makes one of each: a frozen dataclass of eight fields takes
seven times as long to make (``python -m benchmarks.path``).
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
"""Makes a named tuple from all its fields in half of the time of calling its class; each login
makes four (``python -m benchmarks.path``)."""


class Request(NamedTuple):
    """The content of an Access-Request.

    The repr shows neither password nor User-Name, which may be a PIN.
    """

    nas: Nas | None
    """The sender; None if an SSID or a NAS-Identifier leads to no location (R19)."""

    user_name: bytes
    """Empty if there is none."""

    password: Password | None
    """None for a method that we cannot check."""

    calling_station: bytes | None = None
    service_type: int | None = None
    nas_port_type: int | None = None
    contradictory: bool = False
    """To be rejected: two methods, or a wrong length or two values of what the decision needs."""

    nas_identifier: bytes = b""
    """For the log, if ``nas`` is None."""

    def __repr__(self) -> str:
        """Show nothing that could be a PIN."""
        return f"Request(device={self.device}, contradictory={self.contradictory})"

    @property
    def email(self) -> str:
        """The User-Name as an e-mail, by which visits are looked up (R8)."""
        return email_key(self.user_name.decode("utf-8", "replace"))

    @property
    def device(self) -> str | None:
        """The Calling-Station-Id as a MAC address in one notation (R18)."""
        return mac_of(self.calling_station)


class Claim(NamedTuple):
    """The visits whose PIN the password may be.

    The repr shows neither the PIN nor the User-Name, which may be one.
    """

    location: Location
    """Of the NAS."""

    name: bytes | None
    """The User-Name that visits were looked up by; None if the PIN alone logs in (R9)."""

    pin: str | None
    """Then: the PIN that was typed, if any."""

    visits: Sequence[FollowedVisit]
    """Those whose right PIN would be confirmed now (R11, R19)."""

    silent: Sequence[FollowedVisit]
    """Those whose right PIN gets the same reject as any other; only the log shows more."""

    def __repr__(self) -> str:
        """Show nothing that could be a PIN."""
        return f"Claim(visits={self.visits}, silent={self.silent})"

    @property
    def miss(self) -> Reason:
        """The reason if it is nobody's PIN."""
        unknown = self.name is not None and not self.visits and not self.silent
        return Reason.UNKNOWN_USER if unknown else Reason.WRONG_PIN


class Accepted(NamedTuple):
    """The guest may go online, for the rest of the window."""

    visit: FollowedVisit
    session_timeout: int
    """Whole seconds left in the window, at least 1 (R12)."""

    reason: Reason = Reason.VALID
    """For the log, which has a reason for each outcome."""


class Rejected(NamedTuple):
    """The guest may not go online."""

    reason: Reason
    visit: FollowedVisit | None = None
    """The visit whose PIN matched, if one did."""

    is_explained: bool = True
    """Whether the reply may reveal that it matched (R11); the log does in any case."""


Decision = Accepted | Rejected
