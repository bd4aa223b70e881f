"""Devices on the Wi-Fi."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Row, index_where
from nexio.store.tables.visits import AccessTokenRow, VisitRow


class DeviceRow(Row):
    """A device that was admitted with a visit's PIN (see ``nexio/network/devices.py``).

    It holds a slot of the token's limit until ``freed_at`` (R18).  Visits without a limit have
    rows only if devices are remembered (R22).
    """

    __tablename__ = "device"
    __table_args__ = (CheckConstraint("length(mac) = 17", name="mac"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey(VisitRow.id), primary_key=True)
    mac: Mapped[str] = mapped_column(String(17), primary_key=True)
    first_at: Mapped[datetime]
    freed_at: Mapped[datetime | None]


class WifiSessionRow(Row):
    """A device on the Wi-Fi, as its NAS reports it by accounting (RFC 2866).

    ``sender`` is a digest of source address, NAS-Identifier and NAS address, ``key`` one of that
    and Acct-Session-Id.  A NAS that restarts may use an Acct-Session-Id again: ``occurrence``
    distinguishes such sessions.  ``session_id_hex`` is the id as sent, if ``session_id`` does not
    show all of it.  ``clock_behind`` is the number of seconds by which the NAS's clock is behind
    ours, if known.  ``nas_id`` has no foreign key: the session stays when its NAS is removed.
    ``user_name`` is masked; ``user_name_sealed`` is the name as sent.  ``last_seconds`` etc. are
    the last values that the NAS reported (at ``counted_at``): when the NAS counts from zero again,
    ``seconds`` etc. go on.  ``interval`` is the longest time in seconds between two reports so far.
    Until ``disconnect_due_at`` no server asks the NAS to end the session (again): another one is
    asking now, or has just asked.
    """

    __tablename__ = "wifi_session"
    __table_args__ = (
        UniqueConstraint("key", "occurrence"),
        CheckConstraint("(visit_id IS NULL) = (token_id IS NULL)", name="token_of_a_visit"),
        CheckConstraint("heard_at >= started_at", name="heard_after_start"),
        CheckConstraint("ended_at >= started_at", name="end_after_start"),
        CheckConstraint(
            "ended_by IN"
            " ('stop', 'accounting-on', 'accounting-off', 'reuse', 'gone', 'lost', 'closed')",
            name="ended_by",
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="end_is_whole"),
        CheckConstraint(
            "terminate_cause IS NULL OR coalesce(ended_by, '') = 'stop'", name="cause_of_a_stop"
        ),
        CheckConstraint(
            "seconds >= 0 AND octets_in >= 0 AND octets_out >= 0", name="counts_from_zero"
        ),
        CheckConstraint(
            "disconnect_outcome IN ('ack', 'nak', 'timeout')", name="disconnect_outcome"
        ),
        CheckConstraint(
            "(disconnect_at IS NULL) = (disconnect_outcome IS NULL)", name="disconnect_is_whole"
        ),
        Index(None, "sender", "ended_at"),
        index_where("ended_at IS NULL", "ix_wifi_session_open", "token_id"),
        # No index by heard_at: each report of a NAS would have to change it, too.
        Index(None, "location_id", "started_at"),
        Index(None, "device", "session_id"),
        Index(None, "started_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(32))
    occurrence: Mapped[int]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey(VisitRow.id), index=True)
    token_id: Mapped[int | None] = mapped_column(ForeignKey(AccessTokenRow.id), index=True)
    location_id: Mapped[int | None] = mapped_column(ForeignKey(LocationRow.id))
    nas_id: Mapped[int | None]
    nas: Mapped[str]
    source_address: Mapped[str]
    nas_identifier: Mapped[str | None]
    nas_address: Mapped[str | None]
    session_id: Mapped[str]
    session_id_hex: Mapped[str | None]
    user_name: Mapped[str]
    user_name_sealed: Mapped[bytes | None]
    calling_station: Mapped[str | None]
    device: Mapped[str | None]
    clock_behind: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    interval: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    terminate_cause: Mapped[int | None] = mapped_column(BigInteger)
    seconds: Mapped[int] = mapped_column(BigInteger)
    octets_in: Mapped[int | None] = mapped_column(BigInteger)
    octets_out: Mapped[int | None] = mapped_column(BigInteger)
    counted_at: Mapped[datetime | None]
    last_seconds: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_octets_in: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_octets_out: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    disconnect_at: Mapped[datetime | None]
    disconnect_outcome: Mapped[str | None]
    error_cause: Mapped[int | None] = mapped_column(BigInteger)
    disconnect_reason: Mapped[str | None]
    disconnect_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    disconnect_due_at: Mapped[datetime | None]
