"""UDP sockets that reply from the address that the request was sent to (Must 10).

A socket that is bound to all addresses would reply from whichever the kernel prefers; so the
address is read with each datagram (IP_PKTINFO) and passed back with its reply.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import time
from dataclasses import dataclass, field

from nexio.errors import InvalidValue, Unreachable
from radius_auth.protocol.packet import MAX_LENGTH

IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # Linux; Python names it from 3.14 on
IPV6_PKTINFO = socket.IPV6_PKTINFO

IN_PKTINFO = struct.Struct("=I4s4s")
"""struct in_pktinfo: interface, local address, destination address (ip(7))."""

IN6_PKTINFO = struct.Struct("=16sI")
"""struct in6_pktinfo: address, interface (ipv6(7))."""

SO_TIMESTAMPNS = 35
"""Asks the kernel for the time of arrival of each datagram (socket(7)); Python lacks the name."""

TIMESPEC = struct.Struct("@ll")
"""struct timespec: seconds and nanoseconds."""

SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
"""The last of them is the number of dropped datagrams (linux/sock_diag.h)."""

ANCILLARY = socket.CMSG_SPACE(max(IN_PKTINFO.size, IN6_PKTINFO.size)) + socket.CMSG_SPACE(
    TIMESPEC.size
)
RECEIVE_BUFFER = 4 * 1024 * 1024
"""Octets that the kernel may hold for us while we are busy; it caps this at its limit."""


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of a datagram, and the path of its reply."""

    socket: int
    address: tuple[str | int, ...]
    """Host and port first."""

    sent_to: bytes = b""
    """Our address that it was sent to, for the kernel; empty if there is only one."""

    waited: float = field(default=0.0, compare=False)
    """Seconds from its arrival at this machine until it was read; with ``recvmmsg`` always 0, as
    :class:`~radius_auth.server.datagrams.BatchedPort` returns it beside each datagram."""

    way: bytes = field(default=b"", compare=False, repr=False)
    """The path in the form of ``sendmmsg``, if it came by ``recvmmsg``."""

    host: str = field(init=False, compare=False, repr=False)
    """The address without the port."""

    def __post_init__(self) -> None:
        """Prepare the host, which each request needs."""
        object.__setattr__(self, "host", str(self.address[0]))

    @property
    def is_here(self) -> bool:
        """Whether it came from this machine."""
        return ipaddress.ip_address(str(self.address[0]).partition("%")[0]).is_loopback


class PortUnusable(Unreachable):
    """The server cannot listen on that address and port."""


_ADVICE = {
    errno.EADDRINUSE: "Stop the program that listens there (see: ss -lunp), or choose another"
    " --auth-port or --acct-port.",
    errno.EADDRNOTAVAIL: "Listen on an address of this machine (see: ip address).",
    errno.EACCES: "Ports below 1024 are root's: choose another --auth-port or --acct-port.",
}


def all_addresses() -> tuple[str, ...]:
    """The addresses that cover everything: IPv4, and IPv6 if this machine has it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("0.0.0.0",)
    return ("0.0.0.0", "::")


def listen_together(address: str, port: int, count: int) -> list[socket.socket]:
    """Open several UDP sockets on one port, one for each process.

    The kernel chooses by the address and port of the sender, so that a retransmission reaches
    the same socket as its original.

    Raises:
        InvalidValue, PortUnusable: as :func:`listen`.
    """
    first = listen(address, port)  # unshared, so that it fails if another server listens
    opened = [first]
    try:
        if count > 1:
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        port = first.getsockname()[1]
        while len(opened) < count:
            opened.append(listen(address, port, shared=True))
    except BaseException:
        for each in opened:
            each.close()
        raise
    return opened


def listen(address: str, port: int, *, shared: bool = False) -> socket.socket:
    """Open a UDP socket.

    It does not set SO_REUSEADDR, with which a second server would share the port without an error.

    Args:
        address: of this machine.
        port: to listen on; 0 is a free one.
        shared: whether to share the port with other shared sockets of ours.

    Raises:
        InvalidValue: not an IP address.
        PortUnusable: in use, forbidden, or not an address of this machine.
    """
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        raise InvalidValue(
            f"{address!r} is not an IP address", "Listen on 0.0.0.0, ::, or one address."
        ) from None
    family = socket.AF_INET if version == 4 else socket.AF_INET6  # noqa: PLR2004
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind((address, port))
    except OSError as error:
        opened.close()
        raise PortUnusable(
            f"cannot listen on {address} port {port}: {error.strerror}",
            _ADVICE.get(error.errno or 0, "See who may listen there."),
        ) from error
    opened.settimeout(0)
    return opened


def receive(opened: socket.socket) -> tuple[bytes, Source] | None:
    """The next datagram, or None if none waits."""
    try:
        datagram, ancillary, _, address = opened.recvmsg(MAX_LENGTH + 1, ANCILLARY)
    except (BlockingIOError, ConnectionRefusedError):
        # An ICMP error to an earlier reply is reported here; it is not about this datagram.
        return None
    sent_to, waited = b"", 0.0
    for _, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS:
            waited = _seconds_since(data)
        elif kind in _KINDS:
            sent_to = bytes(data)
    return datagram, Source(opened.fileno(), address, sent_to, waited)


def lost(opened: socket.socket) -> int:
    """How many datagrams the kernel had to drop because they were not read in time."""
    memory_info = opened.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(memory_info)[-1])


def send(opened: socket.socket, octets: bytes, source: Source) -> None:
    """Send a reply, from the address that the request was sent to.

    Raises:
        OSError: the kernel did not take it.
    """
    opened.sendmsg([octets], reply_control(opened, source.sent_to), 0, source.address)


def _seconds_since(timespec: bytes) -> float:
    """Seconds since a time by the machine's clock, as the kernel's is; 0 if that was set back."""
    came: tuple[int, int] = TIMESPEC.unpack(timespec)
    return max(0.0, time.time() - came[0] - came[1] / 1e9)


def reply_control(opened: socket.socket, sent_to: bytes) -> list[tuple[int, int, bytes]]:
    """The control data that makes a reply leave from our address that the request was sent to."""
    if opened.family == socket.AF_INET6 and len(sent_to) == IN6_PKTINFO.size:
        return [(socket.IPPROTO_IPV6, IPV6_PKTINFO, sent_to)]
    if opened.family == socket.AF_INET and len(sent_to) == IN_PKTINFO.size:
        _, local, _ = IN_PKTINFO.unpack(sent_to)
        return [(socket.IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.pack(0, local, bytes(4)))]
    return []


_KINDS = {IP_PKTINFO, IPV6_PKTINFO}
