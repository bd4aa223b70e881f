"""RADIUS within TLS: two of Debian's radsecproxy between an access point and nexio-radiusd."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from radius_auth.protocol.packet import Attribute, Code
from tests.support.certificates import certify
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.desk import Desk
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd, free_port
from tests.support.radius.radsecproxy import (
    AT_THE_SERVER,
    AT_THE_SITE,
    HERE,
    Radsecproxy,
    free_tcp_port,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


SECRET_OF_THE_SITE = b"what the access points know"


@pytest.fixture(scope="module")
def site(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The UDP port that access points of a far site ask, with a secret of its own."""
    folder = tmp_path_factory.mktemp("tls")
    certified = certify(folder)
    common = {
        "ca": certified.ca_file,
        "certificate": folder / "server.pem",
        "here": HERE,
        "tls_port": free_tcp_port(),
    }
    port = free_port()
    with ExitStack() as stack:
        radiusd = stack.enter_context(Radiusd(desk.configuration))
        near = AT_THE_SERVER.format(**common, port=radiusd.port, secret=SECRET.decode())
        at_server = stack.enter_context(Radsecproxy(folder / "server.conf", near))
        at_server.wait_for_line("listening for tls")
        far = AT_THE_SITE.format(**common, port=port, secret=SECRET_OF_THE_SITE.decode())
        at_site = stack.enter_context(Radsecproxy(folder / "site.conf", far))
        at_site.wait_for_line("TLS connection to nexio")
        yield port


@pytest.mark.parametrize("method", ["User-Password", "CHAP-Password"])
def test_an_accept_gets_through(desk: Desk, site: int, method: str) -> None:
    """R12: with its time, its Class and a signature of the proxy's."""
    visit = desk.register()

    reply = radclient(site, visit.email, visit.pin, method=method, secret=SECRET_OF_THE_SITE)

    assert reply.code == "Access-Accept"
    assert 3500 < reply.session_timeout <= 3600
    assert {"Class", "Message-Authenticator"} <= reply.attributes.keys()


def test_a_reject_gets_through(desk: Desk, site: int) -> None:
    """R11: with its words where the PIN is right, without any where it is wrong."""
    visit = desk.register("+2h")

    early = radclient(site, visit.email, visit.pin, secret=SECRET_OF_THE_SITE)
    wrong = radclient(site, visit.email, "wrong", secret=SECRET_OF_THE_SITE)

    assert early.code == wrong.code == "Access-Reject"
    assert (early.words or "").startswith("Your Wi-Fi access starts at ")
    assert wrong.words is None


@pytest.mark.parametrize("right", [True, False])
def test_proxy_state_and_signature_survive(desk: Desk, site: int, right: bool) -> None:
    """Must 8 and 9: Proxy-State unmodified and in order, Message-Authenticator right."""
    visit = desk.register()
    states = [b"2", b"\0\xff", b"1", b"0x31"]
    asked = access_request(
        visit.email,
        visit.pin.encode() if right else b"wrong",
        secret=SECRET_OF_THE_SITE,
        attributes={Attribute.PROXY_STATE: states},
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(PATIENCE)
        asking.connect((HERE, site))
        asking.send(asked)
        reply = verified(asked, asking.recv(4096), SECRET_OF_THE_SITE)

    assert reply.code == (Code.ACCESS_ACCEPT if right else Code.ACCESS_REJECT)
    assert reply.values(Attribute.PROXY_STATE) == states
    assert len(reply.values(Attribute.MESSAGE_AUTHENTICATOR)) == 1
