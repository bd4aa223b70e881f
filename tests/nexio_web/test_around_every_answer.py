"""Forwarded headers, and limits on a body."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nexio_web.limits import MOST_OCTETS, Limits
from nexio_web.proxies import Proxies
from tests.support.web.asgi import ask, trickle

PROXY = "192.0.2.1"
TRUSTED = (ip_network(PROXY), ip_network("198.51.100.0/24"))


async def who(request: Request) -> Response:
    """Tell who asks, how, and how much."""
    octets = len(await request.body())
    assert request.client is not None
    return PlainTextResponse(f"{request.client.host} {request.url.scheme} {octets}")


APP = Starlette(routes=[Route("/", who, methods=["GET", "POST"])])


@pytest.mark.parametrize(
    ("client", "forwarded", "scheme", "seen"),
    [
        (PROXY, "203.0.113.9", "https", "203.0.113.9 https 0"),
        (PROXY, "10.0.0.1, 203.0.113.9", "http, https", "203.0.113.9 https 0"),
        (PROXY, "203.0.113.9, 198.51.100.7", "https", "203.0.113.9 https 0"),
        (PROXY, "::ffff:203.0.113.9", "https", "203.0.113.9 https 0"),
        (PROXY, "<script>", "javascript", f"{PROXY} http 0"),
        (PROXY, "", "", f"{PROXY} http 0"),
        ("127.0.0.1", "203.0.113.9", "https", "127.0.0.1 http 0"),
    ],
)
def test_only_a_named_proxy_is_believed(
    client: str, forwarded: str, scheme: str, seen: str
) -> None:
    """The rightmost address that is no proxy's; what stands left of it may be made up."""
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": scheme}
    assert ask(Proxies(APP, TRUSTED), "/", headers=headers, client=client).text == seen


def test_whoever_comes_past_the_proxy() -> None:
    """Without TLS refused, with our own TLS answered; without a proxy everybody is."""
    past = "203.0.113.9"
    assert ask(Proxies(APP, TRUSTED), "/", client=past).status == 403
    assert ask(Proxies(APP, TRUSTED), "/", client=past, scheme="https").status == 200
    headers = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"}
    assert ask(Proxies(APP, ()), "/", client=past, headers=headers).text == f"{past} http 0"


def test_a_body_of_the_greatest_length() -> None:
    """It is taken; one octet more is not."""
    whole = ask(Limits(APP), "/", "POST", body=b"x" * MOST_OCTETS)
    assert whole.text == f"127.0.0.1 http {MOST_OCTETS}"
    assert ask(Limits(APP), "/", "POST", body=b"x" * (MOST_OCTETS + 1)).status == 413


def test_a_body_without_end_is_cut() -> None:
    """Whatever its length was said to be, and though it comes quickly."""
    for said in ("5", "99999999999999999999", "-1", "five"):
        headers = {"Content-Length": said}
        found = ask(Limits(APP), "/", "POST", headers=headers, receive=trickle())
        assert found.status == 413


def test_a_body_that_trickles_is_cut() -> None:
    """Each octet comes soon, and the whole of it does not."""
    found = ask(Limits(APP, seconds=0.2), "/", "POST", receive=trickle(pause=0.02))
    assert found.status == 408
