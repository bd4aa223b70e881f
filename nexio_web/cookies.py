"""Reads and writes our cookies.

Scripts cannot read them, other sites' pages cannot make a browser send them, and with TLS no other
host or path can have set them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import timedelta

    from starlette.requests import Request
    from starlette.responses import Response

LONGEST: Final = 100
"""Characters; a longer value is not ours and is not looked up."""


def read(request: Request, name: str) -> str:
    """The value of a cookie; empty if there is none."""
    value = request.cookies.get(_name(request, name), "")
    return value if len(value) <= LONGEST else ""


def write(  # noqa: PLR0913 (the parts of a cookie)
    request: Request,
    response: Response,
    name: str,
    value: str,
    time: timedelta,
    *,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Set a cookie for some time."""
    response.set_cookie(
        _name(request, name),
        value,
        max_age=int(time.total_seconds()),
        secure=_by_tls(request),
        httponly=True,
        samesite=same_site,
    )


def delete(request: Request, response: Response, name: str) -> None:
    """Delete a cookie."""
    response.delete_cookie(_name(request, name), secure=_by_tls(request), httponly=True)


def _name(request: Request, name: str) -> str:
    """RFC 6265bis section 4.1.3.2: a browser accepts such a name only from this host, with TLS."""
    return f"__Host-{name}" if _by_tls(request) else name


def _by_tls(request: Request) -> bool:
    return bool(request.url.scheme == "https")
