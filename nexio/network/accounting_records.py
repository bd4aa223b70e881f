"""Accounting records: the reports of a NAS about a session (RFC 2866)."""

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
    """The kind of a record (Acct-Status-Type, RFC 2866 section 5.1)."""

    START = "start"
    UPDATE = "update"
    STOP = "stop"
    ON = "accounting-on"
    OFF = "accounting-off"


@dataclass(slots=True)
class AccountingRecord:
    """One report of a NAS.  A repeated report is equal, and changes nothing.

    Treat it as immutable.  A frozen dataclass would take three times as long to make, and a server
    makes each record twice (``python -m benchmarks.recording``).
    """

    at: datetime
    """Time of the event, by our clock."""

    status: str
    """A :class:`Status`."""

    sender: str
    """Digest of source address, NAS-Identifier and NAS address: 32 hex digits."""

    key: str
    """Digest of the sender and Acct-Session-Id."""

    nas_id: int | None
    nas: str
    location_id: int | None
    """Location of the NAS entry; None if SSID or NAS-Identifier match no entry (R19)."""

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
    """From the Class of our Access-Accept, as the network returns it: untrusted."""

    seconds: int | None
    """Acct-Session-Time."""

    octets_in: int | None
    """Sent by the guest's device, Gigawords included; None if the record has no such attribute."""

    octets_out: int | None
    terminate_cause: int | None
    user_name_sealed: bytes | None = field(default=None, repr=False, compare=False)
    """User-Name as sent, see :func:`seal_name`; a disconnect needs it.  Sealing the same name twice
    gives different octets."""

    session_id_hex: str | None = None
    """Acct-Session-Id as sent, if ``session_id`` does not show all of it."""

    clock_behind: int | None = None
    """Seconds by which the NAS's clock is behind ours; None if it sends no time."""

    @property
    def began_at(self) -> datetime | None:
        """The start of its session; None if unknown."""
        if self.status == Status.START:
            return self.at
        return None if self.seconds is None else self.at - timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingBatch:
    """Records of one source address that are stored and acknowledged together."""

    record_id: str = field(default_factory=new_record_id)
    source: str
    """The source whose share of the storage limit it uses."""

    records: tuple[AccountingRecord, ...]

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.records)

    def alone(self) -> list[AccountingBatch]:
        """Split into batches of one record, to isolate a record that cannot be stored."""
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
        """The time of its first record: seconds since 1970."""
        return self.records[0].at.timestamp()

    @classmethod
    def of_values(cls, record_id: str, source: str, values: Iterable[Any]) -> AccountingBatch:
        """Rebuild a batch from its :meth:`values`."""
        records = [AccountingRecord(_instant(at), *others) for at, *others in values]
        return cls(record_id=record_id, source=source, records=tuple(records))


_values_but_at: Final = attrgetter(*(each.name for each in fields(AccountingRecord)[1:]))


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def batches_of_records(records: Iterable[AccountingRecord]) -> list[AccountingBatch]:
    """Group records into one batch for each source address."""
    by_source: defaultdict[str, list[AccountingRecord]] = defaultdict(list)
    for each in records:
        by_source[each.source_address].append(each)
    return [
        AccountingBatch(source=source, records=tuple(grouped))
        for source, grouped in by_source.items()
    ]


def seal_name(keyring: Keyring, octets: bytes) -> bytes:
    """Encrypt a User-Name as sent, whatever octets it contains."""
    return keyring.seal(octets.decode("latin-1"), USER_NAME)


def unseal_name(keyring: Keyring, sealed: bytes) -> bytes:
    """Decrypt the result of :func:`seal_name`.

    Raises:
        KeyUnusable: it is damaged, or sealed with another key.
    """
    return keyring.unseal(sealed, USER_NAME).encode("latin-1")
