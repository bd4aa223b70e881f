"""Each screen in each language, in a real browser: nothing is cut off, nothing stays in English."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from docs.catalogues import read, strings
from nexio.languages import LANGUAGES
from nexio.locations.locations import change_settings
from tests.support.web.axe import complaints
from tests.support.web.house import House, said, scan
from tests.support.web.reception import desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

SIZES = {
    "a phone, 320 pixels wide": (320, 640),
    "200 % of a tablet": (512, 384),
    "a tablet, lying": (1024, 768),
    "a tablet, standing": (768, 1024),
}

WITHOUT_SCROLLING = ((1280, 720), (1280, 800), (1024, 768), (768, 1024))
"""Tablets that show the keypad at once."""

NAMES = ("李小龍", "Nguyễn Thị Ánh", "Jürgen Groß", "Élodie L'Hôpital", "Íñigo Núñez", "محمد")

CUT_OFF = """
(screens) => {
  const parts = [...document.querySelectorAll("section, footer [hidden]")];
  const before = parts.map((each) => each.hidden);
  const found = (screens.length ? screens : [""]).flatMap((id) => {
    if (id) for (const each of parts) each.hidden = each.matches("section") && each.id !== id;
    return [...document.querySelectorAll("h1, h2, p, a, label, strong, button, span, input, li")]
      .filter((each) => each.checkVisibility() && !each.matches(".unseen, .skip"))
      .filter((each) => {
        const box = each.getBoundingClientRect();
        return each.scrollWidth > each.clientWidth + 1
            && getComputedStyle(each).display !== "inline"
          || box.right > document.documentElement.clientWidth + 1 || box.left < -1;
      })
      .map((each) => `${id} ${each.tagName} ${each.id}: ${each.textContent}`);
  });
  parts.forEach((each, number) => { each.hidden = before[number]; });
  return found;
}
"""
"""What is wider than the place that it has: as the page is, or with each of these screens shown,
and all that its foot can show."""


def cut_off(page: Page, *screens: str) -> list[str]:
    """What does not fit, in all sizes."""
    found = []
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        found += [f"{size}: {each}" for each in page.evaluate(CUT_OFF, screens)]
    return found


def too_high(page: Page) -> list[str]:
    """The tablets that are not high enough for the page, and by how many pixels."""
    found = []
    for width, height in WITHOUT_SCROLLING:
        page.set_viewport_size({"width": width, "height": height})
        if (high := page.evaluate("document.documentElement.scrollHeight")) > height:
            found.append(f"{width}x{height}: {high - height}")
    return found


def choose(page: Page, code: str) -> None:
    """Take a language, by its own name."""
    page.get_by_role("button", name=LANGUAGES[code].name, exact=True).click()


@pytest.fixture(scope="module")
def door(house: House, chromium: Browser) -> Iterator[Page]:
    """One tablet for all of them, whose time stands still."""
    with house.tablet(chromium) as page:
        page.clock.install()
        page.reload()
        yield page


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_screen_of_the_tablet(door: Page, code: str) -> None:
    """Start, PIN, e-mail: it fits, axe-core finds nothing, the page says what it speaks."""
    choose(door, code)
    expect(door.locator("html")).to_have_attribute("lang", code)
    assert complaints(door) == []
    assert cut_off(door, "start", "typing", "email") == []
    door.locator("#member").click()
    assert complaints(door) == []
    door.clock.run_for(12_000)
    expect(door.locator("#typing .countdown")).not_to_be_empty()
    assert (cut_off(door), too_high(door)) == ([], [])
    door.locator("#typing .back").click()


def test_each_text_fits_a_confirmation(door: Page) -> None:
    """Whatever can be said is shown in large letters, in every language and size."""
    for code in LANGUAGES:
        if code == "en":
            continue
        texts = [
            text.replace("%(name)s", "Nguyễn Thị Ánh").replace("%(location)s", "Harbour House")
            for message in read(code)
            for text in strings(message)
            if message.id
        ]
        door.evaluate(
            """([code, texts]) => {
              document.documentElement.lang = code;
              for (const each of document.querySelectorAll("section")) {
                each.hidden = each.id !== "result";
              }
              document.getElementById("lines").replaceChildren(
                ...texts.flatMap((text) => ["h1", "p"].map((tag) =>
                  Object.assign(document.createElement(tag), { textContent: text }))));
            }""",
            [code, texts],
        )
        assert cut_off(door) == [], code
    door.reload()


@pytest.mark.parametrize(("code", "name"), list(zip(LANGUAGES, NAMES, strict=True)))
def test_a_visitor_of_each_script(house: House, door: Page, code: str, name: str) -> None:
    """They are welcomed by their name, in their language; the next one finds that of the house."""
    visitor = house.visitor(first_name=name)
    choose(door, code)
    scan(door, visitor.pin)
    shown = said(door)
    welcome = LANGUAGES[code].say("Welcome, %(name)s.", name=name)
    assert shown.replace("\u2068", "").replace("\u2069", "").startswith(welcome)
    assert cut_off(door) == []
    assert complaints(door) == []
    door.locator("#done").click()
    expect(door.locator("html")).to_have_attribute("lang", "en")
    expect(door.locator("#visitor")).to_have_text("Visitor")


def test_a_name_from_right_to_left(house: House, door: Page) -> None:
    """It stands where a name stands, and the full stop stays at the end of the sentence."""
    scan(door, house.qr(house.visitor(first_name="محمد")))
    said(door)
    assert door.locator("#title").inner_text() == "Welcome, \u2068محمد\u2069."
    door.locator("#done").click()


def test_a_refusal_and_what_to_do(door: Page) -> None:
    """The server answers in the language that was chosen; so does the page without the server."""
    choose(door, "de")
    scan(door, "nothing of ours")
    assert said(door).startswith("Das ist keine PIN.")
    door.locator("#done").click()
    choose(door, "vi")
    door.route("**/kiosk/tap", lambda route: route.abort())
    scan(door, "123456")
    assert said(door).startswith("Không có kết nối với máy chủ.")
    door.unroute("**/kiosk/tap")
    door.locator("#done").click()


def test_a_language_that_nobody_uses(door: Page) -> None:
    """Whoever chose it went away: after a while the page speaks the language of the house."""
    choose(door, "zh")
    expect(door.locator("#visitor")).to_have_text("访客")
    door.clock.run_for(21_000)
    expect(door.locator("#visitor")).to_have_text("Visitor")


@contextmanager
def spoken(house: House, code: str) -> Iterator[None]:
    """A house that speaks a language."""

    def speak(code: str) -> None:
        with house.store.write() as work:
            change_settings(work, house.location, {"language": code})

    speak(code)
    try:
        yield
    finally:
        speak("en")


def test_the_language_of_the_house(house: House, chromium: Browser) -> None:
    """A location's setting; a tablet of it starts so, and comes back to it."""
    with spoken(house, "fr"), house.tablet(chromium) as page:
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        expect(page.locator("#visitor")).to_have_text("Visiteur")
        choose(page, "es")
        scan(page, house.qr(house.visitor()))
        assert said(page).startswith("Le damos la bienvenida, Ada.")
        page.locator("#done").click()
        expect(page.locator("#visitor")).to_have_text("Visiteur")


@pytest.mark.parametrize("code", LANGUAGES)
def test_reception(house: House, chromium: Browser, code: str) -> None:
    """Each view of the desk fits, axe-core finds nothing; a visitor is registered and let in."""
    language, name = LANGUAGES[code], NAMES[list(LANGUAGES).index(code)]
    house.visitor(first_name=name)
    with spoken(house, code), desk(house, chromium, "/desk/register") as page:
        page.locator("#save").click()
        expect(page.locator("#register")).to_contain_text(language.say("Not registered yet."))
        said = language.say("The first name and the last name are empty")
        expect(page.locator(".fault").first).to_contain_text(said)
        assert complaints(page) == []
        assert cut_off(page) == []
        page.locator("#first_name").fill(name)
        page.locator("#last_name").fill("Lê")
        page.locator("#email").fill(f"{code}@example.com")
        page.locator("#save").click()
        told = language.say("A mail goes to %(email)s.", email=f"{code}@example.com")
        expect(page.locator("#register")).to_contain_text(told)
        assert cut_off(page) == []
        page.locator("[data-view=people]").first.click()
        page.locator("[data-list=expected] .card", has_text=name).get_by_role("button").last.click()
        expect(page.locator("#notice")).to_contain_text(name)
        for view in ("people", "evacuation"):
            page.locator(f"nav [data-view={view}]").click()
            expect(page.locator(f"#{view}")).to_be_visible()
            assert complaints(page) == []
            assert cut_off(page) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_pages_before_anybody_chose(house: House, chromium: Browser, code: str) -> None:
    """Pairing a tablet, and the pass on a phone: in the language of the browser."""
    context: Any = chromium.new_context(locale=code, viewport={"width": 320, "height": 640})
    page = context.new_page()
    for path, text in (
        ("/kiosk", "This tablet is not paired yet"),
        ("/pass/1", "There is no valid pass on this phone."),
    ):
        page.goto(f"{house.server.origin}{path}")
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("h1:visible")).to_have_text(LANGUAGES[code].say(text))
        assert complaints(page) == []
        sections = page.evaluate("[...document.querySelectorAll('section')].map((each) => each.id)")
        assert cut_off(page, *sections) == []
    context.close()
