"""What a NAS said of a session, exactly: its number, its counts, its clock; closing by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ENDS = "'stop', 'accounting-on', 'accounting-off', 'reuse', 'gone', 'lost'"


def upgrade() -> None:
    """Octets that were never told are unknown from now on; of older sessions nobody knows."""
    with op.batch_alter_table("wifi_session", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("session_id_hex", sa.Text(), nullable=True))
        table.add_column(sa.Column("clock_behind", sa.BigInteger(), nullable=True))
        for name in ("octets_in", "octets_out"):
            table.alter_column(name, existing_type=sa.BigInteger(), nullable=True)
        table.drop_constraint(op.f("ck_wifi_session_ended_by"), type_="check")
        table.create_check_constraint(
            op.f("ck_wifi_session_ended_by"), f"ended_by IN ({ENDS}, 'closed')"
        )
