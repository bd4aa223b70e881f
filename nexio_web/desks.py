"""The login of a reception browser: its credential is in a cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio.checkin.desks import (
    LASTS,
    find_desk,
    is_link,
    note_seen,
    open_link,
    revoke_desk,
    was_seen_recently,
)
from nexio_web import cookies

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from nexio.checkin.desks import Desk
    from nexio.store.engine import Store

CREDENTIAL: Final = "nexio-desk"


def store_of(request: Request) -> Store:
    """The store of the application."""
    store: Store = request.app.state.store
    return store


def known(request: Request) -> Desk | None:
    """The desk of a request; None if it is not logged in, its login expired, or it was revoked."""
    credential = cookies.read(request, CREDENTIAL)
    if not credential:
        return None
    store, address = store_of(request), _address(request)
    with store.read() as work:
        desk = find_desk(work, credential)
        if desk is None or was_seen_recently(desk, address, work.now):
            return desk
    with store.write() as writing:
        note_seen(writing, desk.id, address)
    return desk


def log_in(request: Request, response: Response, secret: str) -> bool:
    """Exchange the secret of a link for a credential; return whether the secret was valid."""
    if len(secret) > cookies.LONGEST:
        return False
    with store_of(request).read() as look:
        if not is_link(look, secret):
            return False
    with store_of(request).write() as work:
        credential = open_link(work, secret, _address(request))
    if credential is None:
        return False
    cookies.write(request, response, CREDENTIAL, credential, LASTS)
    return True


def log_out(request: Request, response: Response) -> None:
    """Revoke the desk and delete its cookie."""
    with store_of(request).read() as look:
        desk = find_desk(look, cookies.read(request, CREDENTIAL))
    if desk is not None:
        with store_of(request).write() as work:
            revoke_desk(work, desk)
    cookies.delete(request, response, CREDENTIAL)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
