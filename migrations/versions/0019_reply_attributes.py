"""What accepts say at a location and at a NAS, and what kind of NAS it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing more than before, and NAS of no known kind."""
    nothing = sa.text("'[]'")
    op.add_column("location", sa.Column("reply", sa.Text(), server_default=nothing, nullable=False))
    with op.batch_alter_table("nas", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(
            sa.Column("profile", sa.Text(), server_default=sa.text("'generic'"), nullable=False)
        )
        table.add_column(sa.Column("counts", sa.Text(), nullable=True))
        table.add_column(sa.Column("reply", sa.Text(), server_default=nothing, nullable=False))
        table.create_check_constraint(op.f("ck_nas_counts"), "counts IN ('nas', 'client')")
