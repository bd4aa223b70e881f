"""Asking an ASGI application without a socket, from whatever address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import ASGIApp

OURS = "http://desk.example.com"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def ask(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    client: str = "127.0.0.1",
    scheme: str = "http",
    receive: Callable[[], Any] | None = None,
) -> Answer:
    """Ask once.

    Args:
        app: whom.
        path: of the page.
        method: of HTTP.
        body: all of it.
        headers: without Host and Content-Length.
        client: who asks.
        scheme: http or https.
        receive: gives the parts of a body in another way.
    """
    given = {"host": "desk.example.com", "content-length": str(len(body)), **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": (client, 12345),
        "server": ("desk.example.com", 443 if scheme == "https" else 80),
    }
    parts: list[Any] = []

    async def whole() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        parts.append(message)

    asyncio.run(_run(app, scope, receive or whole, send))
    found = Message()
    for name, value in parts[0]["headers"]:
        found[name.decode()] = value.decode()
    octets = b"".join(part.get("body", b"") for part in parts[1:])
    return Answer(status=parts[0]["status"], headers=found, body=octets)


async def _run(app: ASGIApp, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)


def trickle(*, pause: float = 0.0) -> Callable[[], Any]:
    """A body without end: an octet each time."""

    async def some() -> AsyncIterator[Any]:
        while True:
            await asyncio.sleep(pause)
            yield {"type": "http.request", "body": b"x" * (1 if pause else 1024), "more_body": True}

    octets = some()
    return octets.__anext__


def post(app: ASGIApp, path: str, fields: Mapping[str, object], **headers: str) -> Answer:
    """Send a form as our page does, or with other headers."""
    sent = {"origin": OURS, "content-type": FORM} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return ask(app, path, "POST", body=urlencode(fields).encode(), headers=sent)
