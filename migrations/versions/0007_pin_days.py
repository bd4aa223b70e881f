"""How many PINs of a length there are on a day: the length of new ones follows from it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SEALED_ALONE = 32
"""Octets of a sealed PIN that are not the PIN: key id, nonce and tag."""

WORDS = timedelta(hours=2)


def upgrade() -> None:
    """Add the counts, with the PINs that are there, and an index to count live PINs by."""
    pin_day = op.create_table(
        "pin_day",
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("pins", sa.Integer(), nullable=False),
        sa.CheckConstraint("length BETWEEN 5 AND 10", name=op.f("ck_pin_day_length")),
        sa.CheckConstraint("pins >= 0", name=op.f("ck_pin_day_pins")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_pin_day_location_id_location"
        ),
        sa.PrimaryKeyConstraint("location_id", "day", "length", name="pk_pin_day"),
    )
    op.create_index("ix_pin_location_id_length", "pin", ["location_id", "length"])
    rows = [
        {"location_id": location, "day": day, "length": length, "pins": pins}
        for (location, day, length), pins in _count().items()
    ]
    if rows:
        op.bulk_insert(pin_day, rows)


def _count() -> Counter[tuple[object, object, int]]:
    """By location, day and length: PINs that are held, and those deleted that are still known."""
    location = sa.table("location", sa.column("id"), sa.column("time_zone"))
    held = sa.table("pin", sa.column("visit_id"))
    instant = sa.DateTime(timezone=True)
    visit = sa.table(
        "visit",
        *map(sa.column, ["id", "location_id", "pin_sealed"]),
        *(
            sa.column(name, instant)
            for name in ("opens_at", "closes_at", "deleted_at", "registered_at")
        ),
    )
    token = sa.table(
        "access_token",
        *map(sa.column, ["visit_id", "duration"]),
        sa.column("valid_until", instant),
    )
    store = op.get_bind()
    # By the store's own clock: the newest that it knows of.
    newest = store.scalar(sa.select(sa.func.max(visit.c.registered_at)))
    known = sa.false() if newest is None else visit.c.deleted_at > newest - timedelta(days=1)
    found = store.execute(
        sa.select(
            visit.c.location_id,
            visit.c.opens_at,
            visit.c.closes_at,
            location.c.time_zone,
            sa.func.length(visit.c.pin_sealed).label("sealed"),
            token.c.duration,
            token.c.valid_until,
        )
        .join(location, location.c.id == visit.c.location_id)
        .outerjoin(token, token.c.visit_id == visit.c.id)
        .outerjoin(held, held.c.visit_id == visit.c.id)
        .where(held.c.visit_id.is_not(None) | known)
    )
    counts: Counter[tuple[object, object, int]] = Counter()
    for row in found:
        zone = ZoneInfo(row.time_zone)
        first = _aware(row.opens_at).astimezone(zone).date()
        last = (_end(row) - timedelta(microseconds=1)).astimezone(zone).date()
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            counts[row.location_id, day, row.sealed - SEALED_ALONE] += 1
    return counts


def _end(row: Any) -> datetime:
    closes_at = _aware(row.closes_at)
    if row.duration is None:
        return closes_at
    if row.valid_until is None:
        return closes_at + timedelta(seconds=row.duration) + WORDS
    return max(closes_at, _aware(row.valid_until) + WORDS)


def _aware(instant: datetime) -> datetime:
    """SQLite keeps no zone: it is UTC there."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
