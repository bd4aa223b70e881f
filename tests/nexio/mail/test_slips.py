"""What stands on the slip of a visitor."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from nexio.errors import Refused
from nexio.mail.slips import slip_page
from nexio.reception.qr_codes import qr_text
from tests.support.people import delete, look_up, register, revoke, set_up
from tests.support.scanner import scanned

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from tests.support.clocks import Clock


def page_of(store: Store, visit: Visit) -> str:
    """The page for one visitor as the store knows them now."""
    visit = look_up(store, visit)
    with store.read() as work:
        return slip_page(work, [visit])


def test_the_code_is_that_of_the_mail(store: Store, location: Location) -> None:
    """A scanner reads it; what a name says is text."""
    visit = register(store, location, host="<b>&", arrival="14:00")
    page = page_of(store, visit)
    found = re.findall(r"data:image/png;base64,([^\"]+)", page)
    with store.read() as work:
        assert [scanned(base64.b64decode(each)) for each in found] == [qr_text(work, visit)]
    assert visit.pin in page
    assert "&lt;b&gt;&amp;" in page
    assert "zoe@example.com" in page


def test_it_says_what_the_mail_says(store: Store, location: Location) -> None:
    """In the language of the visitor, with both codes."""
    set_up(store, location, "ssid=Guests")
    page = page_of(store, register(store, location, language="fr"))
    assert '<section lang="fr">' in page
    assert "Réseau" in page
    assert "Code Wi-Fi" in page
    found = re.findall(r"data:image/png;base64,([^\"]+)", page)
    assert scanned(base64.b64decode(found[1])) == "WIFI:T:nopass;S:Guests;;"


def test_who_has_no_wifi_reads_nothing_of_it(store: Store, location: Location) -> None:
    """Neither a window nor a network."""
    set_up(store, location, "ssid=Guests")
    visit = register(store, location)
    assert "Guests" in page_of(store, visit)
    revoke(store, visit)
    page = page_of(store, visit)
    assert "Guests" not in page
    assert "Wi-Fi" not in page


def test_a_visit_that_is_deleted_or_over_has_none(
    store: Store, location: Location, clock: Clock
) -> None:
    """Its PIN is no good."""
    gone, over = register(store, location), register(store, location)
    delete(store, gone)
    with pytest.raises(Refused, match="deleted"):
        page_of(store, gone)
    clock.advance(days=2)
    with pytest.raises(Refused, match="expired"):
        page_of(store, over)
