"""A house with a tablet at its door, and the people who come to it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexio.checkin.check_ins import tap_pin
from nexio.checkin.tablets import list_tablets, pair_at_once
from nexio.clock import utc_now
from nexio.reception.members import add_member
from nexio.reception.qr_codes import qr_text
from nexio.store.engine import Store
from radius_auth.guard.tablets import HOLDS, RESERVE, Place, count_wrong
from tests.support import people
from tests.support.stores import configuration_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from nexio.checkin.tablets import Tablet
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.members import Member
    from nexio.reception.visits import Visit
    from tests.support.web.webd import Webd

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A location, its store, and the server in front of it."""

    store: Store
    location: Location
    server: Webd

    @contextmanager
    def tablet(self, chromium: Browser, **context: Any) -> Iterator[Page]:
        """A tablet at the door that is paired, with its page open."""
        credential = self.pair()
        browsing = chromium.new_context(**{"viewport": {"width": 820, "height": 1180}, **context})
        cookie = {"name": "nexio-tablet", "value": credential, "url": self.server.origin}
        browsing.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Strict"}])  # type: ignore[typeddict-item]  # built in two steps
        page = browsing.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(f"{self.server.origin}/kiosk")
        try:
            yield page
        finally:
            browsing.close()
        assert [each for each in wrong if "Failed to load resource" not in each] == []

    def pair(self) -> str:
        """Another tablet's credential."""
        with self.store.write() as work:
            return pair_at_once(work, self.location)

    def tablets(self) -> list[Tablet]:
        """Those that are paired."""
        with self.store.read() as work:
            return list_tablets(work)

    def visitor(self, **said: str) -> Visit:
        """Somebody who is expected now, or as it is said."""
        return people.register(
            self.store,
            self.location,
            **{"email": f"guest{next(_NUMBERS)}@example.com", "first_name": "Ada", **said},
        )

    def member(self, first_name: str = "Bo") -> Member:
        """Somebody who works here."""
        said = {
            "first_name": first_name,
            "last_name": "Peep",
            "email": f"member{next(_NUMBERS)}@example.com",
        }
        with self.store.write() as work:
            return add_member(work, self.location, said, send_pin=False)

    def qr(self, visit: Visit) -> str:
        """What the QR code in a visitor's mail says."""
        with self.store.read() as work:
            return qr_text(work, visit)

    def came(self, pin: str, ago: timedelta) -> None:
        """Check somebody in some time ago."""
        with closing(self.at(utc_now() - ago)) as earlier, earlier.write() as work:
            tap_pin(work, self.location, pin)

    def rename(self, visit: Visit, first_name: str) -> None:
        """Give somebody a name that nobody can be registered by."""
        run_sql(
            self.store,
            "UPDATE visit SET first_name = :name WHERE id = :id",
            name=first_name,
            id=visit.id,
        )

    @contextmanager
    def crowded(self) -> Iterator[None]:
        """Somebody has guessed as much as a PIN alone may, for as long as the context lasts."""
        with self.store.write() as work:
            place = Place(tablet_id=1, location_id=self.location.id)
            count_wrong(work, place, HOLDS - RESERVE)
        yield
        run_sql(self.store, "DELETE FROM guard_act")

    def at(self, time: Any) -> Store:
        """The same store, with another clock."""
        return Store.open(self.configuration, lambda: time)

    @property
    def configuration(self) -> Configuration:
        """Where the store is."""
        return configuration_of(Path(str(self.store.engine.url.database)).parent)


def press(page: Page, pin: str, who: str = "Visitor") -> None:
    """Type a PIN with a finger."""
    page.get_by_role("button", name=who, exact=True).click()
    for digit in pin:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="OK").click()


def scan(page: Page, code: str) -> None:
    """What a scanner types."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def said(page: Page) -> str:
    """What the tablet shows and says aloud, once it has an answer."""
    page.locator("#result").wait_for()
    aloud = page.get_by_role("status").inner_text()
    shown = page.locator("#title").inner_text()
    assert aloud.startswith(shown)
    return aloud


WRONG_ADDRESSES = [
    ("visit.example.com", "not an address of the web"),
    ("https://", "not an address of the web"),
    ("https://me:pw@visit.example.com", "not an address of the web"),
    ("https://visit.example.com:x", "not an address of the web"),
    ("https://visit.example.com/a", "more than"),
    ("http://visit.example.com", "without TLS"),
]
"""Of the pages, and what is said of them."""
