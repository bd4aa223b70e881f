"""Accounting records: what a NAS reports about a session (RFC 2866)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from nexio.keys.keyring import Keyring
from nexio.store.sealed import USER_NAME


class Status(StrEnum):
    """What a record tells (Acct-Status-Type, RFC 2866 section 5.1)."""

    START = "start"
    UPDATE = "update"
    STOP = "stop"
    ON = "accounting-on"
    OFF = "accounting-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingRecord:
    """One report of a NAS; ``record_id`` is the same for each of its transmissions."""

    record_id: str
    """32 hex digits."""

    at: datetime
    """When it happened, by our clock."""

    status: str
    """A :class:`Status`."""

    sender: str
    """Digest of source address, NAS-Identifier and NAS address: 32 hex digits."""

    key: str
    """Digest of the sender and Acct-Session-Id."""

    nas_id: int | None
    nas: str
    location_id: int | None
    """Of the NAS entry; None where an SSID or a NAS-Identifier leads to none (R19)."""

    source_address: str
    nas_identifier: str | None
    nas_address: str | None
    session_id: str
    user_name: str
    """Masked."""

    calling_station: str | None
    device: str | None
    claimed_location: int | None
    claimed_visit: int | None
    claimed_token: int | None
    """From the Class of our accept, as the network brings it back: untrusted."""

    seconds: int | None
    """Acct-Session-Time."""

    octets_in: int | None
    """From the guest's device, Gigawords included; None where the record has no such attribute."""

    octets_out: int | None
    terminate_cause: int | None
    user_name_sealed: bytes | None = field(default=None, repr=False, compare=False)
    """User-Name as it was sent, see :func:`seal_name`; a disconnect needs it.  The same name is
    never sealed alike."""

    session_id_hex: str | None = None
    """Acct-Session-Id as it was sent, where ``session_id`` does not show it whole."""

    clock_behind: int | None = None
    """By how many seconds the NAS's clock is behind ours; None where it sends no time."""

    @property
    def source(self) -> str:
        """Whose share of what can be stored it takes."""
        return self.source_address

    @property
    def began_at(self) -> datetime | None:
        """When its session began; None where that is unknown."""
        if self.status == Status.START:
            return self.at
        return None if self.seconds is None else self.at - timedelta(seconds=self.seconds)


def seal_name(keyring: Keyring, octets: bytes) -> bytes:
    """A User-Name as it was sent, whatever octets it is made of, encrypted."""
    return keyring.seal(octets.decode("latin-1"), USER_NAME.purpose)


def unseal_name(keyring: Keyring, sealed: bytes) -> bytes:
    """What :func:`seal_name` has sealed.

    Raises:
        KeyUnusable: it is damaged, or sealed with another key.
    """
    return keyring.unseal(sealed, USER_NAME.purpose).encode("latin-1")
