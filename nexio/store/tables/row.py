"""The base class of all tables, and helpers for their columns and indexes."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from nexio.store.columns import Duration, Instant

LARGEST_NUMBER = 2**31 - 1
"""Limit of an integer column; a larger number is an error for the drivers, and no row for us."""


def parse_number(text: str) -> int | None:
    """The number in a text; None if it is not a number, 0 (which no row has) if it is too large."""
    if not (text.isascii() and text.isdigit()):
        return None
    small = len(text) <= len(str(LARGEST_NUMBER)) and int(text) <= LARGEST_NUMBER
    return int(text) if small else 0


NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(DeclarativeBase):
    """The base class of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads this name)
        datetime: Instant,
        timedelta: Duration,
        str: Text,
        dict[str, Any]: JSON,
    }

    def fields_of(self, kind: type) -> dict[str, Any]:
        """The values of this row for the fields of a dataclass, to construct one."""
        return {name: getattr(self, name) for name in shared_names(type(self), kind)}


@cache
def shared_names(table: type[Row], kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that are also columns of a table."""
    columns = table.__table__.columns
    return tuple(field.name for field in fields(kind) if field.name in columns)


def index_where(condition: str, name: str, *columns: str, unique: bool = False) -> Index:
    """A partial index: of the rows for which a condition holds.

    It has the condition on PostgreSQL too, see :func:`add_conditions_for_postgresql`.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(condition))


def add_conditions_for_postgresql() -> None:
    """Give the indexes their conditions on PostgreSQL, to create or compare tables.

    That loads SQLAlchemy's dialect, which would be a tenth of the time of a command on SQLite.
    """
    for table in Row.metadata.tables.values():
        for index in table.indexes:
            index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]


class Followed:
    """A row that RADIUS servers follow: it has the batch of its last change."""

    batch: Mapped[int] = mapped_column(BigInteger, index=True)
