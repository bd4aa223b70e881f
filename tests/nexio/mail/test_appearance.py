"""Every mail in every language, with the longest and strangest names, as people see it.

As text, and in a browser: on a phone and on a desk, in the light and in the dark.
"""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from nexio.languages import LANGUAGES
from nexio.mail.placeholders import PLACEHOLDER
from nexio.outbox.outbox import Template as Kind
from nexio.outbox.outbox import queue_mail
from nexio.reception.members import add_member
from nexio.reception.passes import issue_pass
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import rendered, text_of
from tests.support.mail.pages import shown
from tests.support.people import add_harbour_house, register, set_up
from tests.support.stores import run_sql
from tests.support.web.axe import complaints
from tests.support.web.browser import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from playwright.sync_api import Browser, Page

    from nexio.locations.locations import Location
    from tests.support.stores import Template

NAMES = [
    ("Ẑ" * 100, "W" * 100),
    ("‘Abd al-Malik", "بن عبد العزيز"),
    ("בן־גוריון", "King, Jr."),
    ("می\u200cخواهم", "ක්\u200dෂ"),
    ("山田（営業）", "マリー・アンヌ"),
    ("", "Z\u0335\u0321\u0353a\u0334\u0361l\u0336g\u0337o"),
]
"""One for each language."""

SIZES = {"phone": 390, "desk": 1280}
SCHEMES = ("light", "dark")
SHADES = {"light": 255, "dark": 18}


@pytest.fixture(scope="module")
def pages(programs: None) -> Iterator[dict[str, Page]]:
    """A page of one browser for each colour scheme."""
    with browser() as chromium:
        yield {scheme: _page(chromium, scheme) for scheme in SCHEMES}


def _page(chromium: Browser, scheme: str) -> Page:
    page = chromium.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.route("**/*", lambda route: route.abort())  # a mail fetches nothing
    return page


@pytest.fixture(scope="module")
def mails(
    _sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], EmailMessage]:
    """A mail of each kind in each language, of a location with all there is."""
    home = tmp_path_factory.mktemp("mails")
    configuration = _sqlite_template.copy(home / "nexio", add_harbour_house)
    location = _sqlite_template.results[add_harbour_house]
    Image.new("RGB", (900, 90), "teal").save(home / "logo.png")
    with closing(Store.open(configuration, Clock())) as store:
        set_up(
            store,
            location,
            "ssid=" + "W" * 32,
            "address=" + "Ö" * 200,
            "directions=https://example.com/" + "x" * 900 + "?a=<b>&c=1",
            f"logo={home / 'logo.png'}",
            "reply-to=desk@example.com",
        )
        run_sql(store, "UPDATE location SET name = :name", name="W" * 60)
        location = replace(location, name="W" * 60)
        return {
            (kind.value, code): message
            for code, name in zip(LANGUAGES, NAMES, strict=True)
            for kind, message in _mails_of(store, location, code, name)
        }


def _mails_of(
    store: Store, location: Location, code: str, name: tuple[str, str]
) -> Iterator[tuple[Kind, EmailMessage]]:
    """A mail of each kind in one language, to somebody of that name."""
    run_sql(store, "UPDATE location SET language = :code", code=code)
    address = f"{code * 16}@{'x' * 50}.example.com"
    person = {"first_name": name[0], "last_name": name[1], "email": address}
    with store.write() as work:
        member = add_member(work, location, person, send_pin=False)
        issue_pass(work, member.id)
    visit = register(store, location, **person, host=address, language=code)
    for kind in Kind:
        about_member = kind.value.startswith("member")
        about = {"member_id": member.id} if about_member else {"visit_id": visit.id}
        with store.write() as work:
            number = queue_mail(work, kind, **about)
        assert number is not None
        yield kind, rendered(store, number)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_mail(
    mails: dict[tuple[str, str], EmailMessage], pages: dict[str, Page], code: str
) -> None:
    """Nothing is cut off, nothing is left unfilled, every picture is there."""
    for kind in Kind:
        message = mails[kind.value, code]
        text = text_of(message)
        assert message["Content-Language"] == code
        assert message["Reply-To"] == "desk@example.com"
        assert not PLACEHOLDER.findall(text + str(message["Subject"]))
        assert code == "en" or not {"Hello", "When:", "Where:"} & set(text.split())
        whole = shown(message)
        for scheme, page in pages.items():
            page.set_content(whole)
            for name, width in SIZES.items():
                page.set_viewport_size({"width": width, "height": 800})
                seen = f"{kind.value}, {code}, {name}, {scheme}"
                assert page.evaluate("document.documentElement.scrollWidth") <= width, seen
                assert page.evaluate(
                    "[...document.images].every(each => each.complete && each.naturalWidth)"
                ), seen
            octets = page.screenshot(type="jpeg", quality=50)  # the width changes no colour
            shade = Image.open(io.BytesIO(octets)).convert("L")
            used = [each for each, pixels in enumerate(shade.histogram()) if pixels]
            assert abs(shade.tobytes()[2 * shade.width + 2] - SHADES[scheme]) < 9, seen
            assert used[-1] - used[0] > 150, seen


@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_read_it(
    mails: dict[tuple[str, str], EmailMessage], pages: dict[str, Page], scheme: str
) -> None:
    """Contrast, language, words for pictures (WCAG 2.2 AA), in the light and in the dark."""
    for kind in ("visitor-registered", "member-pass"):
        pages[scheme].set_content(shown(mails[kind, "en"]))
        assert complaints(pages[scheme], is_mail=True) == [], kind


def test_the_codes_are_apart(
    mails: dict[tuple[str, str], EmailMessage], pages: dict[str, Page]
) -> None:
    """Each in a frame of its own colour, with its words above it."""
    page = pages["light"]
    page.set_content(shown(mails["visitor-registered", "en"]))
    frames = page.locator("table:has(img)")
    assert [each.splitlines()[0] for each in frames.all_inner_texts()] == [
        "Check-in code, for the tablet at the door",
        "Wi-Fi code, for the camera of your phone",
    ]
    colours = frames.evaluate_all("all => all.map(each => getComputedStyle(each).borderTopColor)")
    assert len(set(colours)) == len(colours)
