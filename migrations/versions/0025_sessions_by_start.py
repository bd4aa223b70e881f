"""Sessions of a location by their start, which stays, and not by the last word about them."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each report of a NAS had to change the index; a list of sessions is by their start."""
    op.create_index(
        "ix_wifi_session_location_id_started_at", "wifi_session", ["location_id", "started_at"]
    )
    op.drop_index("ix_wifi_session_location_id_heard_at", "wifi_session")
