"""Which NAS send a Message-Authenticator, and for which it can be required (Must 12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select, update

from nexio.store.tables import NasRow, NasSignatureRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexio.network.nas_entry import Nas
    from nexio.store.engine import Reading, Writing

    Counted = Mapping[tuple[int, bool], int]
    """Requests, by the number of the NAS and whether they were signed."""

LOOKED_BACK: Final = timedelta(days=7)
"""Older unsigned requests do not count: the NAS may sign since then."""

ENOUGH: Final = 10
"""Signed requests that show that a NAS signs: a test or two do not count."""


class Signing(StrEnum):
    """Whether a NAS signs."""

    REQUIRED = "required"
    """Required, and no unsigned requests came lately."""

    UNANSWERED = "unanswered"
    """Required, but the NAS does not always sign: those requests get no answer."""

    READY = "ready"
    """Not required, but the NAS always signs: it can be required."""

    MISSING = "missing"
    """Not required, and the NAS does not always sign."""

    UNKNOWN = "unknown"
    """Not required, and the NAS has sent too few requests to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """Signed and unsigned requests of a NAS, as servers counted them."""

    since: datetime
    signed: int
    unsigned: int
    signed_at: datetime | None
    unsigned_at: datetime | None

    def was_unsigned(self, now: datetime) -> bool:
        """Whether an unsigned request came lately."""
        return _is_recent(self.unsigned_at, now)

    def signs(self, now: datetime) -> bool:
        """Whether it sent a signed request lately, and enough of them to rely on it."""
        return _is_recent(self.signed_at, now) and self.signed >= ENOUGH


def signing_of(nas: Nas, counted: Signatures | None, now: datetime) -> Signing:
    """Whether a NAS signs, and whether that can be required."""
    is_missing = counted is not None and counted.was_unsigned(now)
    if nas.require_message_authenticator:
        return Signing.UNANSWERED if is_missing else Signing.REQUIRED
    if is_missing:
        return Signing.MISSING
    return Signing.READY if counted is not None and counted.signs(now) else Signing.UNKNOWN


def _is_recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at < LOOKED_BACK


def read_signatures(work: Reading) -> dict[int, Signatures]:
    """The counts, by the number of the NAS."""
    rows = work.session.scalars(select(NasSignatureRow))
    return {row.nas_id: Signatures(**row.fields_of(Signatures)) for row in rows}


def add_signatures(work: Writing, counted: Counted) -> None:
    """Add the requests that a server has counted since the last time."""
    row = NasSignatureRow
    for nas_id in sorted({number for number, _ in counted}):  # same order in all servers
        signed, unsigned = (counted.get((nas_id, which), 0) for which in (True, False))
        more = {"signed": row.signed + signed, "unsigned": row.unsigned + unsigned}
        latest = {
            name: work.now
            for name, number in (("signed_at", signed), ("unsigned_at", unsigned))
            if number
        }
        known = update(row).where(row.nas_id == nas_id).values(**more, **latest)
        if work.session.execute(known).rowcount == 0:  # type: ignore[attr-defined]  # of an update
            counts = {"since": work.now, "signed": signed, "unsigned": unsigned}
            work.session.execute(insert(row).values(nas_id=nas_id, **counts, **latest))


def forget_signatures(work: Writing) -> None:
    """Delete the counts of NAS that are gone."""
    there = select(NasRow.id)
    work.session.execute(delete(NasSignatureRow).where(NasSignatureRow.nas_id.not_in(there)))
