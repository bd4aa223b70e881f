"""Devices of visits, and how many of them a token lets on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No token that was issued so far has a limit."""
    # SQLite adds a constraint only together with a column.
    op.execute(
        "ALTER TABLE location ADD COLUMN device_limit_outage TEXT DEFAULT 'allow' NOT NULL"
        " CONSTRAINT ck_location_device_limit_outage"
        " CHECK (device_limit_outage IN ('allow', 'refuse'))"
    )
    op.execute(
        "ALTER TABLE visit ADD COLUMN max_devices INTEGER"
        " CONSTRAINT ck_visit_max_devices CHECK (max_devices >= 0)"
    )
    op.execute(
        "ALTER TABLE access_token ADD COLUMN max_devices INTEGER"
        " CONSTRAINT ck_access_token_max_devices CHECK (max_devices >= 1)"
    )
    op.create_table(
        "device",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(mac) = 17", name=op.f("ck_device_mac")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_device_visit_id_visit")),
        sa.PrimaryKeyConstraint("visit_id", "mac", name=op.f("pk_device")),
    )
