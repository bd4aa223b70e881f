"""The slip that a visitor gets on paper, in a real browser."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from nexio.mail.slips import slip_page
from nexio.reception.importing import Wishes, import_visits
from nexio.reception.qr_codes import qr_text
from nexio.reception.registration_texts import Allowed
from nexio.reception.visits import VisitFilter, list_visits
from tests.support.people import set_up
from tests.support.reception import Blind
from tests.support.scanner import scanned
from tests.support.web.axe import complaints, overflow

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from nexio.locations.locations import Location
    from nexio.store.engine import Store

NAMES = ["Zoë,Nguyễn", f"{'W' * 100},{'Ф' * 100}", "محمد,"]


def test_a_slip_is_read_by_people_and_scanners(
    sqlite_store: Store, sqlite_location: Location, chromium: Browser, tmp_path: Path
) -> None:
    """On a phone's width nothing is cut off; on paper each visitor has a sheet."""
    set_up(sqlite_store, sqlite_location, "ssid=Guests at Harbour House", "early-minutes=15")
    rows = "".join(f"{name},14:00\n" for name in NAMES)
    sheet = io.BytesIO(f"first name,last name,arrival\n{rows}".encode())
    import_visits(
        sqlite_store, None, sheet, Wishes(allowed=Allowed(no_email=True), group="x"), Blind()
    )
    with sqlite_store.read() as work:
        visits = list_visits(work, sqlite_location, VisitFilter(group="x"))
        page_text = slip_page(work, visits)
        codes = [qr_text(work, visit) for visit in visits]
    path = tmp_path / "slips.html"
    path.write_text(page_text, encoding="utf-8")
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(path.as_uri())
    assert overflow(page) == 0
    assert complaints(page) == []
    for visit, code, shown in zip(visits, codes, page.locator("section").all(), strict=True):
        words = shown.inner_text()
        for text in (
            visit.name,
            visit.pin,
            visit.login,
            "Guests at Harbour House",
            "13:45 to 15:00",
        ):
            assert text in words
        picture = io.BytesIO()
        Image.open(io.BytesIO(shown.locator("img").first.screenshot())).convert("L").save(
            picture, "PNG"
        )
        assert scanned(picture.getvalue()) == code
    assert page.pdf().count(b"/Type /Page\n") == len(visits)
    page.close()
