"""The evacuation list of a desk: nobody is lost at midnight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nexio.checkin.desks import issue_link, open_link
from nexio_web.application import pages, wrapped
from nexio_web.options import Options
from nexio_web.postman import Postman
from tests.support.people import add_location, register
from tests.support.reception import at, by_hand
from tests.support.web.asgi import ask

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock


def rows(store: Store, location: Location) -> list[str]:
    """The words of each row."""
    with store.write() as work:
        _, secret = issue_link(work, location)
        credential = open_link(work, secret, "127.0.0.1")
    app = wrapped(pages(store, Postman(store, None)), Options(listen="127.0.0.1", port=8080))
    cookie = {"cookie": f"nexio-desk={credential}"}
    text = ask(app, "/desk/evacuation", headers=cookie).text
    items = re.findall(r'<li id="stay-\d+">(.*?)</li>', text, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", " ", item).split()) for item in items]


def test_who_never_checked_out(
    sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Below those who are in, for a day; with company and phone, and of this location alone."""
    store, house = sqlite_store, sqlite_location
    owl = register(store, house, first_name="Owl", company="Night Ltd", phone="+49 30 1")
    eve = register(store, add_location(store, "Annex"), first_name="Eve")
    for visit in (owl, eve):
        by_hand(store, visit)
    assert rows(store, house) == ["Owl Nguyễn Night Ltd +49 30 1 in since 08:30"]
    clock.now = at("2026-11-21 00:00")
    by_hand(store, register(store, house, first_name="Zoe"))
    assert rows(store, house) == [
        "Zoe Nguyễn in since 00:00",
        "Owl Nguyễn Never checked out Night Ltd +49 30 1 in since 08:30 on Friday 20 November",
    ]
    clock.now = at("2026-11-22 00:00")
    assert rows(store, house) == [
        "Zoe Nguyễn Never checked out in since 00:00 on Saturday 21 November"
    ]
