"""Finds whose code was scanned, and taps with it at the time of the transaction.

A tap that is delivered later gets a transaction with its own time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.checkin.check_ins import tap_qr
from nexio.reception.passes import is_pass, owner
from nexio.reception.qr_codes import read_qr
from nexio.reception.visits import get_row

if TYPE_CHECKING:
    from nexio.checkin.taps import Direction, Tap
    from nexio.locations.locations import Location
    from nexio.store.engine import Writing


def whose(work: Writing, text: str) -> tuple[str, int]:
    """Return ``visit`` or ``member`` and the number for a code; lock the row of a visit.

    Raises:
        InvalidValue: a keyboard layout has changed it.
        NotFound: the visit has been forgotten since.
        Refused: not a code of this store, or a newer mail has replaced it.
    """
    if is_pass(text):
        return "member", owner(work, text)
    return "visit", get_row(work, read_qr(work, text)).id


def tap_scanned(
    work: Writing, location: Location, text: str, *, way: Direction | None = None
) -> Tap:
    """Use a scanned code at the time of the transaction.

    Raises:
        NexioError: as :func:`whose`, or a rule refuses it.
    """
    return tap_qr(work, location, text, way=way)
