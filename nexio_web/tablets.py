"""What a tablet holds: before it is paired a secret, from then on its credential; in cookies."""

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
    was_seen_lately,
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

KEPT: Final = timedelta(days=400)
"""The longest that browsers keep a cookie; each visit of the page begins it anew."""


def store_of(request: Request) -> Store:
    """The store that the pages are about."""
    store: Store = request.app.state.store
    return store


def known(request: Request) -> Tablet | None:
    """The tablet that asks; None where it is not paired, or was turned away."""
    credential = cookies.kept(request, CREDENTIAL)
    if not credential:
        return None
    store, address = store_of(request), request.client.host if request.client else ""
    with store.read() as work:
        tablet = find_tablet(work, credential)
        if tablet is None or was_seen_lately(tablet, address, work.now):
            return tablet
    with store.write() as writing:
        note_seen(writing, tablet.id, address)
    return tablet


def pair(request: Request, response: Response) -> bool:
    """Take the credential that waits for this tablet, where the desk has typed its code."""
    secret = cookies.kept(request, WAITING)
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
    keep(request, response, CREDENTIAL, credential)
    cookies.drop(request, response, WAITING)
    return True


def pair_by_itself(request: Request, response: Response, location: str) -> None:
    """Make whoever asks a tablet of that location."""
    with store_of(request).write() as work:
        credential = pair_at_once(work, get_location(work, location))
    keep(request, response, CREDENTIAL, credential)


def show_code(request: Request) -> tuple[str, str]:
    """The secret of a tablet that is not paired, an old one or a new one, and its code."""
    secret = cookies.kept(request, WAITING) or new_secret()
    with store_of(request).read() as work:
        return secret, code_of(work, secret)


def keep(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Let the tablet keep something; ``lax`` is sent also by who follows a link to us."""
    cookies.keep(request, response, name, value, KEPT, same_site=same_site)


def keep_credential(request: Request, response: Response) -> None:
    """Begin the time anew for which the tablet keeps its credential."""
    keep(request, response, CREDENTIAL, cookies.kept(request, CREDENTIAL))
