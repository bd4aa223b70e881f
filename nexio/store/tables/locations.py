"""Locations."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import CheckConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.row import Followed, Row


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
