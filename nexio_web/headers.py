"""Adds the security headers to every answer, including errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Allows nothing from another host, no inline script, and no text that becomes markup."""

WITH_WORKER: Final = {
    "Content-Security-Policy": POLICY.replace("trusted-types 'none'", "trusted-types worker")
}
"""For a page that works offline: its script may load one file, its service worker."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # No referrer to other hosts; with no-referrer, browsers would send `Origin: null` with forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
}

TLS_FROM_NOW_ON: Final = "max-age=31536000"
"""A second line of defence: a browser that used TLS once does not come back without it."""


class SecurityHeaders:
    """Adds the headers to each answer of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # a page may need another policy
                cache_control = "no-cache" if scope["path"].startswith("/static/") else "no-store"
                headers.setdefault("Cache-Control", cache_control)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = TLS_FROM_NOW_ON
            await send(message)

        await self._app(scope, receive, send_with_headers)
