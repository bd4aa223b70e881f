"""A tablet that is new: from its code to the first person, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.cli.forking import run
from tests.support.cli.programs import program
from tests.support.radius.radiusd import PATIENCE, environment_of
from tests.support.web.axe import complaints, overflow
from tests.support.web.house import House, press, said

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from playwright.sync_api import Browser


def nexio(house: House, *arguments: str) -> CompletedProcess[str]:
    """What the desk types."""
    env = environment_of(house.configuration)
    return run(program("nexio"), *arguments, env=env, seconds=PATIENCE)


def test_from_a_new_tablet_to_the_first_check_in(house: House, chromium: Browser) -> None:
    """The code is typed, the page changes by itself; revoked, it changes back."""
    browsing = chromium.new_context(viewport={"width": 320, "height": 568})
    page = browsing.new_page()
    page.goto(f"{house.server.origin}/kiosk")
    assert complaints(page) == []
    assert overflow(page) == 0
    code = page.locator("#code").inner_text()
    done = nexio(house, "kiosk", "pair", code.lower(), "--name", "Front door")
    assert done.stdout == "Front door is paired: it checks people in and out at Harbour House.\n"
    expect(page.locator("#start")).to_be_visible()
    press(page, house.visitor().pin)
    assert said(page).startswith("Welcome, Ada.")
    listed = nexio(house, "kiosk", "list").stdout
    assert "Front door" in listed
    assert "127.0.0.1" in listed
    done = nexio(house, "kiosk", "revoke", "front door", "--yes")
    assert done.stdout == "Front door is turned away.\n"
    expect(page.locator("#pairing")).to_be_visible()
    assert page.locator("#code").inner_text() != code
    browsing.close()
