"""The language of each location."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every location has spoken English until now."""
    # SQLite adds a constraint only together with a column.
    op.execute(
        "ALTER TABLE location ADD COLUMN language TEXT DEFAULT 'en' NOT NULL"
        " CONSTRAINT ck_location_language CHECK (language IN ('en', 'de', 'fr', 'es', 'vi', 'zh'))"
    )
