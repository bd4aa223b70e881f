"""Passes of members on their phones."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nexio.store.tables.row import Row
from nexio.store.tables.visits import MemberRow


class MemberPassRow(Row):
    """The pass of a member (see ``nexio/reception/passes.py``).

    ``browser_digest`` is the digest of the cookie of the browser that opened it; NULL before that.
    """

    __tablename__ = "member_pass"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey(MemberRow.id), unique=True)
    secret_sealed: Mapped[bytes]
    issued_at: Mapped[datetime]
    browser_digest: Mapped[bytes | None]

    member: Mapped[MemberRow] = relationship(lazy="joined", innerjoin=True)


class PassCodeRow(Row):
    """A used code of a pass, stored for as long as it could be used once more."""

    __tablename__ = "pass_code"

    pass_id: Mapped[int] = mapped_column(
        ForeignKey("member_pass.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
