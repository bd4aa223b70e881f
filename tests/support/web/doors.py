"""Who stands at the door: a tablet, a member, a visitor with a QR code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.checkin.tablets import find_tablet, pair_at_once
from nexio.reception.members import add_member
from nexio.reception.qr_codes import qr_text

if TYPE_CHECKING:
    from nexio.checkin.tablets import Tablet
    from nexio.locations.locations import Location
    from nexio.reception.members import Member
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store


def paired(store: Store, location: Location) -> Tablet:
    """Another tablet."""
    with store.write() as work:
        tablet = find_tablet(work, pair_at_once(work, location))
    assert tablet is not None
    return tablet


def member(store: Store, location: Location, first_name: str = "Bo") -> Member:
    """Somebody who works there."""
    said = {"first_name": first_name, "last_name": "Peep", "email": "bo@example.com"}
    with store.write() as work:
        return add_member(work, location, said, send_pin=False)


def qr_of(store: Store, visit: Visit) -> str:
    """What the visitor's code says."""
    with store.read() as work:
        return qr_text(work, visit)
