"""Make ``docs/images/tablet.png``, the screens that kiosk.md shows: ``make picture``.

A browser opens the page of a server with a store of its own, and does what a visitor does.
"""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nexio.reception.members import add_member  # noqa: E402 (the helpers are those of the tests)
from nexio.store.creation import create_store  # noqa: E402
from nexio.store.engine import Store  # noqa: E402
from tests.support.clocks import noon_zone  # noqa: E402
from tests.support.people import add_location, register  # noqa: E402
from tests.support.stores import configuration_of  # noqa: E402
from tests.support.web.browser import browser  # noqa: E402
from tests.support.web.house import House, press, said  # noqa: E402
from tests.support.web.webd import webd  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURE = ROOT / "docs" / "images" / "tablet.png"
WIDTH, HEIGHT, GAP = 620, 880, 24
SAM = {"first_name": "Sam", "last_name": "Example", "email": "sam@example.com"}


def main() -> None:
    """Take the pictures, and put them side by side."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = configuration_of(Path(folder))
        create_store(configuration)
        with closing(Store.open(configuration)) as store, webd(configuration) as server:
            location = add_location(store, "Harbour House", noon_zone(), "visitor-tokens=on")
            house = House(store=store, location=location, server=server)
            with browser() as chromium:
                size = {"width": WIDTH, "height": HEIGHT}
                with house.tablet(chromium, viewport=size) as tablet:
                    screens = _screens(house, tablet)
    whole = Image.new("RGB", ((WIDTH + GAP) * len(screens) - GAP, HEIGHT), "white")
    for number, screen in enumerate(screens):
        whole.paste(screen, (number * (WIDTH + GAP), 0))
    small = whole.resize((whole.width // 2, whole.height // 2), Image.Resampling.LANCZOS)
    small.quantize(128).save(PICTURE, optimize=True)


def _screens(house: House, tablet: Page) -> list[Image.Image]:
    with house.store.write() as work:
        add_member(work, house.location, SAM, send_pin=False)
    visit = register(
        house.store, house.location, first_name="Ada", last_name="Example", host=SAM["email"]
    )
    later = register(house.store, house.location, arrival="tomorrow 09:00")
    screens = [_taken(tablet)]
    tablet.get_by_role("button", name="Visitor", exact=True).click()
    tablet.keyboard.type(visit.pin[:4])
    screens.append(_taken(tablet))
    tablet.get_by_role("button", name="Start over").first.click()
    for pin in (visit.pin, later.pin):
        press(tablet, pin)
        said(tablet)
        screens.append(_taken(tablet))
        tablet.get_by_role("button", name="Done").click()
    return screens


def _taken(tablet: Page) -> Image.Image:
    return Image.open(io.BytesIO(tablet.screenshot())).convert("RGB")


if __name__ == "__main__":
    main()
