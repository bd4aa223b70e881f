"""The PINs that visits and members have, each of which its row holds sealed."""

from __future__ import annotations

from nexio.errors import KeyUnusable
from nexio.store.engine import Reading
from nexio.store.tables import MemberRow, VisitRow


def pin_of(work: Reading, row: VisitRow | MemberRow, purpose: str) -> str:
    """The PIN of a row; empty, and a line in the log, where it cannot be opened."""
    try:
        return work.keyring.unseal(row.pin_sealed, purpose)
    except KeyUnusable as error:
        work.bad_rows.report(row, f"shows no PIN: {error}")
        return ""
