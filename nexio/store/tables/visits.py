"""Visitors and members, their Wi-Fi and their stays in the building."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Followed, Row, index_where


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
        Index(None, "location_id", "closes_at"),
        Index(None, "location_id", "group_key"),
        Index("ux_visit_idempotency", "location_id", "idempotency_key", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id))
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
    """Given at the registration (R2); None: by the settings."""

    group_name: Mapped[str | None]
    group_key: Mapped[str | None]
    """The key that finds the group, however its name is typed."""

    max_devices: Mapped[int | None]
    """Given at the registration (R18), 0 is no limit; None: by the settings."""

    language: Mapped[str | None]
    """Of the mails to the visitor; None is the location's."""

    ends_at: Mapped[datetime | None]
    """The end of the visit, if one was given, or the Wi-Fi was extended."""

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


class MemberRow(Row):
    """A person who works here, hosts visitors and has a PIN of their own."""

    __tablename__ = "member"
    __table_args__ = (
        index_where(
            "removed_at IS NULL", "ux_member_email", "location_id", "email_key", unique=True
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), index=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(index=True)
    pin_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


CUT_OFF = "cut-off"
"""``out_method`` of a stay that the end of the day closed."""


class CheckInRow(Row):
    """A stay in the building: from check-in to check-out (R14).

    A person who is still in at ``cut_off_at`` counts as checked out then, even before the row says
    so.  ``started_wifi`` and ``ended_wifi`` show what an undo has to revert (R16, R17).
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
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id))
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
