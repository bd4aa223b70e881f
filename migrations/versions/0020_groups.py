"""Groups of visits, and Wi-Fi that starts before the expected arrival."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is in a group, and the Wi-Fi starts with the arrival."""
    # SQLite adds a constraint only together with a column.
    op.execute(
        "ALTER TABLE location ADD COLUMN early_minutes INTEGER DEFAULT 0 NOT NULL"
        " CONSTRAINT ck_location_early_minutes CHECK (early_minutes BETWEEN 0 AND 1440)"
    )
    op.execute("ALTER TABLE visit ADD COLUMN group_name TEXT")
    op.execute("ALTER TABLE visit ADD COLUMN group_key TEXT")
    op.create_index("ix_visit_location_id_group_key", "visit", ["location_id", "group_key"])
