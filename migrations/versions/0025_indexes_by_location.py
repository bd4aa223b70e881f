"""What a location asks for is found by indexes of it and of a time that stays."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The day of a desk was read out of all locations' days, a list of sessions out of all years.

    Each report of a NAS had to change the index by the last word about a session.
    """
    op.create_index("ix_visit_location_id_closes_at", "visit", ["location_id", "closes_at"])
    op.create_index(
        "ix_wifi_session_location_id_started_at", "wifi_session", ["location_id", "started_at"]
    )
    op.drop_index("ix_wifi_session_location_id_heard_at", "wifi_session")
