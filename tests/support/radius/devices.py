"""Devices that log in with one visit's PIN at the same moment, each from a port of its own."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import GUEST_MESSAGES
from radius_auth.protocol.packet import Attribute, Code
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexio.reception.visits import Visit

AGAIN_SECONDS: Final = 1.0
"""A NAS without an answer sends the same request again."""


def log_in(visit: Visit, ports: Mapping[str, int], *, insist: bool = False) -> dict[str, Code]:
    """Log in with each device at the server of its port; what each of them gets.

    Args:
        visit: whose PIN.
        ports: of the servers, by device.
        insist: log in again where the store was too slow to say.
    """
    codes: dict[str, Code] = {}
    waiting: dict[socket.socket, tuple[str, bytes]] = {}
    deadline, again = time.monotonic() + PATIENCE, 0.0
    with ExitStack() as stack:

        def ask(mac: str) -> None:
            asking = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            asking.connect(("127.0.0.1", ports[mac]))
            waiting[asking] = mac, _request(visit, mac)

        for mac in ports:
            ask(mac)
        while waiting:
            silent = [mac for mac, _ in waiting.values()]
            assert time.monotonic() < deadline, f"no answer to {silent}"
            if time.monotonic() >= again:
                again = time.monotonic() + AGAIN_SECONDS
                for asking, (_, datagram) in waiting.items():
                    asking.send(datagram)
            for asking in select.select([*waiting], [], [], max(0.0, again - time.monotonic()))[0]:
                mac, datagram = waiting.pop(asking)
                reply = verified(datagram, asking.recv(4096))
                if insist and _TRY_AGAIN in reply.by_type.get(Attribute.REPLY_MESSAGE, ()):
                    ask(mac)  # in a moment
                else:
                    codes[mac] = Code(reply.code)
    return codes


_TRY_AGAIN: Final = GUEST_MESSAGES[Reason.UNCOUNTED].encode()


def _request(visit: Visit, mac: str) -> bytes:
    station: dict[int, list[bytes]] = {Attribute.CALLING_STATION_ID: [mac.encode()]}
    return access_request(visit.email, visit.pin.encode(), attributes=station)
