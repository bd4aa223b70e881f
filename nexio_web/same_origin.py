"""Allows only our own pages to change something.

A browser states in ``Origin`` which site a POST comes from, and no page can change that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


REFUSAL: Final = (
    "Not from one of our pages. Reload the page. Behind a proxy: it must pass on Host and"
    " X-Forwarded-Proto.\n"
)


class SameOrigin:
    """Refuses a changing request from another site's page, or from no page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] not in HARMLESS:
            headers = Headers(scope=scope)
            if headers.get("origin") != f"{scope['scheme']}://{headers.get('host')}":
                await PlainTextResponse(REFUSAL, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
