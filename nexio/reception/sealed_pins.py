"""Read the sealed PINs of visits and members."""

from __future__ import annotations

from nexio.errors import KeyUnusable
from nexio.store.engine import Reading
from nexio.store.tables import MemberRow, VisitRow


def pin_of(work: Reading, row: VisitRow | MemberRow, purpose: str) -> str:
    """The PIN of a row; empty, with a line in the log, if it cannot be decrypted."""
    try:
        return work.keyring.unseal(row.pin_sealed, purpose)
    except KeyUnusable as error:
        work.bad_rows.report(row, f"shows no PIN: {error}")
        return ""
