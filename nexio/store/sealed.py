"""The registry of all sealed columns in the store, and of the digests of PINs.

``db check`` opens all of them, ``key rotate`` seals all of them again.  A column that is missing
here would be lost with the next key: a test checks for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from nexio.store.tables import (
    DeskRow,
    MemberPassRow,
    MemberRow,
    NasRow,
    PinRow,
    Row,
    StoreRevisionRow,
    TabletRow,
    VisitRow,
    WifiSessionRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A column of sealed values; an empty value is not sealed."""

    table: type[Row]
    column: str

    @property
    def purpose(self) -> str:
        """The purpose of its values, such as ``visit.pin``."""
        return f"{self.table.__tablename__}.{self.column.removesuffix('_sealed')}"

    @property
    def values(self) -> InstrumentedAttribute[Any]:
        """The column, for a query."""
        values: InstrumentedAttribute[Any] = getattr(self.table, self.column)
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A column of digests, by which PINs are looked up."""

    table: type[Row]
    column: str
    pin: Sealed
    """The PIN that it is a digest of."""

    owner: str | None = None
    """The column that refers to the row of the PIN, if that is another row."""

    @property
    def query(self) -> Select[Any]:
        """Number, location, sealed PIN and digest of each row."""
        table: Any = self.table
        columns = select(table.id, table.location_id, self.pin.values, getattr(table, self.column))
        if self.owner is None:
            return columns
        owner: Any = self.pin.table
        return columns.join(owner, owner.id == getattr(table, self.owner))


VISIT_PIN = Sealed(table=VisitRow, column="pin_sealed")
MEMBER_PIN = Sealed(table=MemberRow, column="pin_sealed")
NAS_SECRET = Sealed(table=NasRow, column="secret_sealed")
"""Sealed with the second key, if there is one (``keys/keyring.py``)."""

SIGNING_KEY = Sealed(table=StoreRevisionRow, column="signing_key_sealed")
USER_NAME = Sealed(table=WifiSessionRow, column="user_name_sealed")
PASS_SECRET = Sealed(table=MemberPassRow, column="secret_sealed")

SEALED = (VISIT_PIN, MEMBER_PIN, NAS_SECRET, SIGNING_KEY, USER_NAME, PASS_SECRET)

DIGESTS = (
    Digest(table=VisitRow, column="pin_digest", pin=VISIT_PIN),
    Digest(table=PinRow, column="digest", pin=VISIT_PIN, owner="visit_id"),
    Digest(table=PinRow, column="digest", pin=MEMBER_PIN, owner="member_id"),
)

OF_NO_KEY: tuple[tuple[type[Row], str], ...] = (
    (VisitRow, "idempotency_digest"),
    (TabletRow, "credential_digest"),
    (DeskRow, "link_digest"),
    (DeskRow, "credential_digest"),
    (MemberPassRow, "browser_digest"),
)
"""Columns that look like sealed ones, but use the store's signing key, which never changes."""
