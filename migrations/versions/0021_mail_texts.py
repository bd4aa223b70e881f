"""Mails that a location words itself, and the language of a visit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

LANGUAGES = "language IN ('en', 'de', 'fr', 'es', 'vi', 'zh')"


def upgrade() -> None:
    """Everybody has the texts of the package, in the language of the location."""
    op.create_table(
        "mail_text",
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(LANGUAGES, name=op.f("ck_mail_text_language")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_mail_text_location_id_location")
        ),
        sa.PrimaryKeyConstraint("location_id", "template", "language", name=op.f("pk_mail_text")),
    )
    # SQLite adds a constraint only together with a column.
    op.execute(
        "ALTER TABLE visit ADD COLUMN language TEXT"
        f" CONSTRAINT ck_visit_language CHECK ({LANGUAGES})"
    )
    op.add_column("visit", sa.Column("ends_at", sa.DateTime(timezone=True)))
    for name in ("address", "directions", "logo", "reply_to"):
        op.add_column("location", sa.Column(name, sa.Text()))
    for name in ("check_in_code", "wifi_code"):
        op.add_column(
            "location", sa.Column(name, sa.Boolean(), server_default=sa.true(), nullable=False)
        )
