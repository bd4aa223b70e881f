"""Decisions are known again by their batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let decisions go without an id of their own; those of before keep theirs."""
    op.create_table(
        "event_batch",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_batch"),
    )
    with op.batch_alter_table("auth_event", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("record_id", existing_type=sa.String(length=32), nullable=True)
        table.drop_constraint("uq_auth_event_record_id", type_="unique")
    op.create_index(
        "ux_auth_event_record_id",
        "auth_event",
        ["record_id"],
        unique=True,
        sqlite_where=sa.text("record_id IS NOT NULL"),
        postgresql_where=sa.text("record_id IS NOT NULL"),
    )
