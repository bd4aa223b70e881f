"""The cookies of a tablet: a secret before it is paired, its credential from then on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from nexio.checkin.tablets import (
    answer,
    code_of,
    find_tablet,
    is_offered,
    new_secret,
    note_seen,
    pair_at_once,
    was_seen_recently,
)
from nexio.locations.locations import get_location
from nexio_web import cookies

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from nexio.checkin.tablets import Tablet
    from nexio.store.engine import Store

CREDENTIAL: Final = "nexio-tablet"
WAITING: Final = "nexio-pairing"

COOKIE_LIFETIME: Final = timedelta(days=400)
"""The longest time that browsers keep a cookie; each visit of the page renews it."""


def store_of(request: Request) -> Store:
    """The store of the application."""
    store: Store = request.app.state.store
    return store


def known(request: Request) -> Tablet | None:
    """The tablet of a request; None if it is not paired, or was revoked."""
    credential = cookies.read(request, CREDENTIAL)
    if not credential:
        return None
    store, address = store_of(request), request.client.host if request.client else ""
    with store.read() as work:
        tablet = find_tablet(work, credential)
        if tablet is None or was_seen_recently(tablet, address, work.now):
            return tablet
    with store.write() as writing:
        note_seen(writing, tablet.id, address)
    return tablet


def pair(request: Request, response: Response) -> bool:
    """Exchange the tablet's secret for a credential, if the desk has typed its code."""
    secret = cookies.read(request, WAITING)
    if not secret:
        return False
    store = store_of(request)
    with store.read() as work:
        if not is_offered(work, secret):
            return False
    with store.write() as writing:
        credential = answer(writing, secret)
    if credential is None:
        return False
    set_cookie(request, response, CREDENTIAL, credential)
    cookies.delete(request, response, WAITING)
    return True


def pair_by_itself(request: Request, response: Response, location: str) -> None:
    """Pair the requesting browser with that location, without a code."""
    with store_of(request).write() as work:
        credential = pair_at_once(work, get_location(work, location))
    set_cookie(request, response, CREDENTIAL, credential)


def show_code(request: Request) -> tuple[str, str]:
    """The secret of an unpaired tablet, which is new if it has none, and its code."""
    secret = cookies.read(request, WAITING) or new_secret()
    with store_of(request).read() as work:
        return secret, code_of(work, secret)


def set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Set a cookie; a ``lax`` one is also sent when somebody follows a link to us."""
    cookies.write(request, response, name, value, COOKIE_LIFETIME, same_site=same_site)


def renew_credential(request: Request, response: Response) -> None:
    """Renew the lifetime of the credential's cookie."""
    set_cookie(request, response, CREDENTIAL, cookies.read(request, CREDENTIAL))
