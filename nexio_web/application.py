"""The ASGI application: its routes, its error answers, and the middleware around it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from nexio.errors import Unreachable
from nexio.languages import mark
from nexio.mail.delivery import outgoing_of
from nexio.service_manager import READY, WATCHDOG, notify, watchdog_seconds
from nexio.store.engine import Store
from nexio.store.patience import Patience
from nexio_web import desk, desk_words, kiosk, phone
from nexio_web.door import Door
from nexio_web.headers import SecurityHeaders
from nexio_web.limits import Limits
from nexio_web.pages import language_of
from nexio_web.postman import Postman
from nexio_web.proxies import Proxies
from nexio_web.same_origin import SameOrigin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from nexio.configuration import Configuration
    from nexio_web.options import Options

log = logging.getLogger("nexio-webd")

AWAY: Final = mark("The system cannot be reached at the moment. Please ask at reception.")
FAULT: Final = mark("Something went wrong here. Please ask at reception.")


def application(options: Options, configuration: Configuration) -> ASGIApp:
    """Make the application that granian serves; it has its own store while it runs.

    Raises:
        InvalidValue: the mail server's address cannot be parsed.
        Unreachable: the store or the key is not available.
    """
    outgoing = outgoing_of(configuration)
    store = Store.open(configuration, patience=Patience.of_a_server())
    app = pages(store, Postman(store, outgoing), options.pair_with)
    return wrapped(app, options)


def pages(store: Store, postman: Postman, pair_with: str | None = None) -> Starlette:
    """Make the pages of a store; the store is closed when the application ends.

    Args:
        store: the store that they show.
        postman: sends the mail that they queue.
        pair_with: the location that each browser is paired with; None requires a code.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        postman.start()
        notify(READY)
        watchdog = asyncio.create_task(_feed_watchdog())
        with closing(store):
            yield
            watchdog.cancel()
            await run_in_threadpool(postman.end)

    app = Starlette(
        routes=[
            Route("/healthz", _health),
            *kiosk.ROUTES,
            *desk.ROUTES,
            *phone.ROUTES,
            Mount("/static", StaticFiles(packages=[("nexio_web", "static")])),
        ],
        exception_handlers={
            HTTPException: _refuse,
            Unreachable: _answer_away,
            SQLAlchemyError: _answer_away,
            Exception: _answer_fault,
        },
        lifespan=lifespan,
    )
    app.state.store, app.state.door, app.state.postman = store, Door(store), postman
    app.state.pair_with = pair_with
    return app


async def _feed_watchdog() -> None:
    """Notify systemd that requests are answered, if its watchdog waits for that."""
    every = watchdog_seconds()
    while every is not None:
        notify(WATCHDOG)
        await asyncio.sleep(every)


def wrapped(app: ASGIApp, options: Options) -> ASGIApp:
    """Wrap an application in the middleware."""
    return Proxies(SecurityHeaders(SameOrigin(Limits(app))), options.proxies)


def _health(request: Request) -> Response:
    """Answer a health check: the store can be read."""
    store: Store = request.app.state.store
    with store.read() as work:
        work.session.execute(text("SELECT 1"))
    return PlainTextResponse("ok\n")


def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it above)
    words = HTTPStatus(error.status_code).phrase
    return PlainTextResponse(f"{words}\n", error.status_code, error.headers)


def _answer_away(request: Request, error: Exception) -> Response:
    log.error("the store cannot be used: %s", _line(error))
    words = desk_words.AWAY if _is_reception(request) else AWAY
    message = language_of(request).say(words)
    return PlainTextResponse(f"{message}\n", HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_fault(request: Request, _: Exception) -> Response:
    words = desk_words.FAULT if _is_reception(request) else FAULT
    message = language_of(request).say(words)
    return PlainTextResponse(f"{message}\n", HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_reception(request: Request) -> bool:
    """Whether it is a page of reception: its users are not told to ask at reception."""
    return request.url.path.startswith("/desk")


def _line(error: Exception) -> str:
    """The first line of the message: SQLAlchemy adds the statement in further lines."""
    return str(error).partition("\n")[0]
