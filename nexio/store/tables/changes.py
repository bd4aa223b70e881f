"""The tables by which readers follow the store (see ``nexio/store/batches.py``)."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.row import Row


class ChangeRow(Row):
    """The batch of one committed transaction; numbers follow the order of commits."""

    __tablename__ = "change"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    batch: Mapped[int] = mapped_column(BigInteger, unique=True)


class RemovedRow(Row):
    """A followed row that a batch removed."""

    __tablename__ = "removed"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[int]
    batch: Mapped[int] = mapped_column(BigInteger, index=True)
