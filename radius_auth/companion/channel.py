"""Messages over a stream socket; neither sending nor receiving blocks."""

from __future__ import annotations

import marshal
import socket
import struct
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    Message = tuple[Any, ...]
    """A kind (see ``messages.py``) and its values, of types that marshal supports."""

SLICE: Final = 32 * 1024
"""Octets that a worker reads at once; it processes them between two requests."""

SENT_TOGETHER: Final = 64
"""Messages that one system call sends."""

_LENGTH: Final = struct.Struct("!I")

_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred: process, user, group (unix(7))."""


class Closed(Exception):
    """The other end is gone."""


class Channel:
    """One end of a connection.

    Both ends run the same program, so they can use marshal, the fastest way to write plain values.

    Args:
        opened: the connected socket.
        at_once: octets to read at once.
    """

    def __init__(self, opened: socket.socket, at_once: int = SLICE) -> None:
        opened.settimeout(0)
        self._socket = opened
        self._at_once = at_once
        self._received = bytearray()
        self._waiting: deque[memoryview] = deque()

    def fileno(self) -> int:
        """The descriptor of the socket."""
        return self._socket.fileno()

    @property
    def is_backed_up(self) -> bool:
        """Whether messages wait to be sent."""
        return bool(self._waiting)

    def send(self, *messages: bytes) -> None:
        """Send messages of :func:`encoded` as far as possible; the rest waits for :meth:`flush`.

        Raises:
            Closed: the other end is gone.
        """
        self.put(*messages)
        self.flush()

    def put(self, *messages: bytes) -> None:
        """Queue messages of :func:`encoded` for :meth:`flush`."""
        self._waiting.extend(map(memoryview, messages))

    def flush(self) -> None:
        """Send queued messages as far as the socket takes them now.

        Raises:
            Closed: the other end is gone.
        """
        try:
            while self._waiting:
                sent = self._socket.sendmsg(list(islice(self._waiting, SENT_TOGETHER)))
                while self._waiting and sent >= len(self._waiting[0]):
                    sent -= len(self._waiting.popleft())
                if sent:
                    self._waiting[0] = self._waiting[0][sent:]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Closed from error

    def receive(self) -> Iterator[Message]:
        """Read one slice, and return its messages.

        Raises:
            Closed: the other end is gone.
        """
        try:
            octets = self._socket.recv(self._at_once)
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error
        if not octets:
            raise Closed
        self._received += octets
        begin, end = 0, len(self._received)
        try:
            with memoryview(self._received) as received:
                while end - begin >= _LENGTH.size:
                    (length,) = _LENGTH.unpack_from(received, begin)
                    if end - begin - _LENGTH.size < length:
                        break
                    begin += _LENGTH.size
                    message = marshal.loads(received[begin : begin + length])  # noqa: S302 (ours)
                    begin += length
                    yield message
        finally:  # also when the caller fails on a message: it must not come again
            del self._received[:begin]

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._socket.close()


def encoded(kind: int, *values: Any) -> bytes:
    """A message as octets."""
    body = marshal.dumps((int(kind), *values))
    return _LENGTH.pack(len(body)) + body


def user_of(opened: socket.socket) -> int:
    """The user ID of the process at the other end."""
    credentials = opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(credentials)[1]
    return user
