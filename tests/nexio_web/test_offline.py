"""The server is away and comes back: what the tablet says, keeps and delivers; a real browser."""

from __future__ import annotations

import json
import os
import signal
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from sqlalchemy import select

from nexio.checkin.check_ins import tap_visit
from nexio.checkin.offline_taps import list_offline_taps
from nexio.checkin.tablets import list_tablets, revoke_tablet
from nexio.checkin.taps import Direction, list_taps
from nexio.clock import utc_now
from nexio.store.tables import OfflineTapRow
from tests.support.radius.radiusd import wait_until
from tests.support.reception import reissue
from tests.support.web.axe import complaints, overflow
from tests.support.web.house import press, said, scan
from tests.support.web.webd import webd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from tests.support.web.house import House

NOTED = "Noted. Reception will confirm."
ALL_KEPT = """async () => {
  const open = indexedDB.open("nexio");
  await new Promise((resolve) => { open.onsuccess = resolve; });
  const all = {};
  for (const name of open.result.objectStoreNames) {
    const request = open.result.transaction(name).objectStore(name).getAll();
    await new Promise((resolve) => { request.onsuccess = resolve; });
    all[name] = request.result;
  }
  open.result.close();
  return all;
}"""


@contextmanager
def away(page: Page) -> Iterator[None]:
    """The page cannot reach the server for as long as the context lasts."""
    wait_until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    wait_until(lambda: page.evaluate(ALL_KEPT)["facts"] != [])
    page.context.set_offline(True)
    expect(page.locator("#away")).to_be_visible()
    yield
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden()


def note(page: Page, code: str) -> None:
    """Hold a code up while the server is away."""
    scan(page, code)
    expect(page.locator("#title")).to_have_text("Noted.")
    page.get_by_role("button", name="Done").click()


def kept(page: Page) -> list[dict[str, object]]:
    """The taps that wait on the tablet."""
    found: list[dict[str, object]] = page.evaluate(ALL_KEPT)["taps"]
    return found


def delivered(page: Page) -> None:
    """Wait until nothing waits any more."""
    wait_until(lambda: kept(page) == [])


def shown(house: House) -> list[tuple[int | None, str]]:
    """What reception is shown: the visit and why."""
    with house.store.read() as work:
        return [(tap.visit, tap.why) for tap in list_offline_taps(work)]


def came(house: House) -> list[int]:
    """The visits that are in, in the order of their times."""
    with house.store.read() as work:
        taps = list_taps(work, house.location, open_only=True)
    return [tap.id for tap in taps if tap.kind == "visitor"]


def test_twenty_taps_each_once_in_order_at_their_own_times(house: House, tablet: Page) -> None:
    """Kept through a reload, encrypted; a PIN is not kept."""
    visits = [house.visitor() for _ in range(20)]
    times = []
    with away(tablet):
        for number, visit in enumerate(visits):
            before = utc_now()
            scan(tablet, house.qr(visit))
            assert said(tablet) == NOTED
            times.append((before, utc_now()))
            tablet.get_by_role("button", name="Done").click()
            if number == 9:
                tablet.reload()
                expect(tablet.locator("#start")).to_be_visible()
        press(tablet, "123456")
        assert "Please hold your QR code to the camera, or ask at reception." in said(tablet)
        content = json.dumps(tablet.evaluate(ALL_KEPT))
        assert len(kept(tablet)) == 20
        assert "NEXIO" not in content.upper().replace('"NEXIO"', "")
        assert "123456" not in content
    delivered(tablet)
    with house.store.read() as work:
        taps = list_taps(work, house.location, open_only=True)
        mine = [tap for tap in taps if tap.id in {visit.id for visit in visits}]
    assert [tap.id for tap in mine] == [visit.id for visit in visits]
    slack = timedelta(seconds=1)
    for tap, (before, after) in zip(mine, times, strict=True):
        assert before - slack <= tap.at <= after + slack
    assert shown(house) == []


def test_a_lost_answer(house: House, tablet: Page) -> None:
    """The server has applied the tap, and the tablet does not hear it: nothing is done twice."""
    visit = house.visitor()
    with away(tablet):
        note(tablet, house.qr(visit))
        lost = []

        def lose(route: Route) -> None:
            route.fetch()
            lost.append(route)
            route.abort()
            tablet.unroute("**/kiosk/deliver")

        tablet.route("**/kiosk/deliver", lose)
    delivered(tablet)
    assert lost
    assert visit.id in came(house)
    assert shown(house) == []


def test_an_answer_to_a_tap_that_is_lost(house: House, tablet: Page) -> None:
    """What was applied at once, and noted as nobody heard of it, is not applied once more."""
    visit = house.visitor()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    wait_until(lambda: tablet.evaluate(ALL_KEPT)["facts"] != [])
    tablet.route("**/kiosk/tap", lose)
    scan(tablet, house.qr(visit))
    assert said(tablet) == NOTED
    delivered(tablet)
    assert visit.id in came(house)
    assert shown(house) == []


def test_what_the_desk_has_overtaken(house: House, tablet: Page) -> None:
    """By hand later than the tap, or another mail: shown, and not applied."""
    by_hand, renewed, both = house.visitor(), house.visitor(), house.visitor()
    with away(tablet):
        for visit in (by_hand, renewed, both):
            note(tablet, house.qr(visit))
        with house.store.write() as work:
            tap_visit(work, by_hand.id)
        with house.store.write() as work:
            tap_visit(work, both.id)
        with house.store.write() as work:
            tap_visit(work, both.id, way=Direction.OUT)
        reissue(house.store, renewed)
    delivered(tablet)
    found = dict(shown(house))
    assert found == {visit.id: "desk" for visit in (by_hand, renewed, both)}
    assert by_hand.id in came(house)
    assert both.id not in came(house)
    forget(house)


def test_a_tablet_that_was_turned_away_meanwhile(house: House, tablet: Page) -> None:
    """Its taps are not taken; paired anew, it shows them to reception."""
    visit = house.visitor()
    with away(tablet):
        note(tablet, house.qr(visit))
        with house.store.write() as work:
            for each in list_tablets(work):
                revoke_tablet(work, each.name)
        tablet.context.set_offline(False)
        expect(tablet.locator("#pairing")).to_be_visible()
        assert len(kept(tablet)) == 1
        assert tablet.evaluate("async () => await caches.match('/kiosk') === undefined")
        value = house.pair()
        cookie = {"name": "nexio-tablet", "value": value, "url": house.server.origin}
        tablet.context.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Strict"}])  # type: ignore[typeddict-item]
        tablet.reload()
    delivered(tablet)
    assert visit.id not in came(house)
    assert (visit.id, "tablet") in shown(house)
    forget(house)


def test_everybody_can_read_it(house: House, tablet: Page) -> None:
    """axe-core finds nothing while the server is away, and nothing stands out at 320 pixels."""
    tablet.set_viewport_size({"width": 320, "height": 568})
    with away(tablet):
        judged = [(complaints(tablet), overflow(tablet))]
        expect(tablet.locator("#away")).to_be_in_viewport(ratio=1)
        scan(tablet, house.qr(house.visitor()))
        assert said(tablet) == NOTED
        judged.append((complaints(tablet), overflow(tablet)))
    assert judged == [([], 0)] * 2


def test_the_server_is_killed_in_the_middle_of_the_delivery(
    house: House, chromium: Browser
) -> None:
    """Once it runs again, the rest is delivered, and nothing a second time."""
    visits = [house.visitor() for _ in range(6)]
    with ExitStack() as first:
        server = first.enter_context(webd(house.configuration))
        other = replace(house, server=server)
        with other.tablet(chromium) as tablet:
            with away(tablet):
                for visit in visits:
                    note(tablet, house.qr(visit))
                asked = []

                def kill_at_the_third(route: Route) -> None:
                    asked.append(route)
                    if len(asked) != 3:
                        route.continue_()
                        return
                    route.fetch()  # it has applied it, and dies before the tablet hears of it
                    workers = server.workers()
                    server.process.kill()
                    for worker in workers:
                        os.kill(worker, signal.SIGKILL)
                    server.process.wait()
                    route.abort()

                tablet.route("**/kiosk/deliver", kill_at_the_third)
                tablet.context.set_offline(False)
                wait_until(lambda: server.process.poll() is not None or _pause(tablet))
                assert len(kept(tablet)) == 4
                first.enter_context(webd(house.configuration, port=server.port))
            delivered(tablet)
    mine = {visit.id for visit in visits}
    assert [each for each in came(house) if each in mine] == [visit.id for visit in visits]
    assert shown(house) == []


def _pause(page: Page) -> bool:
    """Let the routes of the page run; they do while Playwright is waited for."""
    page.wait_for_timeout(50)
    return False


def forget(house: House) -> None:
    """Let the next test begin with nothing to look at."""
    with house.store.write() as work:
        for row in work.session.scalars(select(OfflineTapRow)):
            row.settled_at = work.now
