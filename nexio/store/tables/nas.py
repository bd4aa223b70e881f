"""The devices that ask us over RADIUS."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Followed, Row


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
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), index=True)
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


class NasSignatureRow(Row):
    """Counts of a NAS's Access-Requests with and without Message-Authenticator.

    For a NAS that has to send one, only requests without it are counted.
    """

    __tablename__ = "nas_signature"

    nas_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Without a foreign key: a server may not know yet that the NAS is gone."""

    since: Mapped[datetime]
    signed: Mapped[int] = mapped_column(BigInteger)
    unsigned: Mapped[int] = mapped_column(BigInteger)
    signed_at: Mapped[datetime | None]
    """Time of the latest signed request; the next column, of the latest unsigned one."""

    unsigned_at: Mapped[datetime | None]
