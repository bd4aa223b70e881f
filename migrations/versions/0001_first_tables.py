"""The first tables: locations, visits, tokens, PINs, members, NAS, events, audit, batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])

    op.create_table(
        "auth_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("nas", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("latency_us", sa.Integer(), nullable=False),
        sa.CheckConstraint("outcome IN ('accept', 'reject')", name=op.f("ck_auth_event_outcome")),
        sa.PrimaryKeyConstraint("id", name="pk_auth_event"),
        sa.UniqueConstraint("record_id", name="uq_auth_event_record_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_auth_event_at", "auth_event", ["at"])
    op.create_index("ix_auth_event_visit_id", "auth_event", ["visit_id"])

    op.create_table(
        "change",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_change"),
        sa.UniqueConstraint("batch", name="uq_change_batch"),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor_tokens", sa.Boolean(), nullable=False),
        sa.Column("token_duration", sa.Integer(), nullable=False),
        sa.Column("token_starts", sa.Text(), nullable=False),
        sa.Column("max_devices", sa.Integer(), nullable=True),
        sa.Column("pin_length", sa.Integer(), nullable=False),
        sa.Column("wifi_login", sa.Text(), nullable=False),
        sa.Column("planned_guests", sa.Integer(), nullable=True),
        sa.Column("walk_in_tokens", sa.Boolean(), nullable=False),
        sa.Column("remember_devices", sa.Boolean(), nullable=False),
        sa.Column("end_wifi_at_checkout", sa.Boolean(), nullable=False),
        sa.Column("roaming", sa.Boolean(), nullable=False),
        sa.Column("cut_off", sa.Time(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("ssid", sa.Text(), nullable=True),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "token_starts IN ('expected-arrival', 'check-in')",
            name=op.f("ck_location_token_starts"),
        ),
        sa.CheckConstraint(
            "wifi_login <> 'pin' OR (planned_guests IS NOT NULL AND NOT roaming)",
            name=op.f("ck_location_pin_login_is_bounded"),
        ),
        sa.CheckConstraint("wifi_login IN ('email', 'pin')", name=op.f("ck_location_wifi_login")),
        sa.CheckConstraint("max_devices >= 1", name=op.f("ck_location_max_devices")),
        sa.CheckConstraint("pin_length BETWEEN 5 AND 10", name=op.f("ck_location_pin_length")),
        sa.CheckConstraint("planned_guests >= 1", name=op.f("ck_location_planned_guests")),
        sa.CheckConstraint("retention_days >= 1", name=op.f("ck_location_retention_days")),
        sa.CheckConstraint(
            "token_duration BETWEEN 60 AND 2592000", name=op.f("ck_location_token_duration")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_location"),
        sa.UniqueConstraint("name_key", name="uq_location_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_location_batch", "location", ["batch"])

    op.create_table(
        "removed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_removed"),
    )
    op.create_index("ix_removed_batch", "removed", ["batch"])

    op.create_table(
        "store_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("signing_key_sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_store_revision_one_row")),
        sa.PrimaryKeyConstraint("id", name="pk_store_revision"),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("pin_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_member_location_id_location"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_member"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_member_email_key", "member", ["email_key"])
    op.create_index("ix_member_location_id", "member", ["location_id"])

    op.create_table(
        "nas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ssid", sa.Text(), nullable=True),
        sa.Column("ssid_key", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("identifier_key", sa.Text(), nullable=False),
        sa.Column("require_message_authenticator", sa.Boolean(), nullable=False),
        sa.Column("limit_proxy_state", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(secret_sealed) > 32", name=op.f("ck_nas_secret_not_empty")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_nas_location_id_location"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_nas"),
        sa.UniqueConstraint("address", "ssid_key", "identifier_key", name="uq_nas_narrowing"),
        sa.UniqueConstraint("name_key", name="uq_nas_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_nas_address", "nas", ["address"])
    op.create_index("ix_nas_batch", "nas", ["batch"])
    op.create_index("ix_nas_location_id", "nas", ["location_id"])

    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("expected_arrival", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_starts", sa.Text(), nullable=False),
        sa.Column("pin_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("pin_digest", sa.LargeBinary(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(source = 'customer') = (member_id IS NOT NULL)", name=op.f("ck_visit_customer_host")
        ),
        sa.CheckConstraint(
            "source IN ('admin', 'customer', 'walk-in')", name=op.f("ck_visit_source")
        ),
        sa.CheckConstraint(
            "token_starts IN ('expected-arrival', 'check-in')", name=op.f("ck_visit_token_starts")
        ),
        sa.CheckConstraint(
            "closes_at > expected_arrival", name=op.f("ck_visit_closes_after_arrival")
        ),
        sa.CheckConstraint(
            "opens_at <= expected_arrival", name=op.f("ck_visit_opens_before_arrival")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_visit_location_id_location"
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_visit_member_id_member"),
        sa.ForeignKeyConstraint(["replaces_id"], ["visit.id"], name="fk_visit_replaces_id_visit"),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
        sa.UniqueConstraint("replaces_id", name="uq_visit_replaces_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_visit_batch", "visit", ["batch"])
    op.create_index("ix_visit_closes_at", "visit", ["closes_at"])
    op.create_index("ix_visit_email_key", "visit", ["email_key"])
    op.create_index(
        "ix_visit_location_id_expected_arrival", "visit", ["location_id", "expected_arrival"]
    )

    op.create_table(
        "access_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(valid_from IS NULL AND valid_until IS NULL)"
            " OR (valid_from IS NOT NULL AND valid_until IS NOT NULL AND valid_from < valid_until)",
            name=op.f("ck_access_token_window"),
        ),
        sa.CheckConstraint(
            "duration BETWEEN 60 AND 2592000", name=op.f("ck_access_token_duration")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_access_token_visit_id_visit"),
        sa.PrimaryKeyConstraint("id", name="pk_access_token"),
        sa.UniqueConstraint("visit_id", name="uq_access_token_visit_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_token_batch", "access_token", ["batch"])
    op.create_index("ix_access_token_valid_until", "access_token", ["valid_until"])

    op.create_table(
        "pin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(member_id IS NOT NULL) = (free_at IS NULL)",
            name=op.f("ck_pin_members_keep_their_pin"),
        ),
        sa.CheckConstraint(
            "(visit_id IS NULL) <> (member_id IS NULL)", name=op.f("ck_pin_one_owner")
        ),
        sa.CheckConstraint("length BETWEEN 5 AND 10", name=op.f("ck_pin_length")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_pin_location_id_location"
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_pin_member_id_member"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_pin_visit_id_visit"),
        sa.PrimaryKeyConstraint("id", name="pk_pin"),
        sa.UniqueConstraint("location_id", "digest", name="uq_pin_location_id_digest"),
        sa.UniqueConstraint("member_id", name="uq_pin_member_id"),
        sa.UniqueConstraint("visit_id", name="uq_pin_visit_id"),
    )
    op.create_index("ix_pin_location_id_free_at", "pin", ["location_id", "free_at"])
