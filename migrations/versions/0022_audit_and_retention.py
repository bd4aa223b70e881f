"""Who did what can be searched, what else is forgotten, and a second key for NAS secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

DAYS = ("session", "mail", "check_in", "member", "audit")


def upgrade() -> None:
    """Nothing is forgotten earlier than before, and NAS secrets stay under the first key."""
    for kind in DAYS:
        name = f"{kind}_retention_days"
        # SQLite adds a constraint only together with a column.
        op.execute(
            f"ALTER TABLE location ADD COLUMN {name} INTEGER"
            f" CONSTRAINT ck_location_{name} CHECK ({name} >= 1)"
        )
    op.add_column("store_revision", sa.Column("nas_key_id", sa.String(length=8), nullable=True))
    # A number is never used twice: who reads on from one misses nothing.
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(
            "audit", recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ):
            pass
    op.create_index("ix_audit_subject_subject_id", "audit", ["subject", "subject_id"])
    op.create_index("ix_audit_operator", "audit", ["operator"])
