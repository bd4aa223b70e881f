"""No index by visit on decisions and acts of the guard: each of them paid for it."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who asks for those of one visit reads all of them, or those of a day."""
    op.drop_index("ix_auth_event_visit_id", "auth_event")
    op.drop_index("ix_guard_act_visit_id", "guard_act")
