"""How much of a body is taken, and how long we wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OCTETS: Final = 16 * 1024
"""Of a body; what a tablet sends is below 200."""

MOST_SECONDS: Final = 10.0
"""Until all of a body has come, however it trickles."""

HEADER_SECONDS: Final = 10.0
"""Until the head of a request has come; granian sees to it."""

MOST_HEAD_OCTETS: Final = 64 * 1024
"""Of the head of a request; granian sees to it, too."""

TOO_MUCH, TOO_SLOW = 413, 408


class Limits:
    """Cuts bodies that are too long or too slow, where somebody reads them.

    Args:
        app: what is asked; it answers an ``HTTPException`` that comes out of ``receive``.
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
    said = Headers(scope=scope).get("content-length", "0")
    announced = int(said) if said.isascii() and said.isdigit() else 0
    came, is_whole = 0, False

    async def receive_some() -> Message:
        nonlocal came, is_whole
        if is_whole:  # from now on it is only asked whether the client is still there
            return await receive()
        if announced > MOST_OCTETS:
            raise HTTPException(TOO_MUCH)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(TOO_SLOW) from None
        if message["type"] == "http.disconnect":  # nobody hears the answer, and no log has it
            raise HTTPException(400)
        came += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if came > MOST_OCTETS:
            raise HTTPException(TOO_MUCH)
        return message

    return receive_some
