"""A server that answers only Status-Server."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from radius_auth.protocol.packet import read_packet
from radius_auth.protocol.replies import StatusReply, encode_status
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def bound() -> Iterator[socket.socket]:
    """A program on a UDP port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        yield opened


@contextmanager
def saying(words: str) -> Iterator[int]:
    """A RADIUS server with this status, on that port."""

    def answer(opened: socket.socket) -> None:
        datagram, sender = opened.recvfrom(4096)
        reply = encode_status(read_packet(datagram), SECRET, StatusReply(reply_message=words))
        opened.sendto(reply, sender)

    with bound() as opened:
        opened.settimeout(30)
        answering = threading.Thread(target=answer, args=(opened,))
        answering.start()
        yield int(opened.getsockname()[1])
        answering.join(30)
