"""Taps that tablets took while the server was away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "offline_tap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tap_id", sa.String(length=32), nullable=False),
        sa.Column("tablet", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_offline_tap_location_id_location"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_offline_tap"),
        sa.UniqueConstraint("tap_id", name="uq_offline_tap_tap_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_offline_tap_location_id", "offline_tap", ["location_id"])
