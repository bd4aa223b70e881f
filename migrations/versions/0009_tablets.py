"""The tablets at the doors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "tablet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("credential_digest", sa.LargeBinary(), nullable=True),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_from", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(code IS NULL) <> (credential_digest IS NULL)", name=op.f("ck_tablet_waits_or_paired")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_tablet_location_id_location"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tablet"),
        sa.UniqueConstraint("name_key", name="uq_tablet_name_key"),
        sa.UniqueConstraint("code", name="uq_tablet_code"),
        sa.UniqueConstraint("credential_digest", name="uq_tablet_credential_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tablet_location_id", "tablet", ["location_id"])
