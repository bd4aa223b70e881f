"""How often a session is reported, and by whom else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of it yet; an index finds the same session of another NAS."""
    op.add_column("wifi_session", sa.Column("interval", sa.Integer(), nullable=True))
    op.create_index(
        op.f("ix_wifi_session_device_session_id"), "wifi_session", ["device", "session_id"]
    )
