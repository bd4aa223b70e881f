"""UDP sockets whose replies leave from the address that the request came to."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from nexio.errors import InvalidValue
from radius_auth.server.sockets import (
    PortUnusable,
    Source,
    all_addresses,
    listen,
    lost,
    receive,
    send,
)

HOSTS = {"0.0.0.0": "127.0.0.3", "::": "::1"}  # noqa: S104 (asked on loopback only)


def wait_and_receive(opened: socket.socket) -> tuple[bytes, Source]:
    """The next datagram."""
    with selectors.DefaultSelector() as selector:
        selector.register(opened, selectors.EVENT_READ)
        assert selector.select(10)
    received = receive(opened)
    assert received is not None
    return received


# This machine may have no IPv6.
@pytest.fixture(params=all_addresses())
def opened(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A socket on all addresses of a family."""
    with listen(request.param, 0) as made:
        yield made


@pytest.fixture
def asking(opened: socket.socket) -> Iterator[socket.socket]:
    """A NAS, connected: the kernel gives it nothing from another address than it asked."""
    address, port = opened.getsockname()[:2]
    with socket.socket(opened.family, socket.SOCK_DGRAM) as made:
        made.settimeout(10)
        made.connect((HOSTS[address], port))
        yield made


def test_must_10_a_reply_leaves_from_the_address_that_was_asked(
    opened: socket.socket, asking: socket.socket
) -> None:
    """Must 10: not from whichever the kernel prefers."""
    asking.send(b"request")

    datagram, source = wait_and_receive(opened)
    send(opened, b"reply", source)

    assert datagram == b"request"
    assert source.address[:2] == asking.getsockname()[:2]
    assert asking.recv(100) == b"reply"


@pytest.mark.parametrize("size", [0, 1, 4096])
def test_a_datagram_comes_whole(opened: socket.socket, asking: socket.socket, size: int) -> None:
    """Must 3: whatever RADIUS may be, also nothing at all."""
    asking.send(bytes(size))

    assert wait_and_receive(opened)[0] == bytes(size)


def test_a_longer_datagram_is_cut(opened: socket.socket, asking: socket.socket) -> None:
    """Must 3: what is beyond 4096 octets can only be padding."""
    asking.send(bytes(9000))

    assert len(wait_and_receive(opened)[0]) == 4097


def test_how_long_a_datagram_has_waited(opened: socket.socket, asking: socket.socket) -> None:
    """The kernel says when it came; the later of two waited less."""
    before = time.time()
    asking.send(b"first")
    asking.send(b"second")
    first, second = (wait_and_receive(opened)[1] for _ in range(2))

    assert 0 < second.waited <= first.waited + 0.1
    assert first.waited <= time.time() - before
    assert first == second  # the same place, whenever


def test_what_the_kernel_drops_is_counted(opened: socket.socket, asking: socket.socket) -> None:
    """More than there is room for is lost, and known to be."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # the kernel's least
    assert lost(opened) == 0
    for _ in range(100):
        asking.send(bytes(1000))

    taken = 0
    while receive(opened):
        taken += 1
    assert taken + lost(opened) == 100
    assert lost(opened) > 50


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_who_is_on_this_machine(host: str, here: bool) -> None:
    """RFC 5997 section 4.2: statistics are for the machine itself."""
    assert Source(3, (host, 1)).is_here is here


def test_nobody_waits(opened: socket.socket) -> None:
    """Must 15: receiving holds up nobody."""
    assert receive(opened) is None


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_port_that_is_in_use(everywhere: bool) -> None:
    """A second server must not share it silently; exit 5."""
    address = all_addresses()[0] if everywhere else "127.0.0.1"
    with closing(listen("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortUnusable, match=f"{address} port {port}: Address already in use"):
            listen(address, port)

    assert PortUnusable.exit_code == 5


def test_an_address_of_another_machine() -> None:
    """Exit 5, for it may be ours tomorrow."""
    with pytest.raises(PortUnusable, match=r"192\.0\.2\.1 port"):
        listen("192.0.2.1", 0)


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1:1812", "256.0.0.1"])
def test_what_is_no_address(address: str) -> None:
    """Exit 2."""
    with pytest.raises(InvalidValue, match="is not an IP address"):
        listen(address, 0)
