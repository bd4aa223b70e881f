"""The passes of members, and the codes of them that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "member_pass",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name="fk_member_pass_member_id_member"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_member_pass"),
        sa.UniqueConstraint("member_id", name="uq_member_pass_member_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pass_code",
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["pass_id"],
            ["member_pass.id"],
            name="fk_pass_code_pass_id_member_pass",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pass_id", "step", name="pk_pass_code"),
    )
