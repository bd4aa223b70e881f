"""A browser at reception."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nexio.checkin.desks import issue_link, open_link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.web.house import House


def link_of(house: House) -> str:
    """What ``nexio desk link`` prints."""
    with house.store.write() as work:
        _, secret = issue_link(work, house.location)
    return f"{house.server.origin}/desk#{secret}"


def credential_of(house: House) -> str:
    """What a browser holds that is logged in."""
    with house.store.write() as work:
        _, secret = issue_link(work, house.location)
        credential = open_link(work, secret, "127.0.0.1")
    assert credential is not None
    return credential


@contextmanager
def desk(house: House, chromium: Browser, path: str = "/desk", **context: Any) -> Iterator[Page]:
    """A browser that is logged in, with one of the pages open."""
    browsing = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
    cookie = {"name": "nexio-desk", "value": credential_of(house), "url": house.server.origin}
    browsing.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Strict"}])  # type: ignore[typeddict-item]  # built in two steps
    page = browsing.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(f"{house.server.origin}{path}")
    try:
        yield page
    finally:
        browsing.close()
    assert [each for each in wrong if "Failed to load resource" not in each] == []
