"""The tablet at the door, in a real browser: by finger, keyboard and scanner."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nexio.checkin.tablets import list_tablets, revoke_tablet
from tests.support.cli.forking import run
from tests.support.cli.programs import program
from tests.support.radius.radiusd import PATIENCE, environment_of, wait_until
from tests.support.web.axe import complaints, overflow
from tests.support.web.house import House, press, said, scan

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from playwright.sync_api import Browser, Page


def test_a_visitor_comes_and_goes_by_touch(house: House, tablet: Page) -> None:
    """Welcome, the host, the Wi-Fi; too soon it is asked; goodbye; back to the start at a touch."""
    visit = house.visitor(host=house.member().email)
    press(tablet, visit.pin)
    assert said(tablet).startswith("Welcome, Ada. Your host has been told. Your Wi-Fi works until")
    tablet.locator("#result").click(position={"x": 5, "y": 5})
    expect(tablet.locator("#start")).to_be_visible()

    late = house.visitor()
    house.came(late.pin, timedelta(minutes=3))
    press(tablet, late.pin)
    assert said(tablet) == "Leaving already? You checked in 3 minutes ago."
    tablet.get_by_role("button", name="No, I am staying").click()
    press(tablet, late.pin)
    tablet.get_by_role("button", name="Yes, check me out").click()
    expect(tablet.locator("#title")).to_have_text("Goodbye, Ada.")


def test_a_member_by_keyboard(house: House, tablet: Page) -> None:
    """Tab and Enter are enough; on the start page a digit begins at once."""
    member = house.member("Bo")
    tablet.keyboard.press("Tab")
    tablet.keyboard.press("Tab")
    expect(tablet.get_by_role("button", name="Member", exact=True)).to_be_focused()
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_label("Type your PIN")).to_be_focused()
    scan(tablet, member.pin)
    assert said(tablet) == "Welcome, Bo."
    tablet.get_by_role("button", name="Done").press("Enter")
    scan(tablet, house.visitor().pin)
    assert said(tablet).startswith("Welcome, Ada.")


def test_a_scanner_on_any_page(house: House, tablet: Page) -> None:
    """The next one need not wait for the page of the one before; nobody's name stays."""
    scan(tablet, house.qr(house.visitor()))
    assert said(tablet).startswith("Welcome, Ada.")
    scan(tablet, house.qr(house.visitor(first_name="Grace")))
    expect(tablet.locator("#title")).to_have_text("Welcome, Grace.")
    scan(tablet, "https://example.com/not-a-visitor")
    expect(tablet.locator("#title")).to_have_text("This is not a PIN.")
    assert "Grace" not in tablet.content()


def test_back_to_the_start_by_itself(house: House, tablet: Page) -> None:
    """After a few seconds; the undo is there until ten have passed, and for nobody else."""
    tablet.clock.install()
    tablet.reload()
    press(tablet, house.visitor().pin)
    said(tablet)
    tablet.clock.run_for(7000)
    expect(tablet.locator("#start")).to_be_visible()
    expect(tablet.get_by_role("button", name="Undo")).to_be_visible()
    assert "Ada" not in tablet.locator("body").inner_text()
    tablet.clock.run_for(5000)
    expect(tablet.get_by_role("button", name="Undo")).to_be_hidden()

    tablet.get_by_role("button", name="Visitor", exact=True).click()
    tablet.keyboard.type("123")
    tablet.clock.run_for(12_000)
    expect(tablet.locator("#typing .countdown")).to_contain_text("Touch to go on.")
    tablet.get_by_role("button", name="4", exact=True).click()
    tablet.clock.run_for(12_000)
    expect(tablet.locator("#typing")).to_be_visible()
    tablet.clock.run_for(9000)
    expect(tablet.locator("#start")).to_be_visible()
    tablet.get_by_role("button", name="Member", exact=True).click()
    assert tablet.get_by_label("Type your PIN").input_value() == ""


def test_undo(house: House, tablet: Page) -> None:
    """On the confirmation, and afterwards on the start page; who begins to type has none."""
    visit = house.visitor()
    press(tablet, visit.pin)
    said(tablet)
    tablet.locator("#undo").click()
    expect(tablet.locator("#title")).to_have_text("Taken back.")
    tablet.get_by_role("button", name="Done").click()
    press(tablet, visit.pin)
    expect(tablet.locator("#title")).to_have_text("Welcome, Ada.")
    tablet.get_by_role("button", name="Done").click()
    tablet.get_by_role("button", name="Was that a mistake? Undo").click()
    assert said(tablet) == "Taken back. You are not checked in."
    tablet.get_by_role("button", name="Done").click()
    press(tablet, visit.pin)
    tablet.get_by_role("button", name="Done").click()
    tablet.get_by_role("button", name="Visitor", exact=True).click()
    expect(tablet.locator("#undo-later")).to_be_hidden()


def test_what_was_typed_can_be_seen_and_mended(house: House, tablet: Page) -> None:
    """Digits are dots until somebody wants to see them."""
    tablet.get_by_role("button", name="Visitor", exact=True).click()
    for digit in "123":
        tablet.get_by_role("button", name=digit, exact=True).click()
    code = tablet.get_by_label("Type the PIN from your mail")
    expect(code).to_have_css("-webkit-text-security", "disc")
    tablet.get_by_role("button", name="Erase").click()
    tablet.get_by_role("button", name="Show").click()
    expect(code).to_have_css("-webkit-text-security", "none")
    assert code.input_value() == "12"
    tablet.get_by_role("button", name="Start over").click()
    expect(tablet.locator("#start")).to_be_visible()


def test_the_email_beside_the_pin(house: House, chromium: Browser) -> None:
    """Somebody has used up what the PIN alone may take: the tablet asks for the e-mail."""
    visit = house.visitor()
    with house.crowded(), house.tablet(chromium) as tablet:
        press(tablet, visit.pin)
        expect(tablet.locator("#email-title")).to_have_text("Your e-mail address, please")
        assert complaints(tablet) == []
        scan(tablet, visit.email)
        assert said(tablet).startswith("Welcome, Ada.")


def test_sound_can_be_turned_off_and_stays_so(tablet: Page) -> None:
    """Also after the page was loaded again."""
    sound = tablet.locator("#sound")
    expect(sound).to_have_text("Sound is on")
    sound.click()
    tablet.reload()
    expect(sound).to_have_text("Sound is off")
    expect(sound).to_have_attribute("aria-pressed", "false")


def test_a_tablet_that_is_turned_away(house: House, tablet: Page) -> None:
    """The pairing page stands there within seconds, without anybody touching it."""
    expect(tablet.locator("#start")).to_be_visible()
    with house.store.write() as work:
        for each in list_tablets(work):
            revoke_tablet(work, each.name)
    expect(tablet.locator("#pairing")).to_be_visible()


def test_the_server_is_away(house: House, tablet: Page) -> None:
    """It is said, and goes on by itself."""
    wait_until(lambda: tablet.evaluate("navigator.serviceWorker.controller !== null"))
    tablet.context.set_offline(True)
    expect(tablet.locator("#away")).to_be_visible()
    press(tablet, "123456")
    assert said(tablet).startswith("No connection to the server. ")
    tablet.context.set_offline(False)
    expect(tablet.locator("#away")).to_be_hidden()


def test_a_pin_after_one_without_an_answer(house: House, tablet: Page) -> None:
    """The page says so with the next PIN, once: the server takes both for one tap."""
    host = house.member("Bo")
    tablet.route("**/kiosk/tap", lambda route: (route.fetch(), route.abort()))
    press(tablet, host.pin, "Member")
    assert said(tablet).startswith("No connection to the server. ")
    tablet.unroute("**/kiosk/tap")
    for after_silence in ("after_silence=1", "after_silence=&"):
        tablet.get_by_role("button", name="Done").click()
        with tablet.expect_request("**/kiosk/tap") as request:
            press(tablet, host.pin, "Member")
        assert said(tablet) == "Welcome, Bo."
        assert after_silence in (request.value.post_data or "")


def test_markup_in_a_name(house: House, tablet: Page) -> None:
    """Names have no such letters; where a store has them all the same, they are text."""
    visit = house.visitor()
    house.rename(visit, "<img src=x onerror=alert(1)>")
    press(tablet, visit.pin)
    assert said(tablet).startswith("Welcome, <img src=x onerror=alert(1)>.")
    assert tablet.locator("#result img").count() == 0


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


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": {"width": 320, "height": 568}},
        {"viewport": {"width": 410, "height": 590}, "device_scale_factor": 2},
        {"viewport": {"width": 1180, "height": 820}, "color_scheme": "dark"},
        {"viewport": {"width": 820, "height": 1180}, "reduced_motion": "reduce"},
    ],
    ids=["320 pixels", "200 %", "dark", "reduced motion"],
)
def test_everybody_can_use_each_page(
    house: House, chromium: Browser, context: dict[str, object]
) -> None:
    """axe-core finds nothing, nothing stands out, and keys are large enough for a thumb."""
    with house.tablet(chromium, **context) as tablet:
        judged = []

        def judge() -> None:
            judged.append((complaints(tablet), overflow(tablet)))

        judge()
        tablet.get_by_role("button", name="Visitor", exact=True).click()
        judge()
        boxes = [key.bounding_box() for key in tablet.locator(".key").all()]
        assert all(box and min(box["width"], box["height"]) >= 44 for box in boxes)
        tablet.get_by_role("button", name="Start over").click()
        press(tablet, house.visitor(first_name="Wolfeschlegelsteinhausenbergerdorff").pin)
        said(tablet)
        judge()
        tablet.get_by_role("button", name="Done").click()
        press(tablet, house.visitor(arrival="tomorrow 09:00").pin)
        said(tablet)
        judge()
        assert judged == [([], 0)] * 4
