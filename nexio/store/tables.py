"""The tables.

``location`` has ``visit`` s and ``member`` s; each of those owns a live ``pin``; a visit may
have one ``access_token``; ``nas`` are the devices that ask us over RADIUS, ``tablet`` s
stand at the doors, ``desk`` s are browsers at reception.  ``auth_event`` and
``audit`` only grow.  ``store_revision``, ``change`` and ``removed`` let readers follow along
(see ``batches.py``).

What the business promises is a named constraint here, not only a check in Python.  Numbers
that leave the store (in a QR code, a Class attribute, ``removed``) are never used twice, which
SQLite does only with ``sqlite_autoincrement``.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from nexio.store.columns import Duration, Instant

LARGEST_NUMBER = 2**31 - 1
"""What a column of numbers holds; to the drivers a larger one is an error, to us no row."""


def parse_number(text: str) -> int | None:
    """The number in a text; None where it is none, 0 (which no row has) if it is too large."""
    if not (text.isascii() and text.isdigit()):
        return None
    small = len(text) <= len(str(LARGEST_NUMBER)) and int(text) <= LARGEST_NUMBER
    return int(text) if small else 0


NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads this name)
        datetime: Instant,
        timedelta: Duration,
        str: Text,
        dict[str, Any]: JSON,
    }

    def fields_of(self, kind: type) -> dict[str, Any]:
        """What this row holds under the names of a dataclass, to make one of it."""
        return {name: getattr(self, name) for name in shared_names(type(self), kind)}


@cache
def shared_names(table: type[Row], kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that are also columns of a table."""
    columns = table.__table__.columns
    return tuple(field.name for field in fields(kind) if field.name in columns)


def index_where(condition: str, name: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows for which a condition holds.

    It has the condition on PostgreSQL too, see :func:`add_conditions_for_postgresql`.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(condition))


def add_conditions_for_postgresql() -> None:
    """Give the indexes their conditions on PostgreSQL, for who makes or compares tables.

    That loads SQLAlchemy's dialect, which would be a tenth of the time of a command on SQLite.
    """
    for table in Row.metadata.tables.values():
        for index in table.indexes:
            index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]


class Followed:
    """A row that RADIUS must know: each change carries the batch that made it."""

    batch: Mapped[int] = mapped_column(BigInteger, index=True)


class LocationRow(Followed, Row):
    """A place with a reception desk, and its settings (see ``nexio/locations/settings.py``)."""

    __tablename__ = "location"
    __table_args__ = (
        CheckConstraint("token_duration BETWEEN 60 AND 2592000", name="token_duration"),
        CheckConstraint("early_minutes BETWEEN 0 AND 1440", name="early_minutes"),
        CheckConstraint("pin_length BETWEEN 5 AND 10", name="pin_length"),
        CheckConstraint("token_starts IN ('expected-arrival', 'check-in')", name="token_starts"),
        CheckConstraint("wifi_login IN ('email', 'pin')", name="wifi_login"),
        CheckConstraint("max_devices >= 1", name="max_devices"),
        CheckConstraint("device_limit_outage IN ('allow', 'refuse')", name="device_limit_outage"),
        CheckConstraint("planned_guests >= 1", name="planned_guests"),
        *(
            CheckConstraint(f"{days} >= 1", name=days)
            for days in (
                "retention_days",
                "session_retention_days",
                "mail_retention_days",
                "check_in_retention_days",
                "member_retention_days",
                "audit_retention_days",
            )
        ),
        CheckConstraint("language IN ('en', 'de', 'fr', 'es', 'vi', 'zh')", name="language"),
        CheckConstraint(
            "wifi_login <> 'pin' OR (planned_guests IS NOT NULL AND NOT roaming)",
            name="pin_login_is_bounded",
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    time_zone: Mapped[str]
    created_at: Mapped[datetime]
    reply: Mapped[str] = mapped_column(default="[]", server_default=text("'[]'"))

    visitor_tokens: Mapped[bool]
    token_duration: Mapped[timedelta]
    token_starts: Mapped[str]
    max_devices: Mapped[int | None]
    pin_length: Mapped[int]
    wifi_login: Mapped[str]
    planned_guests: Mapped[int | None]
    walk_in_tokens: Mapped[bool]
    remember_devices: Mapped[bool]
    end_wifi_at_checkout: Mapped[bool]
    roaming: Mapped[bool]
    cut_off: Mapped[time]
    retention_days: Mapped[int | None]
    session_retention_days: Mapped[int | None]
    mail_retention_days: Mapped[int | None]
    check_in_retention_days: Mapped[int | None]
    member_retention_days: Mapped[int | None]
    audit_retention_days: Mapped[int | None]
    ssid: Mapped[str | None]
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    early_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    device_limit_outage: Mapped[str] = mapped_column(server_default=text("'allow'"))
    address: Mapped[str | None]
    directions: Mapped[str | None]
    logo: Mapped[str | None]
    reply_to: Mapped[str | None]
    check_in_code: Mapped[bool] = mapped_column(server_default=true())
    wifi_code: Mapped[bool] = mapped_column(server_default=true())


class VisitRow(Followed, Row):
    """One visitor, expected once."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("source IN ('admin', 'customer', 'walk-in')", name="source"),
        CheckConstraint("token_starts IN ('expected-arrival', 'check-in')", name="token_starts"),
        CheckConstraint("opens_at <= expected_arrival", name="opens_before_arrival"),
        CheckConstraint("closes_at > expected_arrival", name="closes_after_arrival"),
        CheckConstraint("qr_edition >= 1", name="qr_edition"),
        CheckConstraint("(source = 'customer') = (member_id IS NOT NULL)", name="customer_host"),
        CheckConstraint("token_duration BETWEEN 60 AND 2592000", name="token_duration"),
        CheckConstraint("max_devices >= 0", name="max_devices"),
        CheckConstraint("language IN ('en', 'de', 'fr', 'es', 'vi', 'zh')", name="language"),
        Index(None, "location_id", "expected_arrival"),
        Index(None, "location_id", "group_key"),
        Index("ux_visit_idempotency", "location_id", "idempotency_key", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(index=True)
    host: Mapped[str | None]
    company: Mapped[str | None]
    phone: Mapped[str | None]
    notes: Mapped[str | None]
    source: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    expected_arrival: Mapped[datetime]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime] = mapped_column(index=True)
    token_starts: Mapped[str]
    pin_sealed: Mapped[bytes]
    pin_digest: Mapped[bytes]
    qr_edition: Mapped[int] = mapped_column(server_default=text("1"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), unique=True)
    registered_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    idempotency_key: Mapped[str | None]
    idempotency_digest: Mapped[bytes | None]
    token_duration: Mapped[timedelta | None]
    """Named at the registration (R2); None is by the settings."""

    group_name: Mapped[str | None]
    group_key: Mapped[str | None]
    """Under which the group is found, however its name is typed."""

    max_devices: Mapped[int | None]
    """Named at the registration (R18), 0 is no limit; None is by the settings."""

    language: Mapped[str | None]
    """Of the mails to the visitor; None is the location's."""

    ends_at: Mapped[datetime | None]
    """When the visit ends, where somebody has said so: an end named, or a longer Wi-Fi."""

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)
    token: Mapped[AccessTokenRow | None] = relationship(back_populates="visit", lazy="joined")
    member: Mapped[MemberRow | None] = relationship(lazy="joined")
    check_ins: Mapped[list[CheckInRow]] = relationship(
        back_populates="visit", order_by="CheckInRow.id", lazy="selectin"
    )


class AccessTokenRow(Followed, Row):
    """The right to use the Wi-Fi in ``[valid_from, valid_until)`` (R1).

    Both ends are empty until the first check-in where ``token_starts`` is ``check-in`` (R16).
    """

    __tablename__ = "access_token"
    __table_args__ = (
        CheckConstraint("duration BETWEEN 60 AND 2592000", name="duration"),
        CheckConstraint("max_devices >= 1", name="max_devices"),
        CheckConstraint(
            "(valid_from IS NULL AND valid_until IS NULL)"
            " OR (valid_from IS NOT NULL AND valid_until IS NOT NULL AND valid_from < valid_until)",
            name="window",
        ),
        Index(None, "valid_until"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), unique=True)
    duration: Mapped[timedelta]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    issued_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    max_devices: Mapped[int | None]
    """NULL is no limit (R18)."""

    visit: Mapped[VisitRow] = relationship(back_populates="token")


class DeviceRow(Row):
    """A device that was let in with a visit's PIN (see ``nexio/network/devices.py``).

    It holds a slot of the token's limit until ``freed_at`` (R18).  Visits without a limit have
    rows only where devices are remembered (R22).
    """

    __tablename__ = "device"
    __table_args__ = (CheckConstraint("length(mac) = 17", name="mac"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    mac: Mapped[str] = mapped_column(String(17), primary_key=True)
    first_at: Mapped[datetime]
    freed_at: Mapped[datetime | None]


class MemberRow(Row):
    """Somebody who works here; hosts visitors and has a PIN of their own."""

    __tablename__ = "member"
    __table_args__ = (
        index_where(
            "removed_at IS NULL", "ux_member_email", "location_id", "email_key", unique=True
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), index=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(index=True)
    pin_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class PinRow(Row):
    """A PIN that is live at a location (R7); ``digest`` is its blind index."""

    __tablename__ = "pin"
    __table_args__ = (
        UniqueConstraint("location_id", "digest"),
        CheckConstraint("(visit_id IS NULL) <> (member_id IS NULL)", name="one_owner"),
        CheckConstraint(
            "(member_id IS NOT NULL) = (free_at IS NULL)", name="members_keep_their_pin"
        ),
        CheckConstraint("length BETWEEN 5 AND 10", name="length"),
        Index(None, "location_id", "free_at"),
        Index(None, "location_id", "length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    digest: Mapped[bytes]
    length: Mapped[int]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), unique=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), unique=True)
    free_at: Mapped[datetime | None]


class PinDayRow(Row):
    """How many PINs of a length a guest could log in or check in with on a local day.

    The length of new PINs follows from it (see ``nexio/reception/pin_days.py``).
    """

    __tablename__ = "pin_day"
    __table_args__ = (
        CheckConstraint("length BETWEEN 5 AND 10", name="length"),
        CheckConstraint("pins >= 0", name="pins"),
    )

    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(primary_key=True)
    pins: Mapped[int]


CUT_OFF = "cut-off"
"""``out_method`` of who was checked out by the end of the day."""


class CheckInRow(Row):
    """Somebody's stay in the building: in, and out again (R14).

    Who is still in at ``cut_off_at`` counts as checked out then, whether or not it was written
    down by then.  ``started_wifi`` and ``ended_wifi`` say what an undo has to take back (R16,
    R17).
    """

    __tablename__ = "check_in"
    __table_args__ = (
        CheckConstraint("(visit_id IS NULL) <> (member_id IS NULL)", name="one_owner"),
        CheckConstraint("in_method IN ('pin', 'qr', 'desk')", name="in_method"),
        CheckConstraint("out_method IN ('pin', 'qr', 'desk', 'cut-off')", name="out_method"),
        CheckConstraint("(out_at IS NULL) = (out_method IS NULL)", name="out_is_whole"),
        CheckConstraint("out_at >= in_at", name="out_after_in"),
        CheckConstraint("cut_off_at > in_at", name="cut_off_after_in"),
        index_where("out_at IS NULL", "ux_check_in_open_visit", "visit_id", unique=True),
        index_where("out_at IS NULL", "ux_check_in_open_member", "member_id", unique=True),
        Index(None, "location_id", "in_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    in_at: Mapped[datetime]
    in_method: Mapped[str]
    out_at: Mapped[datetime | None]
    out_method: Mapped[str | None]
    cut_off_at: Mapped[datetime]
    started_wifi: Mapped[bool]
    ended_wifi: Mapped[bool]

    visit: Mapped[VisitRow | None] = relationship(back_populates="check_ins")
    member: Mapped[MemberRow | None] = relationship()
    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class TabletRow(Row):
    """A tablet at the door of a location (see ``nexio/checkin/tablets.py``).

    Between the desk's word and the tablet's answer it has the ``code`` that is on its screen, from
    then on the digest of the credential that it holds.
    """

    __tablename__ = "tablet"
    __table_args__ = (
        CheckConstraint("(code IS NULL) <> (credential_digest IS NULL)", name="waits_or_paired"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str | None] = mapped_column(unique=True)
    credential_digest: Mapped[bytes | None] = mapped_column(unique=True)
    paired_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_from: Mapped[str | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class DeskRow(Row):
    """A browser of reception (see ``nexio/checkin/desks.py``).

    First it has the digest of the link that opens it, from then on that of its credential.
    """

    __tablename__ = "desk"
    __table_args__ = (
        CheckConstraint(
            "(link_digest IS NULL) <> (credential_digest IS NULL)", name="link_or_open"
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    link_digest: Mapped[bytes | None] = mapped_column(unique=True)
    credential_digest: Mapped[bytes | None] = mapped_column(unique=True)
    linked_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    seen_from: Mapped[str | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class OfflineTapRow(Row):
    """A tap that a tablet has delivered (see ``nexio/checkin/offline_taps.py``).

    ``tap_id`` is what the tablet calls it. With ``why`` it was not applied: reception looks at it
    and settles it. It outlives its tablet and its visit.
    """

    __tablename__ = "offline_tap"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    tap_id: Mapped[str] = mapped_column(String(32), unique=True)
    tablet: Mapped[str]
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), index=True)
    visit_id: Mapped[int | None]
    at: Mapped[datetime | None]
    delivered_at: Mapped[datetime]
    why: Mapped[str | None]
    settled_at: Mapped[datetime | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class MemberPassRow(Row):
    """The pass of a member (see ``nexio/reception/passes.py``).

    ``browser_digest`` is of what the browser holds that has opened it; NULL as long as nobody has.
    """

    __tablename__ = "member_pass"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), unique=True)
    secret_sealed: Mapped[bytes]
    issued_at: Mapped[datetime]
    browser_digest: Mapped[bytes | None]

    member: Mapped[MemberRow] = relationship(lazy="joined", innerjoin=True)


class PassCodeRow(Row):
    """A code of a pass that was used, for as long as it could be used once more."""

    __tablename__ = "pass_code"

    pass_id: Mapped[int] = mapped_column(
        ForeignKey("member_pass.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class OutboxRow(Row):
    """A mail that is to be sent, or was; its text is made when it is sent.

    ``to_name`` and ``to_address`` say to whom it was last tried: an address that is corrected
    later does not change where an old mail went.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("(visit_id IS NULL) <> (member_id IS NULL)", name="one_subject"),
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        Index(None, "state", "next_try_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    template: Mapped[str]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    message_id: Mapped[str] = mapped_column(String(32))
    to_name: Mapped[str | None]
    to_address: Mapped[str | None]
    created_at: Mapped[datetime]
    state: Mapped[str]
    attempts: Mapped[int]
    next_try_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    answer: Mapped[str | None]
    sent_at: Mapped[datetime | None]

    visit: Mapped[VisitRow | None] = relationship()
    member: Mapped[MemberRow | None] = relationship()


class MailTextRow(Row):
    """A location's own text of a mail in a language (see ``nexio/mail/texts.py``)."""

    __tablename__ = "mail_text"
    __table_args__ = (
        CheckConstraint("language IN ('en', 'de', 'fr', 'es', 'vi', 'zh')", name="language"),
    )

    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), primary_key=True)
    template: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    changed_at: Mapped[datetime]


class NasRow(Followed, Row):
    """A network access server: an access point, a controller, a captive portal (R19)."""

    __tablename__ = "nas"
    __table_args__ = (
        UniqueConstraint("address", "ssid_key", "identifier_key", name="uq_nas_narrowing"),
        CheckConstraint("length(secret_sealed) > 32", name="secret_not_empty"),
        CheckConstraint("disconnect_port BETWEEN 1 AND 65535", name="disconnect_port"),
        CheckConstraint(
            "disconnect_host IS NULL OR disconnect_port IS NOT NULL", name="disconnect_is_whole"
        ),
        CheckConstraint("counts IN ('nas', 'client')", name="counts"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"), index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    address: Mapped[str] = mapped_column(index=True)
    secret_sealed: Mapped[bytes]
    ssid: Mapped[str | None]
    ssid_key: Mapped[str]
    identifier: Mapped[str | None]
    identifier_key: Mapped[str]
    require_message_authenticator: Mapped[bool]
    limit_proxy_state: Mapped[bool]
    created_at: Mapped[datetime]
    disconnect_host: Mapped[str | None]
    disconnect_port: Mapped[int | None]
    disconnect_source: Mapped[str | None]
    takes_disconnects: Mapped[bool] = mapped_column(server_default=true())
    profile: Mapped[str] = mapped_column(server_default=text("'generic'"))
    counts: Mapped[str | None]
    reply: Mapped[str] = mapped_column(default="[]", server_default=text("'[]'"))

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class WifiSessionRow(Row):
    """A device on the Wi-Fi, as its NAS reports it by accounting (RFC 2866).

    ``sender`` is a digest of source address, NAS-Identifier and NAS address, ``key`` one of that
    and Acct-Session-Id.  A NAS that restarts may use an Acct-Session-Id again: ``occurrence``
    tells such sessions apart.  ``session_id_hex`` is what was sent, where ``session_id`` does not
    show it whole.  ``clock_behind`` is by how many seconds the NAS's clock is behind ours, as far
    as that is known.  ``nas_id`` has no foreign key: the session stays when its NAS is
    removed.  ``user_name`` is masked; ``user_name_sealed`` is what was sent.  ``last_seconds`` and
    its like are the last values that the NAS reported (at ``counted_at``): where the NAS counts
    from zero again, ``seconds`` and its like go on.  ``interval`` is the longest time in seconds
    between two reports so far.  Until ``disconnect_due_at`` no server asks
    the NAS to end the session (again): another one does so now, or asked a moment ago.
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
        Index(None, "location_id", "heard_at"),
        Index(None, "device", "session_id"),
        Index(None, "started_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(32))
    occurrence: Mapped[int]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    token_id: Mapped[int | None] = mapped_column(ForeignKey("access_token.id"), index=True)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
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


class AuthEventRow(Row):
    """One decision of a RADIUS server.

    ``visit_id`` and ``location_id`` are numbers without a foreign key: a decision that waited
    in a spool is kept also when what it was about is gone by then.
    """

    __tablename__ = "auth_event"
    __table_args__ = (
        CheckConstraint("outcome IN ('accept', 'reject')", name="outcome"),
        # A random unique number for each would cost more than all else that is written, and an
        # index by visit as much as all the rest (``python -m benchmarks.recording``).
        index_where("record_id IS NOT NULL", "ux_auth_event_record_id", "record_id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str | None] = mapped_column(String(32))
    """Makes a decision of FreeRADIUS or of an older version the same one wherever it is met."""

    at: Mapped[datetime] = mapped_column(index=True)
    user_name: Mapped[str]
    device: Mapped[str | None]
    nas: Mapped[str]
    location_id: Mapped[int | None]
    visit_id: Mapped[int | None]
    outcome: Mapped[str]
    reason: Mapped[str]
    latency_us: Mapped[int]
    server_id: Mapped[int | None]
    """Who decided it; None of one that an older version told."""


class ServerRow(Row):
    """A server that follows the store, as it says of itself now and then.

    ``seen_at`` is by the clock of the database.  The numbers are those of that moment.  A server
    that was started anew at the same place is the same one.
    """

    __tablename__ = "server"
    __table_args__ = (
        UniqueConstraint("kind", "host", "place", name="uq_server_place"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str]
    place: Mapped[str]
    """Where it is found on its host: a port, or the folder of its data."""

    version: Mapped[str]
    writer: Mapped[str] = mapped_column(String(32))
    """What it calls itself in the acts of the guard, anew at each start."""

    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    table_age: Mapped[float]
    """Seconds, as are the next three."""

    spool_age: Mapped[float]
    clock_off: Mapped[float | None]
    """By how much its clock is ahead of the database's; None where that is the same clock."""

    requests: Mapped[float]
    """A second."""

    spooled: Mapped[int]


class NasSignatureRow(Row):
    """How many Access-Requests of a NAS carried a Message-Authenticator, and how many did not.

    Those of a NAS that has to send one are counted only where it did not.
    """

    __tablename__ = "nas_signature"

    nas_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Without a foreign key: a server may not have heard yet that it is gone."""

    since: Mapped[datetime]
    signed: Mapped[int] = mapped_column(BigInteger)
    unsigned: Mapped[int] = mapped_column(BigInteger)
    signed_at: Mapped[datetime | None]
    """The latest one, as is the next."""

    unsigned_at: Mapped[datetime | None]


class EventBatchRow(Row):
    """A batch of decisions that is in ``auth_event``, while its server may bring it again."""

    __tablename__ = "event_batch"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class GuardActRow(Row):
    """What a server tells the others about guesses (see ``nexio/network/guard_acts.py``)."""

    __tablename__ = "guard_act"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (SQLAlchemy reads this name)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(index=True)
    writer: Mapped[str] = mapped_column(String(32))
    serial: Mapped[int] = mapped_column(BigInteger)
    host: Mapped[str]
    location_id: Mapped[int | None]
    visit_id: Mapped[int | None]
    device: Mapped[str]
    nas: Mapped[str]
    cost: Mapped[float]
    chance: Mapped[float]


class AuditRow(Row):
    """Who did what, when; for personal fields only which ones changed."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "subject", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    operator: Mapped[str] = mapped_column(index=True)
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int]
    details: Mapped[dict[str, Any]]


class StoreRevisionRow(Row):
    """The one row about the store itself."""

    __tablename__ = "store_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    oldest: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[str] = mapped_column(String(32))
    key_id: Mapped[str] = mapped_column(String(8))
    nas_key_id: Mapped[str | None] = mapped_column(String(8))
    """Of the second key, which NAS secrets are sealed with; NULL is the first one."""

    signing_key_sealed: Mapped[bytes]


class ChangeRow(Row):
    """The batch of one committed transaction; numbers follow the order of commits."""

    __tablename__ = "change"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    batch: Mapped[int] = mapped_column(BigInteger, unique=True)


class RemovedRow(Row):
    """A followed row that a batch took away."""

    __tablename__ = "removed"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[int]
    batch: Mapped[int] = mapped_column(BigInteger, index=True)
