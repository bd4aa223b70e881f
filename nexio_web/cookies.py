"""What a browser keeps for us.

Scripts cannot read it, other sites' pages cannot make a browser send it, and by TLS no other
host or path can have set it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import timedelta

    from starlette.requests import Request
    from starlette.responses import Response

LONGEST: Final = 100
"""Letters; what is longer is not of ours, and is not looked up."""


def kept(request: Request, name: str) -> str:
    """What the browser keeps under that name; empty where there is nothing."""
    value = request.cookies.get(_name(request, name), "")
    return value if len(value) <= LONGEST else ""


def keep(  # noqa: PLR0913 (what a cookie is made of)
    request: Request,
    response: Response,
    name: str,
    value: str,
    time: timedelta,
    *,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Let the browser keep something for some time."""
    response.set_cookie(
        _name(request, name),
        value,
        max_age=int(time.total_seconds()),
        secure=_by_tls(request),
        httponly=True,
        samesite=same_site,
    )


def drop(request: Request, response: Response, name: str) -> None:
    """Let the browser forget it."""
    response.delete_cookie(_name(request, name), secure=_by_tls(request), httponly=True)


def _name(request: Request, name: str) -> str:
    """RFC 6265bis section 4.1.3.2: a browser takes such a name from this host only, by TLS."""
    return f"__Host-{name}" if _by_tls(request) else name


def _by_tls(request: Request) -> bool:
    return bool(request.url.scheme == "https")
