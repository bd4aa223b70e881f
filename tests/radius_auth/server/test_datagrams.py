"""Many datagrams with one system call, and the same with a call for each."""

from __future__ import annotations

import ctypes
import errno
import socket
import time
from typing import TYPE_CHECKING, TypeAlias

import pytest

from radius_auth.server import datagrams as module
from radius_auth.server.datagrams import AT_ONCE, BatchedPort, PlainPort, open_port
from radius_auth.server.sockets import Source, all_addresses, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radius_auth.server.datagrams import Port, Taken

Kind: TypeAlias = type[BatchedPort] | type[PlainPort]

HOSTS = {"0.0.0.0": "127.0.0.3", "::": "::1"}  # noqa: S104 (asked on loopback only)
NOWHERE = {"0.0.0.0": ("127.0.0.1", 0), "::": ("::1", 0, 0, 0)}  # noqa: S104
"""No datagram can be sent to port 0."""


# This machine may have no IPv6.
@pytest.fixture(params=all_addresses())
def opened(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A socket on all addresses of a family."""
    with listen(request.param, 0) as made:
        yield made


@pytest.fixture(params=[BatchedPort, PlainPort])
def port(request: pytest.FixtureRequest, opened: socket.socket) -> Port:
    """Either of the two on it."""
    kind: Kind = request.param
    return kind(opened)


@pytest.fixture
def asking(opened: socket.socket) -> Iterator[socket.socket]:
    """A NAS, connected: the kernel gives it nothing from another address than it asked."""
    address, number = opened.getsockname()[:2]
    with socket.socket(opened.family, socket.SOCK_DGRAM) as made:
        made.settimeout(10)
        made.connect((HOSTS[address], number))
        yield made


def take(port: Port, count: int) -> list[Taken]:
    """So many datagrams, in as few batches as there are."""
    taken: list[Taken] = []
    until = time.monotonic() + 10
    while len(taken) < count and time.monotonic() < until:
        taken += port.receive()
    return taken


def test_must_10_replies_leave_from_the_address_that_was_asked(
    port: Port, opened: socket.socket, asking: socket.socket
) -> None:
    """Must 10: each of a batch; the source says the same in both ways."""
    sent = [b"request %d" % number for number in range(10)]
    for each in sent:
        asking.send(each)

    taken = take(port, 10)
    assert port.send([(octets + b"!", source) for octets, source, _ in taken]) == []

    assert [octets for octets, _, _ in taken] == sent
    assert [asking.recv(100) for _ in sent] == [each + b"!" for each in sent]
    (source,) = {source for _, source, _ in taken}
    assert (source.socket, source.address) == (opened.fileno(), asking.getsockname())
    assert source.host == asking.getsockname()[0]


def test_both_say_the_same_of_where_it_came_from(
    opened: socket.socket, asking: socket.socket
) -> None:
    """The duplicates know a sender again, whichever way its datagrams are taken."""
    asking.send(b"1")
    ((_, batched, _),) = take(BatchedPort(opened), 1)
    asking.send(b"2")
    ((_, plain, _),) = take(PlainPort(opened), 1)

    assert batched == plain


@pytest.mark.parametrize("size", [0, 1, 4096])
def test_a_datagram_comes_and_goes_whole(port: Port, asking: socket.socket, size: int) -> None:
    """Must 3: whatever RADIUS may be, also nothing at all; and nothing of the one before."""
    asking.send(b"x" * 4096)
    asking.send(bytes(size))

    taken = take(port, 2)
    port.send([(octets, source) for octets, source, _ in taken])

    assert [octets for octets, _, _ in taken] == [b"x" * 4096, bytes(size)]
    assert [asking.recv(5000), asking.recv(5000)] == [b"x" * 4096, bytes(size)]


def test_a_longer_datagram_is_cut(port: Port, asking: socket.socket) -> None:
    """Must 3: what is beyond 4096 octets can only be padding."""
    asking.send(bytes(9000))
    asking.send(b"next")

    assert [len(octets) for octets, _, _ in take(port, 2)] == [4097, 4]


def test_no_more_than_one_batch(port: Port, asking: socket.socket) -> None:
    """The rest waits in the kernel, for the next look."""
    for _ in range(AT_ONCE + 3):
        asking.send(b"request")

    assert len(port.receive()) == AT_ONCE
    assert len(take(port, 3)) == 3
    assert port.receive() == []


def test_how_long_a_datagram_has_waited(port: Port, asking: socket.socket) -> None:
    """The kernel says when it came; the later of two waited less."""
    before = time.time()
    asking.send(b"first")
    time.sleep(0.05)
    asking.send(b"second")
    after = time.time()

    (_, _, first), (_, _, second) = take(port, 2)

    taken = time.time()
    assert 0 <= second < first <= taken - before
    assert 0.05 - (taken - after) <= first - second <= after - before


def test_a_reply_that_cannot_be_sent_takes_no_other_one_along(
    port: Port, opened: socket.socket, asking: socket.socket
) -> None:
    """Those before and behind it arrive."""
    asking.send(b"request")
    ((_, source, _),) = take(port, 1)
    nowhere = Source(opened.fileno(), NOWHERE[opened.getsockname()[0]])

    failed = port.send([(b"1", source), (b"lost", nowhere), (b"2", source), (b"lost", nowhere)])

    assert failed == [nowhere, nowhere]
    assert [asking.recv(10), asking.recv(10)] == [b"1", b"2"]


def test_more_replies_than_one_batch_holds(port: Port, asking: socket.socket) -> None:
    """Rejects that are due at the same moment."""
    asking.send(b"request")
    ((_, source, _),) = take(port, 1)

    assert port.send([(b"%d" % number, source) for number in range(2 * AT_ONCE + 1)]) == []

    assert [int(asking.recv(10)) for _ in range(2 * AT_ONCE + 1)] == [*range(2 * AT_ONCE + 1)]


@pytest.mark.parametrize("is_known", [True, False], ids=["cut", "old kernel"])
def test_replies_of_one_length_to_one_sender(
    port: Port,
    opened: socket.socket,
    asking: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_known: bool,
) -> None:
    """The kernel cuts them out of one message; to whoever asked, each is a datagram of its own."""
    if not is_known:
        monkeypatch.setattr(module, "_UDP_SEGMENT", 9_999)
        port = type(port)(opened)  # type: ignore[call-arg]
    with socket.socket(opened.family, socket.SOCK_DGRAM) as other:
        other.settimeout(10)
        other.connect(asking.getpeername())
        for each in (asking, other, asking):
            each.send(each.getsockname()[1].to_bytes(2))
        sources = [source for _, source, _ in take(port, 3)]
        lengths = [20, 20, 82, 20, 82, 4_096] * 2
        replies = [
            (bytes([number, which]).ljust(length, b"."), source)
            for number, length in enumerate(lengths)
            for which, source in enumerate(sources[:2])
        ]

        assert port.send(replies) == []

        for each in (asking, other):
            mine = [octets for octets, source in replies if source.address == each.getsockname()]
            assert sorted(each.recv(5_000) for _ in lengths) == sorted(mine)


def test_replies_that_are_too_many_octets_for_one_message(
    port: Port, asking: socket.socket
) -> None:
    """The kernel refuses them together, and takes each alone."""
    asking.send(b"request")
    ((_, source, _),) = take(port, 1)
    replies = [bytes([number]) * 4_096 for number in range(20)]

    assert port.send([(octets, source) for octets in replies]) == []

    assert [asking.recv(5_000) for _ in replies] == replies


def test_a_device_that_cannot_cut_is_asked_once(
    opened: socket.socket, asking: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says EIO to each message of several datagrams; so the next ones are sent one by one."""
    port, libc, told = BatchedPort(opened), vars(module)["_libc"], []

    class Refusing:
        """A kernel that takes a message only if it is one datagram."""

        def __getattr__(self, name: str) -> object:
            return getattr(libc, name)

        def sendmmsg(self, number: int, at: int, count: int, flags: int) -> int:
            told.append(count)
            if count == 1:
                ctypes.set_errno(errno.EIO)
                return -1
            sent: int = libc.sendmmsg(number, at, count, flags)
            return sent

    monkeypatch.setattr(module, "_libc", Refusing())
    asking.send(b"request")
    ((_, source, _),) = take(port, 1)

    for _ in range(2):
        assert port.send([(b"reply", source)] * 3) == []

    assert told == [1, 3, 3]
    assert [asking.recv(10) for _ in range(6)] == [b"reply"] * 6


def test_an_error_of_an_earlier_reply_hides_no_datagram(
    port: Port, opened: socket.socket, asking: socket.socket
) -> None:
    """ICMP says that nobody listens any more; it is not about what waits."""
    with socket.socket(opened.family, socket.SOCK_DGRAM) as gone:
        gone.connect(asking.getpeername())
        gone.send(b"request")
        ((_, source, _),) = take(port, 1)
    port.send([(b"reply", source)] * 3)
    asking.send(b"next")

    assert [octets for octets, _, _ in take(port, 1)] == [b"next"]


def test_a_sender_is_known_again(opened: socket.socket, asking: socket.socket) -> None:
    """One source for all of its datagrams, until there are too many senders."""
    port = BatchedPort(opened)
    asking.send(b"1")
    asking.send(b"2")

    (_, first, _), (_, second, _) = take(port, 2)

    assert first is second


def test_senders_that_are_remembered_are_bounded(
    opened: socket.socket, asking: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood from forged addresses takes no memory."""
    monkeypatch.setattr(module, "REMEMBERED", 2)
    port = BatchedPort(opened)
    for _ in range(5):
        with socket.socket(opened.family, socket.SOCK_DGRAM) as other:
            other.connect(asking.getpeername())
            other.send(b"x")
            take(port, 1)

    assert len(port.sources) <= 2


def test_the_plain_way_is_taken_where_there_is_no_other(
    opened: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen at the start: a machine, or a sandbox, may not know the calls."""
    assert isinstance(open_port(opened), BatchedPort)
    monkeypatch.setattr(module, "_libc", object())
    assert isinstance(open_port(opened), PlainPort)
