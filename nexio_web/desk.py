"""The pages of reception: who is expected, in or gone; registration; the evacuation list.

Each page works without a script.  With one, the browser updates parts of the same pages.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from nexio.checkin.check_ins import tap_member, tap_visit, undo_tap
from nexio.checkin.days import day_of
from nexio.checkin.desks import is_open
from nexio.checkin.taps import Direction
from nexio.errors import InvalidValue, NexioError, NotFound, Refused, Rule, Unreachable
from nexio.input.arrivals import parse_expected
from nexio.input.names import search_key
from nexio.languages import LANGUAGES, mark
from nexio.locations.locations import get_location, zone_for_entry
from nexio.reception.members import find_member
from nexio.reception.registration import Repetition, register
from nexio.reception.registration_texts import Allowed, find_faults, read_registration
from nexio.reception.visits import VisitState, find_visit
from nexio.store.tables import parse_number
from nexio_web import desk_words as words
from nexio_web import desks
from nexio_web.forms import read_form
from nexio_web.pages import language_of, page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.requests import Request

    from nexio.checkin.desks import Desk
    from nexio.languages import Language
    from nexio.reception.members import Member
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store, Writing
    from nexio_web.desk_words import Notice, Registered
    from nexio_web.postman import Postman

Found = TypeVar("Found", "Visit", "Member")

MOST_FIELDS: Final = 20

FIELDS: Final = (
    ("first_name", "last_name", "email", "expected_arrival"),
    ("host", "company", "phone", "notes", "duration", "max_devices", "group"),
)
"""The fields of the form: those that most visits need, and the rest."""

_NAMES: Final = frozenset(name for group in FIELDS for name in group)
_WITH_DEFAULTS: Final = frozenset({"expected_arrival", "duration", "max_devices"})
_TICKS: Final = ("no_email", "walk_in", "check_in_now")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The registration form: what was typed, and what is wrong with it."""

    nonce: str
    """Makes the same form, sent twice, register once."""

    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None
    ask_far: bool = False
    ask_again: bool = False
    registered: Registered | None = None


def show(request: Request) -> Response:
    """Show one of the three views, each with its own path."""
    desk = desks.known(request)
    if desk is None:
        return page("desk_login.html", language_of(request), problem="", done="")
    view = request.url.path.removeprefix("/desk").strip("/") or "people"
    return _page(request, desk, view)


def people(request: Request) -> Response:
    """Return only the lists, if they differ from what the page has already."""
    desk = desks.known(request)
    if desk is None:
        return _login(request)
    response = page("desk_live.html", language_at(desk), **_lists(request, desk))
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304)
    response.headers["ETag"] = tag
    return response


async def open_(request: Request) -> Response:
    """Log this browser in with a printed link."""
    form = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_open, request, form.get("link", ""))


async def leave(request: Request) -> Response:
    """Log this browser out."""
    await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_leave, request)


async def tap(request: Request) -> Response:
    """Check somebody in or out."""
    given = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_act, request, given, _tap)


async def undo(request: Request) -> Response:
    """Take back a check-in or a check-out."""
    given = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_act, request, given, _undo)


async def enrol(request: Request) -> Response:
    """Register a visitor."""
    given = await read_form(request, MOST_FIELDS)
    return await run_in_threadpool(_enrol, request, given)


ROUTES: Final = [
    *(Route(path, show) for path in ("/desk", "/desk/register", "/desk/evacuation")),
    Route("/desk/people", people),
    Route("/desk/open", open_, methods=["POST"]),
    Route("/desk/leave", leave, methods=["POST"]),
    Route("/desk/tap", tap, methods=["POST"]),
    Route("/desk/undo", undo, methods=["POST"]),
    Route("/desk/register", enrol, methods=["POST"]),
]


def language_at(desk: Desk) -> Language:
    """The language of the desk's location."""
    return LANGUAGES[desk.location.settings.language]


def _login(request: Request, problem: str = "", *, done: str = "") -> Response:
    language = language_of(request)
    texts = {"problem": language.say(problem) if problem else ""}
    texts["done"] = language.say(done) if done else ""
    response = page("desk_login.html", language, **texts)
    response.status_code = 200 if done else 401
    return response


def _open(request: Request, link: str) -> Response:
    response = RedirectResponse("/desk", 303)
    secret = link.strip().rpartition("#")[2]
    return (
        response if desks.log_in(request, response, secret) else _login(request, words.LINK_IS_OVER)
    )


def _leave(request: Request) -> Response:
    response = _login(request, done=words.LOGGED_OUT)
    desks.log_out(request, response)
    return response


def _page(
    request: Request,
    desk: Desk,
    view: str,
    *,
    notice: Notice | None = None,
    form: Form | None = None,
) -> Response:
    return page(
        "desk.html",
        language_at(desk),
        desk=desk,
        view=view,
        notice=notice,
        form=form or Form(nonce=secrets.token_urlsafe(12)),
        fields_of=FIELDS,
        **_lists(request, desk),
    )


def _lists(request: Request, desk: Desk) -> dict[str, Any]:
    wanted = search_key(request.query_params.get("search", "").strip())
    with desks.store_of(request).read() as work:
        day, now = day_of(work, desk.location), work.now
    cards = {
        name: [
            words.card(language_at(desk), each, desk.location, now) for each in getattr(day, name)
        ]
        for name in ("expected", "inside", "left", "never_out")
    }
    shown = {
        name: [each for each in found if wanted in each.search] for name, found in cards.items()
    }
    at = f"{now.astimezone(desk.location.zone):%H:%M}"
    search = request.query_params.get("search", "")
    return {"location": desk.location, "shown": shown, "all_inside": cards["inside"]} | {
        "never_out": cards["never_out"],
        "at": at,
        "search": search,
    }


def _act(
    request: Request,
    given: Mapping[str, str],
    act: Callable[[Store, Desk, Mapping[str, str]], Notice],
) -> Response:
    desk = desks.known(request)
    if desk is None:
        return _login(request)
    notice = act(desks.store_of(request), desk, given)
    postman: Postman = request.app.state.postman
    postman.wake()
    return _page(request, desk, "people", notice=notice)


def _tap(store: Store, desk: Desk, given: Mapping[str, str]) -> Notice:
    number, name = parse_number(given.get("number", "")) or 0, ""
    try:
        with _writing(store, desk) as work:
            if given.get("kind") == "member":
                member = _here(desk, find_member(work, number))
                tap = tap_member(work, member.id, _way(given))
            else:
                visit = _here(desk, find_visit(work, number))
                name = visit.name
                is_override = bool(given.get("override"))
                way = None if is_override else _way(given)
                tap = tap_visit(work, visit.id, way=way, override=is_override)
            return words.tapped(language_at(desk), work, tap)
    except Refused as error:
        may = number if error.rule in words.OVERRIDABLE else None
        return words.refused(language_at(desk), error, name, may)
    except (NotFound, InvalidValue) as error:
        return words.refused(language_at(desk), error)


def _undo(store: Store, desk: Desk, given: Mapping[str, str]) -> Notice:
    try:
        with _writing(store, desk) as work:
            stay = parse_number(given.get("stay", "")) or 0
            tap = undo_tap(work, desk.location, stay, _way(given))
            return words.taken_back(language_at(desk), work, tap)
    except (Refused, NotFound, InvalidValue) as error:
        return words.refused(language_at(desk), error)


def _here(desk: Desk, found: Found | None) -> Found:
    """Return the visit or member, if it is at the desk's location."""
    if found is None or found.location.id != desk.location.id:
        raise NotFound(words.GONE)
    return found


def _way(given: Mapping[str, str]) -> Direction:
    ways = {each.value: each for each in Direction}
    if given.get("way") not in ways:
        raise InvalidValue(mark("in or out?"))
    return ways[given["way"]]


def _enrol(request: Request, given: Mapping[str, str]) -> Response:
    desk = desks.known(request)
    if desk is None:
        return _login(request)
    form = _register(desks.store_of(request), desk, given)
    if form.registered is not None:
        request.app.state.postman.wake()
    response = _page(request, desk, "register", form=form)
    response.status_code = 200 if form.registered is not None else 422
    return response


def _register(store: Store, desk: Desk, given: Mapping[str, str]) -> Form:
    typed = {name: text for name, text in given.items() if name in {*_NAMES, *_TICKS}}
    form = Form(nonce=given.get("nonce", "")[:32] or secrets.token_urlsafe(12), typed=typed)
    texts: dict[str, str | None] = {name: typed.get(name, "") for name in _NAMES}
    texts |= {name: None for name in _WITH_DEFAULTS if not (texts[name] or "").strip()}
    allowed = Allowed(no_email="no_email" in typed)
    try:
        with _writing(store, desk) as work:
            location = get_location(work, desk.location.name)
            faults = find_faults(texts, work.now, location, allowed)
            if faults:
                messages = {
                    name: words.fault(language_at(desk), error) for name, error in faults.items()
                }
                return replace(form, faults=messages)
            arrival = texts["expected_arrival"]
            expected = parse_expected(arrival or "now", work.now, zone_for_entry(location))
            if expected.is_far and not given.get("far"):
                asked = words.do_you_mean(language_at(desk), expected.arrival, location)
                return replace(form, faults={"expected_arrival": asked}, ask_far=True)
            texts["source"] = "walk-in" if "walk_in" in typed else None
            known = Repetition(
                again=bool(given.get("again")), key=_key(form), words=_typed_json(form)
            )
            registration = read_registration(texts, work.now, location, allowed=allowed)
            visit = register(work, location, registration, known)
            if "check_in_now" in typed and visit.state is VisitState.EXPECTED:
                tap_visit(work, visit.id)
            return replace(form, registered=words.registered(language_at(desk), visit), typed={})
    except InvalidValue as error:  # each field is valid, but not together with the others
        return replace(form, faults={"expected_arrival": words.fault(language_at(desk), error)})
    except Unreachable:
        raise
    except NexioError as error:
        again = isinstance(error, Refused) and error.rule is Rule.TWICE
        return replace(form, notice=words.refused(language_at(desk), error), ask_again=again)


def _typed_json(form: Form) -> str:
    return json.dumps(dict(form.typed), sort_keys=True)


def _key(form: Form) -> str:
    """The key of a registration: changed text in the same form, after Back, is a new one."""
    return f"{form.nonce}-{hashlib.sha256(_typed_json(form).encode()).hexdigest()[:32]}"


@contextmanager
def _writing(store: Store, desk: Desk) -> Iterator[Writing]:
    """A transaction whose audit names the desk."""
    with store.write() as work:
        if not is_open(work, desk):  # revoked a moment ago
            raise HTTPException(401)
        yield replace(work, operator=f"desk {desk.name}")
