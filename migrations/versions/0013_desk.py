"""The browsers of reception."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "desk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("link_digest", sa.LargeBinary(), nullable=True),
        sa.Column("credential_digest", sa.LargeBinary(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_from", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(link_digest IS NULL) <> (credential_digest IS NULL)",
            name=op.f("ck_desk_link_or_open"),
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_desk_location_id_location"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_desk"),
        sa.UniqueConstraint("name_key", name="uq_desk_name_key"),
        sa.UniqueConstraint("link_digest", name="uq_desk_link_digest"),
        sa.UniqueConstraint("credential_digest", name="uq_desk_credential_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_desk_location_id", "desk", ["location_id"])
