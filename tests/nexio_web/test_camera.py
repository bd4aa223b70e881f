"""QR codes held to the camera."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nexio.checkin.taps import list_taps
from tests.support.web.axe import complaints
from tests.support.web.browser import browser
from tests.support.web.house import House, said
from tests.support.web.pictures import dark, film, held, noisy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from playwright.sync_api import Page

TEXT = "NEXIO1:123456:ABCDEFGHIJKLMNOPQRSTUVWX"
PICTURES: dict[str, Callable[[], Image]] = {
    "plain": lambda: held(TEXT),
    "dark": lambda: dark(held(TEXT)),
    "noisy": lambda: noisy(held(TEXT)),
    "turned": lambda: held(TEXT, turned=37),
    "upside down": lambda: held(TEXT, turned=180),
    "small": lambda: held(TEXT, height=150),
    "dark and turned": lambda: dark(held(TEXT, turned=-12)),
}
READ = """async ([pixels, width, height]) => {
    const { decodeQR } = await import("/static/qr/decode.js");
    const grey = Uint8Array.from(atob(pixels), (each) => each.charCodeAt(0));
    const data = new Uint8ClampedArray(width * height * 4);
    grey.forEach((value, n) => data.set([value, value, value, 255], n * 4));
    try { return decodeQR({ data, width, height }); } catch { return null; }
}"""


@pytest.fixture(scope="module")
def camera(
    house: House, tmp_path_factory: pytest.TempPathFactory, programs: None
) -> Iterator[Page]:
    """A tablet whose camera sees nothing, a visitor's code, nothing, and somebody's poster."""
    nothing, visit = held("x").point([128] * 256), house.visitor()
    poster = held("https://example.com/not-a-visitor")
    path = tmp_path_factory.mktemp("film") / "door.mjpeg"
    film(path, nothing, held(house.qr(visit)), nothing, nothing, nothing, poster)
    with browser(camera=path) as chromium, house.tablet(chromium) as page:
        yield page


def test_the_code_of_a_mail_checks_in(house: House, camera: Page) -> None:
    """Nobody touches anything; held still it is one tap; then another one is told apart."""
    camera.locator("#result").wait_for()
    first = said(camera)
    assert first.startswith(("Welcome, Ada.", "This is not a visitor's code."))
    other = "This is not a visitor's code." if first.startswith("W") else "Welcome, Ada."
    expect(camera.locator("#title")).to_have_text(other)
    with house.store.read() as work:
        assert [tap.direction for tap in list_taps(work, house.location, open_only=False)] == ["in"]
    camera.get_by_role("button", name="Done").click()
    expect(camera.locator("#hint")).to_have_text(
        "Or hold the QR code from your mail to the camera."
    )
    assert complaints(camera) == []


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_that_are_not_so_good(camera: Page, name: str) -> None:
    """They are read under the page's own policy."""
    assert read(camera, PICTURES[name]()) == TEXT


def test_a_picture_without_a_code(camera: Page) -> None:
    """Nothing is read."""
    assert read(camera, held("x").point([128] * 256)) is None


def read(page: Page, picture: Image) -> object:
    """What the library makes of a picture, as wide as the page looks at it."""
    small = picture.resize((640, 360))
    pixels = base64.b64encode(small.tobytes()).decode()
    return page.evaluate(READ, [pixels, *small.size])
