"""The pass of a member: a page on the phone, which is the same for everybody.

The page requests the member's data, with a cookie that scripts cannot read, and stores it on the
phone; so it also opens, and goes on making codes, without a network.
"""

from __future__ import annotations

import base64
import secrets
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nexio.checkin.taps import last_tap
from nexio.reception.passes import find_pass, is_link, open_pass
from nexio.store.tables import parse_number
from nexio_web import cookies, tablets, words
from nexio_web.forms import read_form
from nexio_web.headers import WITH_WORKER
from nexio_web.pages import language_of, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from nexio.languages import Language
    from nexio.reception.passes import Pass
    from nexio.store.engine import Reading

MOST_FIELDS: Final = 3

BROWSER: Final = "nexio-pass"
"""The cookie that identifies a browser."""

WORKER: Final = files("nexio_web").joinpath("static", "pass-worker.js")


def show(request: Request) -> Response:
    """Show the page; opening it writes nothing into the store."""
    response = page("pass.html", language_of(request))
    response.headers.update(WITH_WORKER)
    response.headers["Referrer-Policy"] = "no-referrer"
    browser = cookies.read(request, BROWSER) or secrets.token_urlsafe(32)
    # The link is opened from a mail: with "strict", the browser would seem to be a new one.
    tablets.set_cookie(request, response, BROWSER, browser, same_site="lax")
    return response


def worker(_: Request) -> Response:
    """Serve the service worker, which opens the page offline; it must be under the page's path."""
    return Response(WORKER.read_bytes(), media_type="text/javascript")


async def mine(request: Request) -> Response:
    """Answer the page's poll every few seconds, and its first request with the link."""
    given = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_mine, request, given)


ROUTES: Final = [
    Route("/pass", show),
    Route("/pass/worker.js", worker),
    Route("/pass/{number}", show),
    Route("/pass/{number}/mine", mine, methods=["POST"]),
]


def _mine(request: Request, given: Mapping[str, Any]) -> Response:
    number = parse_number(request.path_params["number"]) or 0
    browser, link = cookies.read(request, BROWSER), given.get("link", "")
    store, language = tablets.store_of(request), language_of(request)
    with store.read() as work:
        found = find_pass(work, number, browser)
        if found is not None:
            return JSONResponse(_as_json(work, language, found, with_key=bool(given.get("key"))))
        if not browser or not is_link(work, number, link):
            return JSONResponse(words.no_pass_here(language).as_json())
    with store.write() as writing:
        found = open_pass(writing, number, link, browser)
        if found is None:
            return JSONResponse(words.link_was_used(language).as_json())
        return JSONResponse(_as_json(writing, language, found, with_key=True))


def _as_json(work: Reading, language: Language, found: Pass, *, with_key: bool) -> dict[str, Any]:
    tap = last_tap(work, found.member_id)
    key = base64.b64encode(found.secret).decode() if with_key else None
    return {
        "kind": "pass",
        "now": work.now.timestamp() * 1000,
        "name": found.first_name,
        "location": found.location.name,
        "prefix": found.prefix,
        "subject": found.subject,
        "key": key,
        "status": words.phone_status(language, tap, found.location),
        "direction": None if tap is None else tap.direction.value,
        "tap": None if tap is None else f"{tap.stay} {tap.direction.value}",
    }
