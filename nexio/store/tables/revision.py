"""The table with the one row about the store itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.row import Row


class StoreRevisionRow(Row):
    """The one row about the store itself."""

    __tablename__ = "store_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    oldest: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[str] = mapped_column(String(32))
    key_id: Mapped[str] = mapped_column(String(8))
    nas_key_id: Mapped[str | None] = mapped_column(String(8))
    """Id of the second key, for NAS secrets; NULL: they are sealed with the first key."""

    signing_key_sealed: Mapped[bytes]
