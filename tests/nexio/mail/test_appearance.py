"""Every mail in every language, with the longest and strangest names, as people see it.

As text, and in a browser: on a phone and on a desk, in the light and in the dark.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from nexio.languages import LANGUAGES
from nexio.mail.placeholders import PLACEHOLDER
from nexio.outbox.outbox import Template
from nexio.reception.members import add_member
from nexio.reception.passes import issue_pass
from nexio.store.tables import OutboxRow
from tests.support.mail.outgoing import rendered, text_of
from tests.support.mail.pages import shown
from tests.support.people import register, set_up
from tests.support.stores import run_sql
from tests.support.web.axe import complaints
from tests.support.web.browser import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from nexio.locations.locations import Location
    from nexio.store.engine import Store

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


@pytest.fixture
def mails(
    sqlite_store: Store, sqlite_location: Location, tmp_path: Path
) -> dict[tuple[Template, str], int]:
    """The number of a mail of each kind in each language, and a location with all there is."""
    logo = tmp_path / "logo.png"
    Image.new("RGB", (900, 90), "teal").save(logo)
    set_up(
        sqlite_store,
        sqlite_location,
        "ssid=" + "W" * 32,
        "address=" + "Ö" * 200,
        "directions=https://example.com/" + "x" * 900 + "?a=<b>&c=1",
        f"logo={logo}",
        "reply-to=desk@example.com",
    )
    run_sql(sqlite_store, "UPDATE location SET name = :name", name="W" * 60)
    found = {}
    for code, (first, last) in zip(LANGUAGES, NAMES, strict=True):
        address = f"{code * 16}@{'x' * 50}.example.com"
        with sqlite_store.write() as work:
            texts = {"first_name": first, "last_name": last, "email": address}
            member = add_member(work, sqlite_location, texts, send_pin=False)
            issue_pass(work, member.id)
        visit = register(
            sqlite_store,
            sqlite_location,
            first_name=first,
            last_name=last,
            email=address,
            host=address,
            language=code,
        )
        for template in Template:
            about_member = template.value.startswith("member")
            with sqlite_store.write() as work:
                row = OutboxRow(
                    template=template.value,
                    visit_id=None if about_member else visit.id,
                    member_id=member.id if about_member else None,
                    message_id=f"{template.value}.{code}",
                    created_at=work.now,
                    state="queued",
                    attempts=0,
                    next_try_at=work.now,
                )
                work.session.add(row)
                work.session.flush()
                found[template, code] = row.id
    return found


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_mail(
    sqlite_store: Store, mails: dict[tuple[Template, str], int], pages: dict[str, Page], code: str
) -> None:
    """Nothing is cut off, nothing is left unfilled, every picture is there."""
    run_sql(sqlite_store, "UPDATE location SET language = :code", code=code)
    for template in Template:
        message = rendered(sqlite_store, mails[template, code])
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
                seen = f"{template.value}, {code}, {name}, {scheme}"
                assert page.evaluate("document.documentElement.scrollWidth") <= width, seen
                assert page.evaluate(
                    "[...document.images].every(each => each.complete && each.naturalWidth)"
                ), seen
                octets = page.screenshot(full_page=True, type="jpeg", quality=50)
                shade = Image.open(io.BytesIO(octets)).convert("L")
                pixels = shade.tobytes()
                assert abs(pixels[2 * shade.width + 2] - SHADES[scheme]) < 9, seen
                assert max(pixels) - min(pixels) > 150, seen


@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_read_it(
    sqlite_store: Store, mails: dict[tuple[Template, str], int], pages: dict[str, Page], scheme: str
) -> None:
    """Contrast, language, words for pictures (WCAG 2.2 AA), in the light and in the dark."""
    for template in (Template.VISITOR_REGISTERED, Template.MEMBER_PASS):
        pages[scheme].set_content(shown(rendered(sqlite_store, mails[template, "en"])))
        assert complaints(pages[scheme], is_mail=True) == [], template


def test_the_codes_are_apart(
    sqlite_store: Store, mails: dict[tuple[Template, str], int], pages: dict[str, Page]
) -> None:
    """Each in a frame of its own colour, with its words above it."""
    page = pages["light"]
    page.set_content(shown(rendered(sqlite_store, mails[Template.VISITOR_REGISTERED, "en"])))
    frames = page.locator("table:has(img)")
    assert [each.splitlines()[0] for each in frames.all_inner_texts()] == [
        "Check-in code, for the tablet at the door",
        "Wi-Fi code, for the camera of your phone",
    ]
    colours = frames.evaluate_all("all => all.map(each => getComputedStyle(each).borderTopColor)")
    assert len(set(colours)) == len(colours)
