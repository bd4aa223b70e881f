"""Accounting records: what a NAS reports about a session (RFC 2866)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

from nexio.keys.keyring import Keyring
from nexio.keys.purposes import USER_NAME
from nexio.network.events import new_record_id


class Status(StrEnum):
    """What a record tells (Acct-Status-Type, RFC 2866 section 5.1)."""

    START = "start"
    UPDATE = "update"
    STOP = "stop"
    ON = "accounting-on"
    OFF = "accounting-off"


@dataclass(slots=True)
class AccountingRecord:
    """One report of a NAS; told again, it is an equal one, and changes nothing.

    Nobody changes it.  Frozen, it would take three times as long to make, and in a server each is
    made twice (``python -m benchmarks.recording``).
    """

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
    def began_at(self) -> datetime | None:
        """When its session began; None where that is unknown."""
        if self.status == Status.START:
            return self.at
        return None if self.seconds is None else self.at - timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingBatch:
    """Records of one source address that were stored, and answered, together."""

    record_id: str = field(default_factory=new_record_id)
    source: str
    """Whose share of what can be stored it takes."""

    records: tuple[AccountingRecord, ...]

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.records)

    def alone(self) -> list[AccountingBatch]:
        """Each of its records by itself: one of them cannot be stored."""
        return [
            AccountingBatch(
                record_id=f"{self.record_id}.{i}", source=self.source, records=(record,)
            )
            for i, record in enumerate(self.records)
        ]

    def values(self) -> tuple[Any, ...]:
        """Its records as plain values."""
        return tuple((each.at.timestamp(), *_values_but_at(each)) for each in self.records)

    def since(self) -> float:
        """When the first of them was made: seconds since 1970."""
        return self.records[0].at.timestamp()

    @classmethod
    def of_values(cls, record_id: str, source: str, values: Iterable[Any]) -> AccountingBatch:
        """What :meth:`values` told."""
        records = [AccountingRecord(_instant(at), *others) for at, *others in values]
        return cls(record_id=record_id, source=source, records=tuple(records))


_values_but_at: Final = attrgetter(*(each.name for each in fields(AccountingRecord)[1:]))


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def batches_of_records(records: Iterable[AccountingRecord]) -> list[AccountingBatch]:
    """What is stored together, for each source address a batch."""
    by_source: defaultdict[str, list[AccountingRecord]] = defaultdict(list)
    for each in records:
        by_source[each.source_address].append(each)
    return [AccountingBatch(source=source, records=tuple(its)) for source, its in by_source.items()]


def seal_name(keyring: Keyring, octets: bytes) -> bytes:
    """A User-Name as it was sent, whatever octets it is made of, encrypted."""
    return keyring.seal(octets.decode("latin-1"), USER_NAME)


def unseal_name(keyring: Keyring, sealed: bytes) -> bytes:
    """What :func:`seal_name` has sealed.

    Raises:
        KeyUnusable: it is damaged, or sealed with another key.
    """
    return keyring.unseal(sealed, USER_NAME).encode("latin-1")
