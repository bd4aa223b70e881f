"""Servers that follow the store, who of them decided what, and which NAS sign requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what is in the log already nobody knows who decided it."""
    op.create_table(
        "server",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("writer", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("table_age", sa.Double(), nullable=False),
        sa.Column("spool_age", sa.Double(), nullable=False),
        sa.Column("clock_off", sa.Double(), nullable=True),
        sa.Column("requests", sa.Double(), nullable=False),
        sa.Column("spooled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_server"),
        sa.UniqueConstraint("kind", "host", "place", name="uq_server_place"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "nas_signature",
        sa.Column("nas_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("unsigned", sa.BigInteger(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("nas_id", name="pk_nas_signature"),
    )
    op.add_column("auth_event", sa.Column("server_id", sa.Integer(), nullable=True))
