"""The edition of a visit's QR code; codes that were sent so far are of the first one."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column to the visits."""
    # SQLite adds a constraint only together with a column.
    op.execute(
        "ALTER TABLE visit ADD COLUMN qr_edition INTEGER NOT NULL DEFAULT 1"
        " CONSTRAINT ck_visit_qr_edition CHECK (qr_edition >= 1)"
    )
