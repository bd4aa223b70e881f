"""The pass on a phone, in a real browser, and held to the camera of the tablet."""

from __future__ import annotations

import base64
import io
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from nexio.checkin.check_ins import tap_qr
from nexio.checkin.taps import Direction
from nexio.reception.passes import revoke_pass
from nexio.store.engine import Store
from tests.support.passes import mailed
from tests.support.stores import run_sql
from tests.support.web.axe import complaints, overflow
from tests.support.web.browser import another
from tests.support.web.house import said, scan
from tests.support.web.pictures import SIZE, film
from tests.support.web.webd import webd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from nexio.reception.members import Member
    from tests.support.web.house import House

IPHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 760}}
READ = """async () => {
    const { decodeQR } = await import("/static/qr/decode.js");
    const code = document.getElementById("code");
    const picture = code.getContext("2d").getImageData(0, 0, code.width, code.height);
    return decodeQR(picture);
}"""


@contextmanager
def phone(house: House, chromium: Browser, link: str, **context: Any) -> Iterator[Page]:
    """A phone on which a link was opened, and nothing touched."""
    browsing = chromium.new_context(**{**IPHONE, **context})
    page = browsing.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(f"{house.server.origin}/{link}")
    try:
        yield page
    finally:
        browsing.close()
    assert [each for each in wrong if "Failed to load resource" not in each] == []


@contextmanager
def pass_of(house: House, chromium: Browser, member: Member, **context: Any) -> Iterator[Page]:
    """A phone that shows a member's pass."""
    with phone(house, chromium, mailed(house.store, member), **context) as page:
        page.get_by_role("button", name="Use this phone").click()
        page.locator("#pass").wait_for()
        expect(page.locator("#status")).to_contain_text("You are checked")
        yield page


def code_on(page: Page) -> str:
    """What the code on the phone says."""
    text: str = page.evaluate(READ)
    return text


def test_held_to_the_tablet(house: House, chromium: Browser, tmp_path: Path) -> None:
    """The camera reads it off the phone; both screens say what has happened."""
    with pass_of(house, chromium, house.member("Grace")) as page:
        expect(page.locator("#status")).to_have_text("You are checked out at Harbour House.")
        picture = Image.open(io.BytesIO(page.screenshot())).convert("L")
        view = Image.new("L", SIZE, 150)
        view.paste(picture.resize((350, 682)), (460, 20))
        path = film(tmp_path / "door.mjpeg", view)
        with another(chromium, camera=path) as seeing, house.tablet(seeing) as tablet:
            assert said(tablet) == "Welcome, Grace."
            expect(page.locator("#title")).to_have_text("You are checked in at Harbour House.")
            expect(page.locator("#result")).to_have_class("screen result in")
            assert complaints(page) == []
        page.locator("#result").click()
        expect(page.locator("#status")).to_have_text("You are checked in at Harbour House.")


def test_below_a_scanner(house: House, chromium: Browser, tablet: Page) -> None:
    """It types the code; whoever holds up a used one is told so."""
    with pass_of(house, chromium, house.member("Ida")) as page:
        code = code_on(page)
        scan(tablet, code)
        assert said(tablet) == "Welcome, Ida."
        expect(page.locator("#result")).to_be_visible()
        run_sql(house.store, "UPDATE check_in SET in_at = :at", at="2026-01-01 00:00:00")
        tablet.get_by_role("button", name="Done").click()
        scan(tablet, code)
        assert said(tablet).startswith("This code was used already.")


def test_undo_at_the_tablet(house: House, chromium: Browser, tablet: Page) -> None:
    """The phone says that, too."""
    with pass_of(house, chromium, house.member("Una")) as page:
        scan(tablet, code_on(page))
        expect(page.locator("#title")).to_have_text("You are checked in at Harbour House.")
        tablet.locator("#undo").click()
        expect(page.locator("#title")).to_have_text("You are checked out at Harbour House.")


def test_a_forwarded_mail(house: House, chromium: Browser) -> None:
    """The first browser keeps the pass; opening the link alone takes nothing."""
    link = mailed(house.store, house.member())
    with (
        phone(house, chromium, link) as looked,
        phone(house, chromium, link) as first,
        phone(house, chromium, link) as second,
    ):
        expect(looked.locator("#offer")).to_be_visible()
        assert complaints(first) == []
        first.get_by_role("button", name="Use this phone").click()
        first.locator("#pass").wait_for()
        assert "#" not in first.url
        second.get_by_role("button", name="Use this phone").click()
        expect(second.locator("#title")).to_have_text("This link has been used, or is too old.")
        first.reload()
        expect(first.locator("#pass")).to_be_visible()
        first.evaluate("indexedDB.deleteDatabase('nexio-pass')")  # as Safari does after a week
        first.reload()
        expect(first.locator("#pass")).to_be_visible()


def test_scripts_cannot_read_what_counts(house: House, chromium: Browser) -> None:
    """Neither the cookie nor, once it is there, the key."""
    with pass_of(house, chromium, house.member()) as page:
        assert page.evaluate("document.cookie") == ""
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        extractable = page.evaluate(
            """() => new Promise((done) => {
                const opening = indexedDB.open("nexio-pass", 1);
                opening.onsuccess = () => {
                    const passes = opening.result.transaction("passes").objectStore("passes");
                    passes.getAll().onsuccess = (event) =>
                        done(event.target.result.map((each) => each.key.extractable));
                };
            })"""
        )
        assert extractable == [False]


def test_revoked(house: House, chromium: Browser) -> None:
    """The phone shows no code any more within seconds, nor after it was opened again."""
    member = house.member()
    with pass_of(house, chromium, member) as page:
        with house.store.write() as work:
            assert revoke_pass(work, member.id)
        expect(page.locator("#title")).to_have_text("There is no valid pass on this phone.")
        page.reload()
        expect(page.locator("#title")).to_have_text("There is no valid pass on this phone.")
        assert complaints(page) == []


@pytest.mark.parametrize("off", [-3600, 3600], ids=["an hour slow", "an hour fast"])
def test_a_phone_whose_clock_is_wrong(house: House, chromium: Browser, off: int) -> None:
    """It goes by the server's clock."""
    link = mailed(house.store, house.member())
    with phone(house, chromium, "pass") as page:
        page.add_init_script(f"const now = Date.now; Date.now = () => now() + {off * 1000}")
        page.goto(f"{house.server.origin}/{link}")
        page.get_by_role("button", name="Use this phone").click()
        page.locator("#pass").wait_for()
        with house.store.write() as work:
            assert tap_qr(work, house.location, code_on(page)).direction == "in"


def test_without_a_server(house: House, chromium: Browser) -> None:
    """Once it was open, the page opens and its codes change; each is right for its time."""
    member = house.member()
    with webd(house.configuration) as server, closing(Store.open(house.configuration)) as store:
        link = mailed(store, member)
        browsing = chromium.new_context(**IPHONE)
        page = browsing.new_page()
        page.goto(f"{server.origin}/{link}")
        page.get_by_role("button", name="Use this phone").click()
        page.locator("#pass").wait_for()
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function("navigator.serviceWorker.controller")
    page.add_init_script(
        "const now = Date.now; let more = 0; Date.now = () => now() + more;"
        "globalThis.later = (seconds) => { more += seconds * 1000; };"
    )
    page.reload()
    expect(page.locator("#status")).to_have_text("No connection. The code works all the same.")
    for seconds in (0, 30):  # the second code is of the step that is to come
        drawn = page.evaluate("document.getElementById('code').toDataURL()")
        if seconds:
            page.evaluate("seconds => later(seconds)", seconds)
            page.wait_for_function(
                "drawn => document.getElementById('code').toDataURL() !== drawn", arg=drawn
            )
        code = read_png(chromium, house, page.locator("#code").screenshot())
        with house.store.write() as work:
            assert tap_qr(work, house.location, code, way=Direction.IN).direction == "in"
    assert complaints(page) == []
    browsing.close()


def read_png(chromium: Browser, house: House, png: bytes) -> str:
    """What a picture of a code says."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    browsing = chromium.new_context()
    page = browsing.new_page()
    page.goto(f"{house.server.origin}/pass")
    text: str = page.evaluate(
        """async ([pixels, width, height]) => {
            const { decodeQR } = await import("/static/qr/decode.js");
            const data = Uint8ClampedArray.from(atob(pixels), (each) => each.charCodeAt(0));
            return decodeQR({ data, width, height });
        }""",
        [base64.b64encode(picture.tobytes()).decode(), *picture.size],
    )
    browsing.close()
    return text


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": {"width": 320, "height": 568}},
        {"viewport": {"width": 195, "height": 380}, "device_scale_factor": 2},
        {"color_scheme": "dark"},
        {"viewport": {"width": 700, "height": 340}},
    ],
    ids=["320 pixels", "200 %", "dark", "lying"],
)
def test_any_phone(house: House, chromium: Browser, context: dict[str, Any]) -> None:
    """axe-core finds nothing, nothing stands out, and the code is read."""
    with pass_of(house, chromium, house.member("Nguyễn Văn An Bartholomäus"), **context) as page:
        assert (complaints(page), overflow(page)) == ([], 0)
        before, picture, after = code_on(page), page.locator("#code").screenshot(), code_on(page)
        assert read_png(chromium, house, picture) in {before, after}


def test_markup_in_a_name(house: House, chromium: Browser) -> None:
    """It is text."""
    member = house.member()
    name = "<img src=x onerror=alert(1)>"
    run_sql(
        house.store,
        "UPDATE member SET first_name = :name WHERE id = :id",
        name=name,
        id=member.id,
    )
    with pass_of(house, chromium, member) as page:
        expect(page.locator("#name")).to_have_text(name)
        assert page.locator("img").count() == 0


def test_without_https(house: House, chromium: Browser) -> None:
    """The page says what is missing, and takes nothing of the link."""
    link = mailed(house.store, house.member())
    with phone(house, chromium, "pass") as page:
        page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
        page.goto(f"{house.server.origin}/{link}")
        expect(page.get_by_role("heading", name="This page needs https")).to_be_visible()
        assert complaints(page) == []
