"""QR codes: signed by the store, and not the PIN."""

import re

from nexio.locations import Location
from nexio.qr_codes import qr_text
from nexio.store.engine import Store
from nexio.visits import Visit
from tests.people import register


def text_of(store: Store, visit: Visit) -> str:
    """What the visitor's code says."""
    with store.read() as work:
        return qr_text(work, visit)


def test_a_visit_has_one_text_and_no_other_visit_has_it(store: Store, location: Location) -> None:
    """A code in a mail stays good."""
    one, two = register(store, location), register(store, location)
    assert text_of(store, one) == text_of(store, one)
    assert text_of(store, one) != text_of(store, two)
    assert text_of(store, one).split(":")[2] != text_of(store, two).split(":")[2]


def test_a_text_is_small_and_does_not_hold_the_pin(store: Store, location: Location) -> None:
    """Capitals, digits and colons: a QR code in alphanumeric mode (ISO/IEC 18004 section 7.4.4)."""
    visit = register(store, location, pin="980123")
    assert re.fullmatch(f"NEXIO1:{visit.id}:[A-Z2-7]{{24}}", text_of(store, visit))
    assert "980123" not in text_of(store, visit)
