"""Reception in a real browser: who is expected, in and gone; registering; counting heads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from nexio.checkin.check_ins import tap_pin, tap_visit
from nexio.checkin.desks import list_desks, revoke_desk
from nexio.outbox.outbox import MailState
from nexio.reception.visits import VisitState, find_visits_by_email, get_group
from tests.support.people import look_up
from tests.support.web.axe import complaints, overflow
from tests.support.web.reception import desk, link_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.support.web.house import House


@pytest.fixture
def reception(house: House, chromium: Browser) -> Iterator[Page]:
    """The desk's page."""
    with desk(house, chromium) as page:
        yield page


def card(page: Page, name: str, where: str) -> Locator:
    """Somebody in one of the lists."""
    return page.locator(f"[data-list={where}] .card").filter(has_text=name)


def notice(page: Page) -> Locator:
    """What came of the last thing that was done."""
    return page.locator("#notice")


def test_a_link_logs_one_browser_in(house: House, chromium: Browser) -> None:
    """At a press of the button, not when it is only looked at; the secret stays nowhere."""
    link = link_of(house)
    browsing = chromium.new_context()
    page = browsing.new_page()
    page.goto(link)
    assert "#" not in page.url
    assert complaints(page) == []
    button = page.get_by_role("button", name="Log this browser in")
    expect(button).to_be_focused()
    button.press("Enter")
    expect(page.get_by_role("heading", name="Expected")).to_be_visible()
    assert page.evaluate("document.cookie") == ""

    other = chromium.new_context().new_page()
    other.goto(link)
    other.get_by_role("button", name="Log this browser in").click()
    expect(other.get_by_role("alert")).to_contain_text("This link is wrong, used, or too old.")
    other.context.close()

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_have_text(
        "This browser is logged out. It has kept nothing."
    )
    page.goto(f"{house.server.origin}/desk")
    expect(page.locator("#login")).to_be_visible()
    browsing.close()


def test_in_out_and_back_by_a_tap(house: House, reception: Page) -> None:
    """From one list into the next, with what it means for the Wi-Fi; each can be taken back."""
    visit = house.visitor(last_name="Tap", host=house.member("Hosta").email, notes="<b>late</b>")
    reception.get_by_role("button", name="Check in Ada Tap").click()
    expect(notice(reception)).to_contain_text("Ada Tap is checked in.")
    expect(notice(reception)).to_contain_text("The host is told by mail. Wi-Fi until")
    expect(card(reception, "Ada Tap", "inside")).to_contain_text("<b>late</b>")
    expect(card(reception, "Ada Tap", "expected")).to_have_count(0)
    notice(reception).get_by_role("button", name="Undo").click()
    expect(notice(reception)).to_contain_text("Taken back: the check-in of Ada Tap.")
    expect(card(reception, "Ada Tap", "expected")).to_be_visible()

    reception.get_by_role("button", name="Check in Ada Tap").click()
    reception.get_by_role("button", name="Check out Ada Tap").click()
    expect(notice(reception)).to_contain_text("Ada Tap is checked out.")
    reception.get_by_role("button", name="Undo the check-out of Ada Tap").click()
    expect(card(reception, "Ada Tap", "inside")).to_be_visible()
    reception.get_by_role("button", name="Check out Ada Tap").click()
    reception.get_by_role("button", name="Check in again: Ada Tap").click()
    expect(notice(reception)).to_contain_text("Ada Tap: this visit has ended for today.")
    reception.get_by_role("button", name="Let in all the same").click()
    expect(card(reception, "Ada Tap", "inside")).to_be_visible()
    assert look_up(house.store, visit).state is VisitState.CHECKED_IN


def test_what_happens_elsewhere_is_seen(house: House, reception: Page) -> None:
    """A visitor who is registered and comes by the tablet, a member who is checked out here."""
    visit = house.visitor(last_name="Live")
    expect(card(reception, "Ada Live", "expected")).to_be_visible()
    reception.get_by_label("Search for").fill("live")
    with house.store.write() as work:
        tap_pin(work, house.location, visit.pin)
    expect(card(reception, "Ada Live", "inside")).to_be_visible()
    expect(reception.get_by_label("Search for")).to_have_value("live")
    member = house.member("Olive")
    house.came(member.pin, timedelta(minutes=1))
    reception.get_by_role("button", name="Check out Olive Peep").click()
    expect(card(reception, "Olive Peep", "left")).to_be_visible()


def test_searching(house: House, reception: Page) -> None:
    """By a part of name, host or company, in any case; it is said where nobody is meant."""
    house.visitor(first_name="Zoë", last_name="Sought", company="Ämter & Söhne")
    house.visitor(first_name="Other", last_name="One")
    expect(card(reception, "Other One", "expected")).to_be_visible()
    search = reception.get_by_label("Search for")
    for typed in ("sought", "ZOË", "ämter & s"):
        search.fill(typed)
        expect(card(reception, "Zoë Sought", "expected")).to_be_visible()
        expect(card(reception, "Other One", "expected")).to_be_hidden()
    search.fill("no such name")
    expect(reception.get_by_text("Nobody of that name.").first).to_be_visible()


def test_registering_by_keyboard(house: House, reception: Page) -> None:
    """Each wrong field is told at its field, in the command line's words; the rest stays."""
    reception.get_by_role("link", name="Register a visitor").press("Enter")
    expect(reception.get_by_label("First name")).to_be_focused()
    for typed in ("Al4n", "Turing", "alan@", "someday"):
        reception.keyboard.type(typed)
        reception.keyboard.press("Tab")
    reception.get_by_label("Company", exact=True).fill("<i>Bletchley</i>")
    reception.keyboard.press("Enter")
    for label, said in {
        "First name": 'The first name "Al4n" contains "4". A name has letters,',
        "E-mail": '"alan@" is not an e-mail address:',
        "Arrival": '"someday" cannot be read as an arrival.',
    }.items():
        entry = reception.get_by_label(label)
        expect(entry).to_have_attribute("aria-invalid", "true")
        described = entry.get_attribute("aria-describedby") or ""
        expect(reception.locator(f"#{described.split()[0]}")).to_contain_text(said)
    expect(reception.get_by_label("First name")).to_be_focused()
    expect(reception.get_by_label("Last name")).to_have_value("Turing")
    expect(reception.get_by_label("Company", exact=True)).to_have_value("<i>Bletchley</i>")
    assert reception.locator("[aria-invalid]").count() == 3

    reception.get_by_label("First name").fill("Alan")
    reception.get_by_label("E-mail").fill("alan@example.com")
    reception.get_by_label("Arrival").fill("")
    reception.get_by_label("Check in now").check()
    reception.get_by_role("button", name="Register", exact=True).click()
    done = reception.locator("#register .done")
    expect(done).to_contain_text("Registered Alan Turing at Harbour House.")
    with house.store.read() as work:
        (visit,) = find_visits_by_email(work, house.location, "alan@example.com")
    expect(done).to_contain_text(visit.pin)
    assert visit.state is VisitState.CHECKED_IN
    reception.get_by_role("link", name="Back to the people").click()
    expect(card(reception, "Alan Turing", "inside")).to_contain_text("<i>Bletchley</i>")
    assert visit.pin not in reception.content()


def test_a_visitor_without_an_email(house: House, reception: Page) -> None:
    """With a group and a number of devices; the page says what the visitor types to log in."""
    reception.get_by_role("link", name="Register a visitor").click()
    reception.get_by_label("First name").fill("Sukarno")
    reception.get_by_label("Devices").fill("many")
    reception.get_by_label("Group").fill("Board")
    save = reception.get_by_role("button", name="Register", exact=True)
    save.click()
    expect(reception.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    expect(reception.locator("#max_devices-fault")).to_contain_text("is no number of devices")
    reception.get_by_label("Devices").fill("2")
    reception.get_by_label("Has no mail address").check()
    save.click()
    done = reception.locator("#register .done")
    expect(done).to_contain_text("No mail is sent. The login is: sukarno")
    with house.store.read() as work:
        (visit,) = get_group(work, "board", house.location.name)
    assert (visit.email, visit.login, visit.mail) == ("", "sukarno", MailState.NONE)
    assert visit.token is not None
    assert visit.token.max_devices == 2
    assert complaints(reception) == []


def test_what_has_to_be_confirmed(house: House, reception: Page) -> None:
    """The same e-mail at the same time, and an arrival far away without a year (R20)."""
    house.visitor(email="twice@example.com", arrival="tomorrow 09:00")
    reception.get_by_role("link", name="Register a visitor").click()
    reception.get_by_label("First name").fill("Twice")
    reception.get_by_label("E-mail").fill("twice@example.com")
    reception.get_by_label("Arrival").fill("tomorrow 09:00")
    save = reception.get_by_role("button", name="Register", exact=True)
    save.click()
    expect(reception.locator("#register")).to_contain_text("twice@example.com at that time already")
    reception.get_by_label("This is another visit").check()
    save.click()
    expect(reception.locator("#register .done")).to_be_visible()
    reception.get_by_role("link", name="Register another visitor").click()
    reception.get_by_label("First name").fill("Far")
    reception.get_by_label("E-mail").fill("far@example.com")
    reception.get_by_label("Arrival").fill("1 Aug 09:00")
    save.click()
    expect(reception.locator("#register")).to_contain_text("You gave no year. Do you mean")
    reception.get_by_label("Yes, on that day").check()
    save.click()
    expect(reception.locator("#register .done")).to_contain_text("Registered Far")


def test_counting_heads_without_a_network(house: House, reception: Page) -> None:
    """The list, its age and its ticks stay; who leaves meanwhile is not dropped from it."""
    safe, leaves = (house.visitor(first_name=name, last_name="Head") for name in ("Safe", "Leaves"))
    for visit in (safe, leaves):
        house.came(visit.pin, timedelta(minutes=9))
    reception.get_by_role("link", name="Evacuation list").click()
    roll = reception.locator("#roll li")
    box = roll.filter(has_text="Safe Head").get_by_role("checkbox")
    box.check()
    expect(reception.locator("#counted")).to_contain_text("1 of ")
    expect(roll.filter(has_text="Leaves Head")).to_be_visible()
    with house.store.write() as work:
        tap_visit(work, leaves.id)
    expect(roll.filter(has_text="Leaves Head")).to_contain_text("has left since")
    reception.context.set_offline(True)
    expect(reception.locator("#age")).to_contain_text("No connection. What you see is from")
    expect(box).to_be_checked()
    roll.filter(has_text="Leaves Head").get_by_role("checkbox").check()
    expect(reception.locator("#counted")).to_contain_text("2 of ")
    kept = reception.evaluate("JSON.stringify(localStorage)")
    assert "Head" not in kept
    reception.get_by_role("link", name="People").click()
    reception.get_by_role("button", name="Check out Safe Head").click()
    expect(notice(reception)).to_contain_text("Nothing was changed")
    reception.context.set_offline(False)
    expect(reception.locator("#age")).to_have_text("Up to date")

    reception.goto(f"{house.server.origin}/desk/evacuation")
    expect(box).to_be_checked()
    reception.emulate_media(media="print")
    expect(reception.locator("#roll")).to_be_visible()
    expect(reception.locator("header")).to_be_hidden()
    assert complaints(reception) == []
    reception.emulate_media(media="screen")
    reception.get_by_role("button", name="Log out").click()
    expect(reception.locator("#login")).to_be_visible()
    assert reception.evaluate("localStorage.length") == 0


def test_a_desk_that_is_turned_away(house: House, reception: Page) -> None:
    """Within seconds nobody's name is on the page, and no tick in the browser."""
    house.came(house.visitor(last_name="Secret").pin, timedelta(minutes=1))
    reception.reload()
    reception.get_by_role("link", name="Evacuation list").click()
    reception.locator("#roll li").filter(has_text="Secret").get_by_role("checkbox").check()
    with house.store.write() as work:
        for each in list_desks(work):
            revoke_desk(work, each)
    expect(reception.locator("#login")).to_be_visible()
    assert "Secret" not in reception.content()
    assert reception.evaluate("localStorage.length") == 0


def test_without_a_script(house: House, chromium: Browser) -> None:
    """Slower, and all of it: lists, taps, search, registering, the list on paper."""
    house.visitor(last_name="Plain")
    house.visitor(first_name="Some", last_name="Body")
    with desk(house, chromium, java_script_enabled=False) as page:
        page.get_by_label("Search for").fill("PLAIN")
        page.get_by_role("button", name="Search").click()
        assert card(page, "Some Body", "expected").count() == 0
        page.get_by_role("button", name="Check in Ada Plain").click()
        assert "Ada Plain is checked in." in notice(page).inner_text()
        page.get_by_role("link", name="Evacuation list").click()
        assert page.locator("#roll").get_by_text("Ada Plain").is_visible()
        page.get_by_role("link", name="Register a visitor").click()
        page.get_by_label("Last name").fill("Typed")
        page.get_by_role("button", name="Register", exact=True).click()
        assert page.get_by_label("Last name").input_value() == "Typed"
        page.get_by_label("E-mail").fill("typed@example.com")
        page.get_by_role("button", name="Register", exact=True).click()
        assert page.get_by_text("Registered Typed at Harbour House.").is_visible()
        page.reload()  # the browser sends the form once more
        with house.store.read() as work:
            assert len(find_visits_by_email(work, house.location, "typed@example.com")) == 1


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": {"width": 320, "height": 568}},
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
        {"color_scheme": "dark"},
        {"reduced_motion": "reduce"},
    ],
    ids=["320 pixels", "200 %", "dark", "reduced motion"],
)
def test_everybody_can_use_each_page(
    house: House, chromium: Browser, context: dict[str, Any]
) -> None:
    """axe-core finds nothing, and nothing stands out, whatever a name or a note is like."""
    long = house.visitor(first_name="Wolfeschlegelsteinhausenbergerdorff", notes="n" * 200)
    house.visitor(last_name="Waits")
    house.came(long.pin, timedelta(minutes=1))
    with desk(house, chromium, **context) as page:
        judged = [(complaints(page), overflow(page))]
        page.get_by_role("button", name="Check in Ada Waits").first.click()
        notice(page).locator(".notice").wait_for()
        judged.append((complaints(page), overflow(page)))
        page.get_by_role("link", name="Evacuation list").click()
        page.locator("#roll input").first.check()
        judged.append((complaints(page), overflow(page)))
        page.get_by_role("link", name="Register a visitor").click()
        page.get_by_role("button", name="Register", exact=True).click()
        page.locator("[aria-invalid]").first.wait_for()
        judged.append((complaints(page), overflow(page)))
        assert judged == [([], 0)] * 4
