"""An access point that takes Disconnect-Requests (RFC 5176) on a real socket of loopback."""

from __future__ import annotations

import hashlib
import hmac
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Self

from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Replies = Callable[[bytes], Sequence[bytes]]

ACK, NAK = 41, 42


class FakeNas:
    """Takes Disconnect-Requests; leaving the context ends it.

    Args:
        *replies: its replies to the first request, the second, and so on.
        then: its replies to all that follow; None is silence.
        host: an address of loopback.
    """

    def __init__(
        self, *replies: Replies, host: str = "127.0.0.1", then: Replies | None = None
    ) -> None:
        self._replies = list(replies)
        self._then = then
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self.heard: list[tuple[bytes, tuple[str, int]]] = []
        """Each datagram and its source; a request that was sent again is in it again."""

        self.times: list[float] = []
        """When each of them came, by the time of day."""

        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    @property
    def requests(self) -> list[tuple[bytes, tuple[str, int]]]:
        """Each request once: if our answer is late, it is sent again (RFC 5080 section 2.2.1)."""
        return list(dict.fromkeys(self.heard))

    def _run(self) -> None:
        while True:
            datagram, address = self._socket.recvfrom(4096)
            if not datagram:
                return
            self.times.append(time.time())
            self.heard.append((datagram, address[:2]))
            reply_to = self._replies.pop(0) if self._replies else self._then
            for reply in reply_to(datagram) if reply_to else ():
                self._socket.sendto(reply, address)


def reply(
    code: int = ACK,
    attributes: bytes = b"",
    *,
    secret: bytes = SECRET,
    identifier: int = 0,
    signed: bool = False,
) -> Replies:
    """A reply made from the request.

    Args:
        code: of the reply.
        attributes: as octets.
        secret: signs it.
        identifier: added to the request's.
        signed: with Message-Authenticator, too.
    """

    def made(request: bytes) -> list[bytes]:
        body = attributes
        head = struct.pack("!BB", code, (request[1] + identifier) % 256)
        if signed:
            unsigned = body + b"\x50\x12" + bytes(16)
            length = struct.pack("!H", 20 + len(unsigned))
            digest = hmac.digest(secret, head + length + request[4:20] + unsigned, "md5")
            body += b"\x50\x12" + digest
        head += struct.pack("!H", 20 + len(body))
        return [head + hashlib.md5(head + request[4:20] + body + secret).digest() + body]

    return made


def error_cause(number: int) -> bytes:
    """The attribute Error-Cause."""
    return b"\x65\x06" + number.to_bytes(4)
