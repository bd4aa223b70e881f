"""Make the pictures of the pages in ``docs/images``: ``make picture``.

A browser opens the pages of a server with a store of its own, and does what people do there.
"""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nexio.languages import LANGUAGES  # noqa: E402 (the helpers are those of the tests)
from nexio.locations.locations import change_settings, get_location  # noqa: E402
from nexio.locations.settings import parse_changes  # noqa: E402
from nexio.mail.previews import preview  # noqa: E402
from nexio.mail.texts import NAMES, get_text  # noqa: E402
from nexio.reception.members import add_member  # noqa: E402
from nexio.store.creation import create_store  # noqa: E402
from nexio.store.engine import Store  # noqa: E402
from tests.support.clocks import noon_zone  # noqa: E402
from tests.support.passes import mailed  # noqa: E402
from tests.support.people import add_location, register  # noqa: E402
from tests.support.stores import configuration_of  # noqa: E402
from tests.support.web.browser import browser  # noqa: E402
from tests.support.web.house import House, press, said  # noqa: E402
from tests.support.web.reception import desk  # noqa: E402
from tests.support.web.webd import webd  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT, GAP = 620, 880, 24
WIDE = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 660}
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
                    _save("tablet.png", _screens(house, tablet))
                with desk(house, chromium, viewport=WIDE) as page:
                    _save("desk.png", _views(house, page))
                with house.tablet(chromium, viewport=PHONE) as phone:
                    _save("pass.png", _pass(house, phone))
                for name, screens in _mails(house, chromium).items():
                    _save(name, screens)


def _save(name: str, screens: list[Image.Image]) -> None:
    """Put them side by side, at half their size."""
    width, height = screens[0].size
    whole = Image.new("RGB", ((width + GAP) * len(screens) - GAP, height), "white")
    for number, screen in enumerate(screens):
        whole.paste(screen, (number * (width + GAP), 0))
    small = whole.resize((whole.width // 2, whole.height // 2), Image.Resampling.LANCZOS)
    small.quantize(128).save(IMAGES / name, optimize=True)


def _views(house: House, page: Page) -> list[Image.Image]:
    """The people, and the evacuation list."""
    for first_name, last_name, more in (
        ("Grace", "Hopper", {"company": "Navy", "host": SAM["email"]}),
        ("Katherine", "Johnson", {"notes": "needs a parking space"}),
        ("李", "小龍", {}),
    ):
        visit = house.visitor(first_name=first_name, last_name=last_name, **more)
        if first_name == "Grace":
            house.came(visit.pin, timedelta(minutes=9))
    page.reload()
    page.locator("[data-list=expected] .go").first.click()
    page.locator("#notice .notice").wait_for()
    screens = [_taken(page)]
    page.locator("nav [data-view=evacuation]").click()
    page.locator("#roll input").first.check()
    return [*screens, _taken(page)]


def _pass(house: House, phone: Page) -> list[Image.Image]:
    """Before it is taken, the code, and what the phone says once it was held up."""
    member = house.member("Grace")
    phone.goto(f"{house.server.origin}/{mailed(house.store, member)}")
    phone.locator("button:visible").first.wait_for()
    screens = [_taken(phone)]
    phone.locator("button:visible").first.click()
    phone.locator("canvas:visible, svg:visible").first.wait_for()
    return [*screens, _taken(phone)]


def _mails(house: House, chromium: Browser) -> dict[str, list[Image.Image]]:
    """On a phone, in the light and in the dark; and on a desk."""
    with house.store.write() as work:
        words = (
            "ssid=Harbour Guest",
            "address=1 Quay Street, Bristol",
            "reply-to=desk@example.com",
        )
        change_settings(work, house.location, parse_changes(words))

    def seen(name: str, code: str, scheme: Scheme, width: int, height: int) -> Image.Image:
        with house.store.read() as work:
            location = replace(get_location(work, None), time_zone="Europe/London")
            language = LANGUAGES[code]
            text = get_text(work, location.id, NAMES[name], language)
            words = preview(work, location, NAMES[name], language, text)
        page = chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
        page.set_content(words.html)
        try:
            return _taken(page)
        finally:
            page.close()

    return {
        "mail.png": [
            seen("registered", "en", "light", 390, 1520),
            seen("registered", "vi", "dark", 390, 1520),
            seen("cancelled", "zh", "light", 390, 1520),
        ],
        "mail-desk.png": [seen("moved", "de", "dark", 820, 1060)],
    }


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
