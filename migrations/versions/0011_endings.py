"""Sessions that a server ends by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ENDS = "'stop', 'accounting-on', 'accounting-off', 'reuse'"


def upgrade() -> None:
    """Add when and why a session is asked to end, two ways to end, and NAS that take no request."""
    with op.batch_alter_table("wifi_session", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("disconnect_due_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(
            sa.Column(
                "disconnect_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False
            )
        )
        table.add_column(sa.Column("disconnect_reason", sa.Text(), nullable=True))
        table.drop_constraint(op.f("ck_wifi_session_ended_by"), type_="check")
        table.create_check_constraint(
            op.f("ck_wifi_session_ended_by"), f"ended_by IN ({ENDS}, 'gone', 'lost')"
        )
    op.create_index(
        "ix_wifi_session_open",
        "wifi_session",
        ["token_id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    with op.batch_alter_table("nas", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(
            sa.Column("takes_disconnects", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        table.add_column(sa.Column("disconnect_source", sa.Text(), nullable=True))
        table.drop_constraint(op.f("ck_nas_disconnect_is_whole"), type_="check")
        table.create_check_constraint(
            op.f("ck_nas_disconnect_is_whole"),
            "disconnect_host IS NULL OR disconnect_port IS NOT NULL",
        )
