"""Client address and scheme of a request: only configured proxies may override them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Proxies:
    """Corrects the address and the scheme of a request.

    Args:
        app: the application.
        trusted: the proxies.  If there are any, a request without TLS that bypasses them is
            refused, unless it comes from this machine.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and self._trusted:
            peer = _address((scope.get("client") or ("",))[0])
            if peer is not None and self._is_proxy(peer):
                scope = {**scope, **self._as_forwarded(scope)}
            elif scope["scheme"] != "https" and not (peer and peer.is_loopback):
                await PlainTextResponse("Ask through the proxy.", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _as_forwarded(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        found: Scope = {}
        hops = [_address(each) for each in ",".join(headers.getlist("x-forwarded-for")).split(",")]
        # From the right: the client may have written what is further left.
        for hop in reversed(hops):
            if hop is None:
                break
            found["client"] = (str(hop), 0)
            if not self._is_proxy(hop):
                break
        schemes = ",".join(headers.getlist("x-forwarded-proto")).split(",")
        if schemes[-1].strip() in {"http", "https"}:
            found["scheme"] = schemes[-1].strip()
        return found

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
