"""Limits the size of request bodies and the time to receive them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OCTETS: Final = 16 * 1024
"""Octets of a body; a tablet sends fewer than 200."""

MOST_SECONDS: Final = 10.0
"""Time for a whole body, however slowly it arrives."""

HEADER_SECONDS: Final = 10.0
"""Time for the head of a request; granian enforces it."""

MOST_HEAD_OCTETS: Final = 64 * 1024
"""Octets of the head of a request; granian enforces it, too."""

TOO_MUCH, TOO_SLOW = 413, 408


class Limits:
    """Refuses bodies that are too long or too slow, when the application reads them.

    Args:
        app: the application; it answers an ``HTTPException`` that ``receive`` raises.
        seconds: the limit, for tests.
    """

    def __init__(self, app: ASGIApp, seconds: float = MOST_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            receive = _limited(scope, receive, self._seconds)
        await self._app(scope, receive, send)


def _limited(scope: Scope, receive: Receive, seconds: float) -> Receive:
    until = asyncio.get_running_loop().time() + seconds
    length = Headers(scope=scope).get("content-length", "0")
    announced = int(length) if length.isascii() and length.isdigit() else 0
    received, is_whole = 0, False

    async def receive_some() -> Message:
        nonlocal received, is_whole
        if is_whole:  # from now on this only checks whether the client is still there
            return await receive()
        if announced > MOST_OCTETS:
            raise HTTPException(TOO_MUCH)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(TOO_SLOW) from None
        if message["type"] == "http.disconnect":  # nobody receives the answer, and it is not logged
            raise HTTPException(400)
        received += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if received > MOST_OCTETS:
            raise HTTPException(TOO_MUCH)
        return message

    return receive_some
