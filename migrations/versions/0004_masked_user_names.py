"""User-Names without what could be a PIN; counters that begin again.

What older versions have stored is masked.  A migration has no key, so their names are not sealed:
a session of then gets its sealed name with the next record of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

from nexio.network.masking import mask_pins

if TYPE_CHECKING:
    from collections.abc import Container

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AT_ONCE = 5_000


def upgrade() -> None:
    """Add the columns, fill them, and mask."""
    op.add_column("wifi_session", sa.Column("user_name_sealed", sa.LargeBinary(), nullable=True))
    op.add_column(
        "wifi_session", sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True)
    )
    for name in ("last_seconds", "last_octets_in", "last_octets_out"):
        column = sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        op.add_column("wifi_session", column)
    op.execute(
        "UPDATE wifi_session SET counted_at = heard_at, last_seconds = seconds,"
        " last_octets_in = octets_in, last_octets_out = octets_out"
    )
    connection = op.get_bind()
    emails = set(connection.scalars(sa.text("SELECT email_key FROM visit")))
    for table in ("wifi_session", "auth_event"):
        _mask(connection, sa.table(table, sa.column("id"), sa.column("user_name")), emails)


def _mask(connection: sa.Connection, table: sa.TableClause, emails: Container[str]) -> None:
    """In groups: a log may have millions of rows."""
    last = 0
    query = sa.select(table.c.id, table.c.user_name).order_by(table.c.id).limit(AT_ONCE)
    while rows := connection.execute(query.where(table.c.id > last)).all():
        last = rows[-1].id
        masked = [
            {"number": row.id, "masked": mask_pins(row.user_name, emails.__contains__)}
            for row in rows
        ]
        changed = [
            each for each, row in zip(masked, rows, strict=True) if each["masked"] != row.user_name
        ]
        if changed:
            update = sa.update(table).where(table.c.id == sa.bindparam("number"))
            connection.execute(update.values(user_name=sa.bindparam("masked")), changed)
