"""Receives and sends many datagrams per system call: ``recvmmsg`` and ``sendmmsg``, by ctypes.

A system call from Python costs several times what it costs the kernel, so both take up to
:data:`AT_ONCE` datagrams (``python -m benchmarks.sockets``).  The kernel reads and writes buffers
that are allocated once: for each datagram its octets, its control data and the address of its
sender.  The last two determine where a reply goes, so one lookup finds the :class:`Source` of a
known sender.  Replies of one length to one sender are one message, which the kernel cuts into
datagrams.  Both calls are of Linux.

:class:`PlainPort` does the same with one call per datagram, on machines without these calls.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from radius_auth.protocol.packet import MAX_LENGTH
from radius_auth.server import sockets
from radius_auth.server.sockets import (
    IN6_PKTINFO,
    IN_PKTINFO,
    SO_TIMESTAMPNS,
    TIMESPEC,
    Source,
    reply_control,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Taken: TypeAlias = tuple[bytes, Source, float]
"""A datagram, where it came from, and how many seconds it had waited in the kernel."""

_Alike: TypeAlias = tuple[Source, list[bytes]]
"""Replies of one length to one sender, which the kernel takes as one message."""

AT_ONCE: Final = 64
"""Datagrams in one system call."""

REMEMBERED: Final = 16_384
"""Senders whose :class:`Source` is cached."""

_DATA_ROOM: Final = MAX_LENGTH + 16
"""Octets from the beginning of one datagram to that of the next."""

_CMSGHDR: Final = struct.Struct("@Nii")
_TIME_ROOM: Final = socket.CMSG_SPACE(TIMESPEC.size)
_CONTROL_ROOM: Final = _TIME_ROOM + socket.CMSG_SPACE(IN6_PKTINFO.size)
_META_ROOM: Final = _CONTROL_ROOM + 32
"""Octets for the control data and the address of one sender."""

_META: Final = struct.Struct(f"@Niill{_META_ROOM - _TIME_ROOM}s")
"""The time of arrival, then the rest: our address, and the sender's."""

_MMSGHDR: Final = struct.Struct("@PI4xPNPNi4xI4x")
"""struct mmsghdr of a 64-bit machine: name, buffers, control data and flags; octets received."""

_IOVEC: Final = struct.Struct("@PN")
_OCTETS, _OCTETS_STEP = 14, _MMSGHDR.size // 4
"""Position of the number of received octets in the headers, in steps of 4 octets."""

_CONTROL, _CONTROL_STEP = 5, _MMSGHDR.size // 8
"""Position of the length of the control data in the headers, in steps of 8 octets."""

_SOL_UDP: Final = 17
_UDP_SEGMENT: Final = 103
"""Linux: the buffers of one message are cut into datagrams of that length (udp(7))."""

_SEGMENT: Final = struct.Struct("@NiiH")
_SEGMENT_ROOM: Final = socket.CMSG_SPACE(2)

_TRY_AGAIN: Final = {errno.ECONNREFUSED, errno.EINTR}
"""An ICMP error to an earlier reply, which is reported once, or a signal: try again."""

_libc: Any = ctypes.CDLL(None, use_errno=True)
_NUMBERS: Final = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
if hasattr(_libc, "recvmmsg") and hasattr(_libc, "sendmmsg"):
    _libc.sendmmsg.argtypes = _NUMBERS
    _libc.recvmmsg.argtypes = (*_NUMBERS, ctypes.c_void_p)


class Port(Protocol):
    """A socket that reads many datagrams at once."""

    def receive(self) -> list[Taken]:
        """The datagrams that wait, up to `AT_ONCE`; fewer if no more wait."""

    def send(self, replies: Sequence[tuple[bytes, Source]]) -> list[Source]:
        """Send replies, each from the address that its request was sent to.

        Returns:
            The destinations of the replies that the kernel did not take.
        """


def open_port(opened: socket.socket) -> Port:
    """The better of the two that works on this machine."""
    return BatchedPort(opened) if BatchedPort.works(opened) else PlainPort(opened)


class PlainPort:
    """A socket with a system call for each datagram."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def receive(self) -> list[Taken]:
        """See :class:`Port`."""
        taken: list[Taken] = []
        while len(taken) < AT_ONCE and (received := sockets.receive(self._socket)) is not None:
            taken.append((*received, received[1].waited))
        return taken

    def send(self, replies: Sequence[tuple[bytes, Source]]) -> list[Source]:
        """See :class:`Port`."""
        failed = []
        for octets, source in replies:
            try:
                sockets.send(self._socket, octets, source)
            except OSError:
                failed.append(source)
        return failed


class BatchedPort:
    """A socket with a system call for up to `AT_ONCE` datagrams."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._is_ipv6 = opened.family == socket.AF_INET6
        pktinfo = IN6_PKTINFO.size if self._is_ipv6 else IN_PKTINFO.size
        self._control_length = _TIME_ROOM + socket.CMSG_SPACE(pktinfo)
        """The length of the control data of a usual datagram."""

        self._incoming = _Buffers(0, _CONTROL_ROOM)
        self._outgoing = _Buffers(_TIME_ROOM, socket.CMSG_LEN(pktinfo))
        self._cuts = _cuts(opened)
        """Whether the kernel cuts one message into several datagrams."""

        self.sources: dict[bytes, Source] = {}
        """The known senders, by their control data and address as the kernel gives them."""

    @staticmethod
    def works(opened: socket.socket) -> bool:
        """Whether this machine has the calls, and its structures match those packed here."""
        if not (hasattr(_libc, "recvmmsg") and hasattr(_libc, "sendmmsg")):
            return False
        is_64_bit = struct.calcsize("@P") == struct.calcsize("@l") == _IOVEC.size // 2
        number = opened.fileno()
        return (
            is_64_bit
            and _libc.recvmmsg(number, None, 0, socket.MSG_DONTWAIT, None) == 0
            and _libc.sendmmsg(number, None, 0, 0) == 0
        )

    def receive(self) -> list[Taken]:
        """See :class:`Port`."""
        buffers, taken = self._incoming, []
        count = self._receive()
        now, data, sources, usual = time.time(), buffers.data, self.sources, self._control_length
        meta = _META.iter_unpack(buffers.meta[: count * _META_ROOM])
        lengths = buffers.octets_of[_OCTETS : count * _OCTETS_STEP : _OCTETS_STEP].tolist()
        controls = buffers.control_of[_CONTROL : count * _CONTROL_STEP : _CONTROL_STEP].tolist()
        for index, (_, level, kind, seconds, nanoseconds, whence) in enumerate(meta):
            start = index * _DATA_ROOM
            octets = data[start : start + lengths[index]].tobytes()
            came = seconds + nanoseconds * 1e-9
            source = sources.get(whence)
            if (
                source is None
                or kind != SO_TIMESTAMPNS
                or level != socket.SOL_SOCKET
                or controls[index] != usual
            ):
                source, came = self._read_meta(index, whence, now)
            # By the machine's clock, as the time of arrival is; 0 if that was set back.
            taken.append((octets, source, now - came if now > came else 0.0))
        return taken

    def send(self, replies: Sequence[tuple[bytes, Source]]) -> list[Source]:
        """See :class:`Port`."""
        failed: list[Source] = []
        for start in range(0, len(replies), AT_ONCE):
            some = replies[start : start + AT_ONCE]
            lost = self._send(_alike(some) if self._cuts else _alone(some))
            if any(len(each) > 1 for _, each in lost):
                # Send them one by one: a device or its MTU may have refused them together.
                lost = self._send(
                    _alone((octets, source) for source, each in lost for octets in each)
                )
            failed += [source for source, _ in lost]
        return failed

    def _receive(self) -> int:
        """Let the kernel fill the buffers, and return the number of datagrams."""
        buffers = self._incoming
        for _ in range(AT_ONCE):
            buffers.headers[:] = buffers.fresh
            count: int = _libc.recvmmsg(
                self._socket.fileno(), buffers.headers_at, AT_ONCE, socket.MSG_DONTWAIT, None
            )
            if count >= 0:
                return count
            if ctypes.get_errno() not in _TRY_AGAIN:
                break
        return 0

    def _send(self, groups: Sequence[_Alike]) -> list[_Alike]:
        """Send each group as one message, and return those that the kernel did not take."""
        buffers, begin = self._outgoing, 0
        buffers.headers[:] = buffers.fresh
        for message, (source, replies) in enumerate(groups):
            way = source.way or self._way(source)
            start = message * _META_ROOM + _TIME_ROOM
            buffers.meta[start : start + len(way)] = way
            octets = replies[0] if len(replies) == 1 else b"".join(replies)
            end = begin + len(octets)
            buffers.data[begin:end] = octets
            buffers.vectors[2 * message] = buffers.data_at + begin
            buffers.vectors[2 * message + 1] = len(octets)
            if len(replies) > 1:
                buffers.cut(message, len(replies[0]))
            begin = end
        failed, done = [], 0
        while done < len(groups):
            at = buffers.headers_at + done * _MMSGHDR.size
            sent = _libc.sendmmsg(self._socket.fileno(), at, len(groups) - done, 0)
            if sent <= 0:  # the first one failed; those after it are still to be sent
                failed.append(groups[done])
                # Cutting needs a device that makes checksums, before Linux 6.2.
                self._cuts = self._cuts and ctypes.get_errno() != errno.EIO
            done += max(sent, 1)
        return failed

    def _read_meta(self, index: int, whence: bytes, now: float) -> tuple[Source, float]:
        """The source and the time of a datagram, whatever order its control data is in."""
        sent_to, came = b"", now
        start = index * _META_ROOM
        length = self._incoming.control_of[index * _CONTROL_STEP + _CONTROL]
        control = self._incoming.meta[start : start + length]
        for level, kind, data in _parts_of(control.tobytes()):
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = TIMESPEC.unpack(data)
                came = seconds + nanoseconds * 1e-9
            elif level in {socket.IPPROTO_IP, socket.IPPROTO_IPV6}:
                sent_to = data
        name = self._incoming.meta[start + _CONTROL_ROOM : start + _META_ROOM].tobytes()
        source = Source(self._socket.fileno(), _address_of(name), sent_to)
        source = replace(source, way=self._way(source))
        if len(self.sources) >= REMEMBERED:
            self.sources.clear()
        self.sources[whence] = source
        return source, came

    def _way(self, source: Source) -> bytes:
        """What the kernel needs to send a reply: our address, and the sender's."""
        nowhere = bytes(IN6_PKTINFO.size if self._is_ipv6 else IN_PKTINFO.size)  # any of ours
        ((level, kind, data),) = reply_control(self._socket, source.sent_to or nowhere)
        control = _CMSGHDR.pack(socket.CMSG_LEN(len(data)), level, kind) + data
        return control.ljust(_CONTROL_ROOM - _TIME_ROOM, b"\0") + _name_of(source.address)


class _Buffers:
    """Buffers for `AT_ONCE` datagrams, and the headers that point into them.

    Args:
        control_at: where the control data begins in its buffer.
        control_length: its octets.
    """

    def __init__(self, control_at: int, control_length: int) -> None:
        self.data, self.data_at = _room(AT_ONCE * _DATA_ROOM)
        self.meta, self._meta_at = _room(AT_ONCE * _META_ROOM)
        self.headers, self.headers_at = _room(AT_ONCE * _MMSGHDR.size)
        vectors, vectors_at = _room(AT_ONCE * _IOVEC.size)
        self.vectors = vectors.cast("Q")
        """For each datagram the address of its octets, and their number."""

        self.octets_of, self.control_of = self.headers.cast("I"), self.headers.cast("Q")
        for index in range(AT_ONCE):
            _IOVEC.pack_into(
                vectors,
                index * _IOVEC.size,
                self.data_at + index * _DATA_ROOM,
                MAX_LENGTH + 1,
            )
            _MMSGHDR.pack_into(
                self.headers,
                index * _MMSGHDR.size,
                self._meta_at + index * _META_ROOM + _CONTROL_ROOM,
                _META_ROOM - _CONTROL_ROOM,
                vectors_at + index * _IOVEC.size,
                1,
                self._meta_at + index * _META_ROOM + control_at,
                control_length,
                0,
                0,
            )
        self.fresh = self.headers.tobytes()
        """The original headers, as the kernel writes lengths into them."""

    def cut(self, message: int, length: int) -> None:
        """Let the kernel cut a message into datagrams of that length."""
        # Before our address, in the place of the time of arrival.
        at = message * _META_ROOM + _TIME_ROOM - _SEGMENT_ROOM
        _SEGMENT.pack_into(self.meta, at, socket.CMSG_LEN(2), _SOL_UDP, _UDP_SEGMENT, length)
        header = message * _CONTROL_STEP + _CONTROL
        self.control_of[header - 1] = self._meta_at + at
        self.control_of[header] += _SEGMENT_ROOM


def _cuts(opened: socket.socket) -> bool:
    """Whether the kernel knows ``UDP_SEGMENT``, as Linux does since 4.18."""
    try:
        opened.getsockopt(_SOL_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True


def _alike(replies: Iterable[tuple[bytes, Source]]) -> list[_Alike]:
    """Group replies of one length to one sender."""
    groups: dict[tuple[bytes | Source, int], _Alike] = {}
    for octets, source in replies:
        whose = source.way or source, len(octets)
        group = groups.get(whose)
        if group is None:
            groups[whose] = source, [octets]
        else:
            group[1].append(octets)
    return [*groups.values()]


def _alone(replies: Iterable[tuple[bytes, Source]]) -> list[_Alike]:
    return [(source, [octets]) for octets, source in replies]


def _room(size: int) -> tuple[memoryview, int]:
    """A buffer of fixed address, and that address."""
    octets = (ctypes.c_ubyte * size)()
    return memoryview(octets).cast("B"), ctypes.addressof(octets)


def _parts_of(control: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Level, kind and data of each part of control data (cmsg(3))."""
    start = 0
    while start + _CMSGHDR.size <= len(control):
        length, level, kind = _CMSGHDR.unpack_from(control, start)
        yield level, kind, control[start + _CMSGHDR.size : start + length]
        start += socket.CMSG_SPACE(max(0, length - _CMSGHDR.size))


def _address_of(name: bytes) -> tuple[str | int, ...]:
    """An address in Python's form, from a struct sockaddr_in or sockaddr_in6."""
    port = int.from_bytes(name[2:4])
    if int.from_bytes(name[:2], sys.byteorder) == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    flow, scope = int.from_bytes(name[4:8]), int.from_bytes(name[24:28], sys.byteorder)
    return socket.inet_ntop(socket.AF_INET6, name[8:24]), port, flow, scope


def _name_of(address: tuple[str | int, ...]) -> bytes:
    """The inverse of `_address_of`."""
    host, port = str(address[0]), int(address[1]).to_bytes(2)
    if ":" not in host:
        return _family(socket.AF_INET) + port + socket.inet_pton(socket.AF_INET, host) + bytes(8)
    flow, scope = (int(each) for each in address[2:])
    return (
        _family(socket.AF_INET6)
        + port
        + flow.to_bytes(4)
        + socket.inet_pton(socket.AF_INET6, host)
        + scope.to_bytes(4, sys.byteorder)
    )


def _family(family: int) -> bytes:
    return family.to_bytes(2, sys.byteorder)
