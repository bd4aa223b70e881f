"""${message}.

House rules: a store that the version before has filled is never broken; both SQLite and
PostgreSQL; constraints have names; tests/migrations holds a test for it on a filled store;
nexio.store.schema.HEAD is raised with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}
