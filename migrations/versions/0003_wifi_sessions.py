"""Sessions on the Wi-Fi, and where a NAS takes disconnects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the sessions and two columns of a NAS."""
    op.create_table(
        "wifi_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("token_id", sa.Integer(), nullable=True),
        sa.Column("location_id", sa.Integer(), nullable=True),
        sa.Column("nas_id", sa.Integer(), nullable=True),
        sa.Column("nas", sa.Text(), nullable=False),
        sa.Column("source_address", sa.Text(), nullable=False),
        sa.Column("nas_identifier", sa.Text(), nullable=True),
        sa.Column("nas_address", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("calling_station", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("terminate_cause", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("octets_in", sa.BigInteger(), nullable=False),
        sa.Column("octets_out", sa.BigInteger(), nullable=False),
        sa.Column("disconnect_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disconnect_outcome", sa.Text(), nullable=True),
        sa.Column("error_cause", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(visit_id IS NULL) = (token_id IS NULL)", name=op.f("ck_wifi_session_token_of_a_visit")
        ),
        sa.CheckConstraint(
            "heard_at >= started_at", name=op.f("ck_wifi_session_heard_after_start")
        ),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_wifi_session_end_after_start")),
        sa.CheckConstraint(
            "ended_by IN ('stop', 'accounting-on', 'accounting-off', 'reuse')",
            name=op.f("ck_wifi_session_ended_by"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_wifi_session_end_is_whole")
        ),
        sa.CheckConstraint(
            "terminate_cause IS NULL OR coalesce(ended_by, '') = 'stop'",
            name=op.f("ck_wifi_session_cause_of_a_stop"),
        ),
        sa.CheckConstraint(
            "seconds >= 0 AND octets_in >= 0 AND octets_out >= 0",
            name=op.f("ck_wifi_session_counts_from_zero"),
        ),
        sa.CheckConstraint(
            "disconnect_outcome IN ('ack', 'nak', 'timeout')",
            name=op.f("ck_wifi_session_disconnect_outcome"),
        ),
        sa.CheckConstraint(
            "(disconnect_at IS NULL) = (disconnect_outcome IS NULL)",
            name=op.f("ck_wifi_session_disconnect_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_wifi_session_location_id_location"
        ),
        sa.ForeignKeyConstraint(
            ["token_id"], ["access_token.id"], name="fk_wifi_session_token_id_access_token"
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_wifi_session_visit_id_visit"),
        sa.PrimaryKeyConstraint("id", name="pk_wifi_session"),
        sa.UniqueConstraint("key", "occurrence", name="uq_wifi_session_key_occurrence"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_wifi_session_location_id_heard_at", "wifi_session", ["location_id", "heard_at"]
    )
    op.create_index("ix_wifi_session_sender_ended_at", "wifi_session", ["sender", "ended_at"])
    op.create_index("ix_wifi_session_started_at", "wifi_session", ["started_at"])
    op.create_index("ix_wifi_session_token_id", "wifi_session", ["token_id"])
    op.create_index("ix_wifi_session_visit_id", "wifi_session", ["visit_id"])

    # SQLite adds a constraint only together with a column.
    op.execute("ALTER TABLE nas ADD COLUMN disconnect_host TEXT")
    op.execute(
        "ALTER TABLE nas ADD COLUMN disconnect_port INTEGER"
        " CONSTRAINT ck_nas_disconnect_port CHECK (disconnect_port BETWEEN 1 AND 65535)"
        " CONSTRAINT ck_nas_disconnect_is_whole"
        " CHECK ((disconnect_host IS NULL) = (disconnect_port IS NULL))"
    )
