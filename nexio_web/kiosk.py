"""The pages of the tablet at the door."""

from __future__ import annotations

from importlib.resources import files
from math import ceil
from typing import TYPE_CHECKING, Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.routing import Route

from nexio.checkin.offline_taps import Delivery, instant_of, parse_id, public_key
from nexio.checkin.taps import Direction
from nexio.errors import InvalidValue
from nexio.languages import LANGUAGES
from nexio_web import tablets
from nexio_web.door import TapRequest
from nexio_web.forms import read_form
from nexio_web.headers import WITH_WORKER
from nexio_web.pages import language_of, page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from nexio.checkin.tablets import Tablet
    from nexio.languages import Language
    from nexio_web.door import Door
    from nexio_web.postman import Postman

Read = TypeVar("Read")

MOST_FIELDS: Final = 7

_WAYS: Final = {"in": Direction.IN, "out": Direction.OUT}

KEEP: Final = "Nexio-Keep"
"""Marks a page that is the same for everybody: the service worker caches it for offline use."""

WORKER: Final = str(files("nexio_web") / "static" / "worker.js")


def show(request: Request) -> Response:
    """Show the tablet's page: the pairing code, or the check-in screen if it is paired."""
    tablet = tablets.known(request)
    response: Response
    if tablet is not None:
        response = page("kiosk.html", _home(tablet), location=tablet.location.name)
        response.headers.update(WITH_WORKER)
        response.headers[KEEP] = "1"
        tablets.renew_credential(request, response)
        return response
    if request.app.state.pair_with is not None:
        response = RedirectResponse("/kiosk", 303)
        tablets.pair_by_itself(request, response, request.app.state.pair_with)
        return response
    secret, code = tablets.show_code(request)
    response = page("pairing.html", language_of(request), code=code)
    tablets.set_cookie(request, response, tablets.WAITING, secret)
    return response


def state(request: Request) -> Response:
    """Answer the page's poll every few seconds: is it paired, and which code does it show?"""
    tablet = tablets.known(request)
    if tablet is not None:
        with tablets.store_of(request).read() as work:
            now, key = work.now.timestamp() * 1000, public_key(work)
        return JSONResponse({"paired": True, "tablet": tablet.id, "now": now, "key": key})
    response = JSONResponse({"paired": True})
    if tablets.pair(request, response):
        return response
    _, code = tablets.show_code(request)
    return JSONResponse({"paired": False, "code": code})


async def tap(request: Request) -> Response:
    """Handle what somebody typed or scanned."""
    given = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_tap, request, given)


async def deliver(request: Request) -> Response:
    """Accept a code that the tablet read while we were unreachable."""
    given = await read_form(request, MOST_FIELDS)
    delivery = Delivery(
        id=_read(parse_id, given.get("id", "")),
        letter=given.get("letter", ""),
        sent_at=_read(lambda text: instant_of(_number(text)), given.get("sent", "")),
    )
    return await run_in_threadpool(_deliver, request, delivery)


def worker(_: Request) -> Response:
    """Serve the service worker; from this path it may cache pages of the whole host."""
    return FileResponse(WORKER, media_type="text/javascript")


async def undo(request: Request) -> Response:
    """Take back the last tap."""
    given = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_undo, request, given)


ROUTES: Final = [
    Route("/", lambda _: RedirectResponse("/kiosk", 303)),
    Route("/kiosk", show),
    Route("/kiosk/state", state, methods=["POST"]),
    Route("/kiosk/tap", tap, methods=["POST"]),
    Route("/kiosk/deliver", deliver, methods=["POST"]),
    Route("/kiosk-worker.js", worker),
    Route("/kiosk/undo", undo, methods=["POST"]),
]


def _tap(request: Request, given: Mapping[str, str]) -> Response:
    door: Door = request.app.state.door
    postman: Postman = request.app.state.postman
    tablet = _paired(request)
    tap_request = TapRequest(
        code=given.get("code", ""),
        email=given.get("email") or None,
        way=_WAYS.get(given.get("way", "")),
        language=_chosen(given, tablet),
        after_silence=bool(given.get("after_silence")),
        by_camera=bool(given.get("scanned")),
        id=_read(parse_id, given["id"]) if given.get("id") else "",
    )
    screen, has_mail = door.use(tablet, tap_request)
    if has_mail:
        postman.wake()
    return JSONResponse(screen.as_json())


def _deliver(request: Request, delivery: Delivery) -> Response:
    door: Door = request.app.state.door
    postman: Postman = request.app.state.postman
    wait, has_mail = door.deliver(_paired(request), delivery)
    if has_mail:
        postman.wake()
    if wait:
        raise HTTPException(429, headers={"Retry-After": str(ceil(wait))})
    return JSONResponse({"taken": True})


def _read(read: Callable[[str], Read], text: str) -> Read:
    try:
        return read(text)
    except InvalidValue:
        raise HTTPException(400) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidValue("this is not a number") from None


def _undo(request: Request, given: Mapping[str, str]) -> Response:
    door: Door = request.app.state.door
    tablet = _paired(request)
    screen = door.undo(tablet, given.get("undo", ""), _chosen(given, tablet))
    return JSONResponse(screen.as_json())


def _home(tablet: Tablet) -> Language:
    """The language of a tablet until somebody chooses another one."""
    return LANGUAGES[tablet.location.settings.language]


def _chosen(given: Mapping[str, str], tablet: Tablet) -> Language:
    return LANGUAGES.get(given.get("language", "")) or _home(tablet)


def _paired(request: Request) -> Tablet:
    tablet = tablets.known(request)
    if tablet is None:
        raise HTTPException(401)
    return tablet
