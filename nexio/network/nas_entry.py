"""The entry of a NAS, as the servers know it (R19)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nexio.keys.keyring import second_missing
from nexio.network.nas_profiles import GENERIC, profile_of

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from nexio.input.reply_settings import Replies
    from nexio.locations.locations import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Nas:
    """A device, or all devices of a network, that share a secret with us."""

    id: int
    name: str
    address: IPv4Network | IPv6Network
    location: Location
    secret: bytes | None = field(repr=False)
    """None if it is sealed with the second key, and this process does not have that key."""

    ssid: str | None
    identifier: str | None
    require_message_authenticator: bool
    limit_proxy_state: bool
    disconnect_host: str | None = None
    """Where it takes disconnects (RFC 5176); None is the source address of its accounting."""

    disconnect_port: int | None = None
    disconnect_source: str | None = None
    """Our source address for disconnects; None leaves it to the routes."""

    takes_disconnects: bool = True
    profile: str = GENERIC
    """The name of a profile in ``nas_profiles.toml``."""

    counts: str | None = None
    """Whose input and output it counts; None is as the profile says."""

    reply: Replies = ()
    """Reply attributes of its Access-Accepts, in addition to those of its location."""

    @property
    def known_secret(self) -> bytes:
        """The secret.

        Raises:
            KeyUnusable: it cannot be read.
        """
        if self.secret is None:
            raise second_missing()
        return self.secret

    @property
    def counts_for_client(self) -> bool:
        """Whether its Acct-Input-Octets count what the device received, not what it sent."""
        return (self.counts or profile_of(self.profile).counts) == "client"
