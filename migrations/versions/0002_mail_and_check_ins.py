"""Mail that waits to be sent, check-ins, and what must not be there twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the outbox, the check-ins, an index of members and two columns of a visit."""
    op.create_table(
        "check_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_method", sa.Text(), nullable=False),
        sa.Column("out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("out_method", sa.Text(), nullable=True),
        sa.Column("cut_off_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_wifi", sa.Boolean(), nullable=False),
        sa.Column("ended_wifi", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "in_method IN ('pin', 'qr', 'desk')", name=op.f("ck_check_in_in_method")
        ),
        sa.CheckConstraint(
            "out_method IN ('pin', 'qr', 'desk', 'cut-off')", name=op.f("ck_check_in_out_method")
        ),
        sa.CheckConstraint(
            "(out_at IS NULL) = (out_method IS NULL)", name=op.f("ck_check_in_out_is_whole")
        ),
        sa.CheckConstraint(
            "(visit_id IS NULL) <> (member_id IS NULL)", name=op.f("ck_check_in_one_owner")
        ),
        sa.CheckConstraint("cut_off_at > in_at", name=op.f("ck_check_in_cut_off_after_in")),
        sa.CheckConstraint("out_at >= in_at", name=op.f("ck_check_in_out_after_in")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_check_in_location_id_location"
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_check_in_member_id_member"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_check_in_visit_id_visit"),
        sa.PrimaryKeyConstraint("id", name="pk_check_in"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_check_in_location_id_in_at", "check_in", ["location_id", "in_at"])
    op.create_index("ix_check_in_member_id", "check_in", ["member_id"])
    op.create_index("ix_check_in_visit_id", "check_in", ["visit_id"])
    op.create_index(
        "ux_check_in_open_member",
        "check_in",
        ["member_id"],
        unique=True,
        sqlite_where=sa.text("out_at IS NULL"),
        postgresql_where=sa.text("out_at IS NULL"),
    )
    op.create_index(
        "ux_check_in_open_visit",
        "check_in",
        ["visit_id"],
        unique=True,
        sqlite_where=sa.text("out_at IS NULL"),
        postgresql_where=sa.text("out_at IS NULL"),
    )

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("to_name", sa.Text(), nullable=True),
        sa.Column("to_address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_outbox_sent_at")
        ),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed')", name=op.f("ck_outbox_state")),
        sa.CheckConstraint(
            "(visit_id IS NULL) <> (member_id IS NULL)", name=op.f("ck_outbox_one_subject")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_outbox_member_id_member"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_outbox_visit_id_visit"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_member_id", "outbox", ["member_id"])
    op.create_index("ix_outbox_state_next_try_at", "outbox", ["state", "next_try_at"])
    op.create_index("ix_outbox_visit_id", "outbox", ["visit_id"])

    op.create_index(
        "ux_member_email",
        "member",
        ["location_id", "email_key"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )

    op.add_column("visit", sa.Column("idempotency_key", sa.Text(), nullable=True))
    op.add_column("visit", sa.Column("idempotency_digest", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ux_visit_idempotency", "visit", ["location_id", "idempotency_key"], unique=True
    )
