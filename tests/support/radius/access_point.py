"""An access point with devices on it: it tells of them by accounting, and takes disconnects.

Both over real UDP.  What it does with a Disconnect-Request is its kind (RFC 5176); like a real one
it first checks who signed the request, and when.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from radius_auth.protocol.authenticators import check_message_authenticator
from radius_auth.protocol.packet import Acct, Attribute, Code, Packet, read_packet
from tests.support.radius.accounting_requests import (
    ON,
    START,
    STOP,
    UPDATE,
    accounting_request,
    answered,
    number,
)
from tests.support.radius.fake_nas import ACK, NAK, error_cause, reply
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Kind = Callable[["AccessPoint", "Asked"], None]
    """What it does with a request."""

RESENT_AFTER: Final = 1.0
"""Seconds without an Accounting-Response."""

ADMIN_RESET: Final = 6
TIME_WINDOW: Final = 300
"""Seconds that Event-Timestamp may be off (RFC 5176 section 6.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A guest's device that is on."""

    session: bytes
    """Acct-Session-Id."""

    user_name: bytes
    login: bytes
    """The Class of its accept."""

    station: bytes
    identifier: bytes = b"lobby"
    """NAS-Identifier of the access point that it is on: behind NAT there are several."""

    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A Disconnect-Request that verifies."""

    octets: bytes
    source: tuple[str, int]
    device: Device | None
    """Whom it names; None where there is no such session (any more)."""

    before: int
    """How many transmissions about that session came before."""


class AccessPoint:
    """Takes Disconnect-Requests in a thread; leaving the context ends it.

    Args:
        kind: what it does with them.
        host: an address of loopback.
        accounting_port: of the server.
    """

    def __init__(self, kind: Kind, host: str, accounting_port: int) -> None:
        self.host = host
        self.heard: list[Packet] = []
        """The requests that verify, each transmission."""

        self.devices: list[Device] = []
        """Who is on."""

        self._kind = kind
        self._server = ("127.0.0.1", accounting_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._identifier = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def begin(self, device: Device) -> None:
        """Let a device on, and tell the server."""
        self.devices.append(device)
        self.tell(START, device)

    def end(self, device: Device, cause: int | None = ADMIN_RESET) -> None:
        """Throw a device off, and tell the server."""
        self.devices.remove(device)
        because: dict[int, list[bytes]] = {}
        if cause is not None:
            because[Acct.TERMINATE_CAUSE] = number(cause)
        self.tell(STOP, device, because)

    def reboot(self, identifier: bytes) -> None:
        """Let one access point lose all its devices, and tell the server only that."""
        self.devices = [each for each in self.devices if each.identifier != identifier]
        who = {Attribute.NAS_IDENTIFIER: [identifier]}
        self._send(accounting_request(ON, who, session=b"", identifier=self._next()))

    def tell(
        self,
        status: int,
        device: Device,
        more: Mapping[int, list[bytes]] | None = None,
        *,
        seconds: int | None = None,
        times: int = 1,
    ) -> None:
        """Send one Accounting-Request until it is answered.

        Args:
            status: Acct-Status-Type.
            device: about whom.
            more: further attributes.
            seconds: Acct-Session-Time; as long as it has been on, if nothing is said.
            times: how often each transmission is sent.
        """
        been_on = round(time.monotonic() - device.began) if seconds is None else seconds
        counted: dict[int, list[bytes]] = {}
        if status != START:
            counted[Acct.SESSION_TIME] = number(been_on)
        attributes: dict[int, list[bytes]] = {
            Attribute.USER_NAME: [device.user_name],
            Attribute.CALLING_STATION_ID: [device.station],
            Attribute.NAS_IDENTIFIER: [device.identifier],
            Attribute.CLASS: [device.login],
            **counted,
            **(more or {}),
        }
        session, identifier = device.session, self._next()
        self._send(
            accounting_request(status, attributes, session=session, identifier=identifier), times
        )

    def answer(self, asked: Asked, code: int, cause: int | None = None) -> None:
        """Answer a request, as the secret demands."""
        self.send_reply(
            asked, reply(code, b"" if cause is None else error_cause(cause))(asked.octets)
        )

    def send_reply(self, asked: Asked, datagrams: Sequence[bytes]) -> None:
        """Answer a request by any octets."""
        for each in datagrams:
            self._socket.sendto(each, asked.source)

    def _next(self) -> int:
        self._identifier = (self._identifier + 1) % 256
        return self._identifier

    def _send(self, datagram: bytes, times: int = 1) -> None:
        deadline = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind((self.host, 0))
            line.settimeout(RESENT_AFTER)
            while time.monotonic() < deadline:
                for _ in range(times):
                    line.sendto(datagram, self._server)
                try:
                    answered(datagram, line.recv(4096))
                except TimeoutError:
                    continue
                return
        raise AssertionError("no Accounting-Response")

    def _run(self) -> None:
        while True:
            octets, source = self._socket.recvfrom(4096)
            if not octets:
                return
            request = read_packet(octets)
            digest = hashlib.md5(octets[:4] + bytes(16) + octets[20:] + SECRET).digest()
            if request.code != Code.DISCONNECT_REQUEST or request.authenticator != digest:
                continue
            check_message_authenticator(request, SECRET, bytes(16))
            (stamp,) = request.values(Acct.EVENT_TIMESTAMP)
            if abs(time.time() - int.from_bytes(stamp)) > TIME_WINDOW:
                continue
            self.heard.append(request)
            self._kind(self, self._asked(octets, source, request))

    def _asked(self, octets: bytes, source: tuple[str, int], request: Packet) -> Asked:
        session = request.values(Acct.SESSION_ID)
        same = [each for each in self.heard if each.values(Acct.SESSION_ID) == session]
        named = (device for device in self.devices if _is_named(device, request))
        return Asked(octets=octets, source=source, device=next(named, None), before=len(same) - 1)


def _is_named(device: Device, request: Packet) -> bool:
    """RFC 5176 section 3: all that identifies a session must fit."""
    fits = {
        Acct.SESSION_ID: device.session,
        Attribute.USER_NAME: device.user_name,
        Attribute.CALLING_STATION_ID: device.station,
        Attribute.NAS_IDENTIFIER: device.identifier,
    }
    return all(request.values(kind) in ([], [value]) for kind, value in fits.items())


def obedient(nas: AccessPoint, asked: Asked) -> None:
    """As the RFC has it: an ACK, and the Stop; nothing that it does not know."""
    if asked.device is None:
        nas.answer(asked, NAK, 503)
    else:
        nas.answer(asked, ACK)
        nas.end(asked.device)


def deaf(_nas: AccessPoint, _asked: Asked) -> None:
    """It has no such thing as a disconnect."""


def says_yes(nas: AccessPoint, asked: Asked) -> None:
    """It acknowledges and does nothing; its next Interim tells."""
    nas.answer(asked, ACK)


def of_another_secret(nas: AccessPoint, asked: Asked) -> None:
    """Its replies do not verify."""
    nas.send_reply(asked, reply(ACK, secret=b"another secret")(asked.octets))


def refusing(cause: int | None) -> Kind:
    """It says no, and why."""

    def refuse(nas: AccessPoint, asked: Asked) -> None:
        nas.answer(asked, NAK, cause)

    return refuse


def slow_to_hear(nas: AccessPoint, asked: Asked) -> None:
    """It answers the third transmission only."""
    if asked.before >= 2:
        obedient(nas, asked)


def of_two_minds(nas: AccessPoint, asked: Asked) -> None:
    """It refuses three requests, and obeys the fourth."""
    if asked.before < 3:
        nas.answer(asked, NAK, 501)
    else:
        obedient(nas, asked)


def rebooting(nas: AccessPoint, asked: Asked) -> None:
    """It is so surprised that it starts anew."""
    if asked.device is not None:
        nas.reboot(asked.device.identifier)


def stuttering(nas: AccessPoint, asked: Asked) -> None:
    """It sends everything twice and in a wrong order: the Stop, then what came before."""
    device = asked.device
    if device is None:
        nas.answer(asked, NAK, 503)
        return
    for _ in range(2):
        nas.answer(asked, ACK)
    nas.devices.remove(device)
    nas.tell(STOP, device, {Acct.TERMINATE_CAUSE: number(ADMIN_RESET)}, seconds=100, times=2)
    nas.tell(UPDATE, device, seconds=50, times=2)
    nas.tell(START, device, {Acct.DELAY_TIME: number(100)}, times=2)
