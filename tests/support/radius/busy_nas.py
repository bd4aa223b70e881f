"""Access points with many guests at once, in a thread; they repeat unanswered requests.

They log in, or tell of sessions by accounting.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from radius_auth.protocol.packet import Acct, Attribute, Code
from tests.support.radius.accounting_requests import START, STOP, UPDATE, resigned
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE
from tests.support.radius.signing import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

REPEAT_SECONDS = 3.0
"""An access point asks again after these seconds."""

TRIES = 8

AT_ONCE = 64
"""Requests sent before it looks for answers: a machine that is too slow for the rate gets fewer,
instead of answers that nobody reads."""

Key = tuple[socket.socket, int]
"""A socket of ours, and the Identifier."""


@dataclass(slots=True, kw_only=True, eq=False)
class Sent:
    """A request, and the outcome; times are monotonic seconds."""

    datagram: bytes = field(default=b"", repr=False)
    tries: int = 0
    asked_at: float = 0.0
    """When it was first sent."""

    answered_at: float = 0.0
    code: Code | None = None
    """None until there is an answer."""

    def packet(self, identifier: int) -> bytes:
        """What is sent, each time."""
        raise NotImplementedError


@dataclass(slots=True, kw_only=True, eq=False)
class Login(Sent):
    """A guest who logs in."""

    email: str
    password: str
    chap: bool = False
    device: str = "02-00-00-00-00-01"

    def packet(self, identifier: int) -> bytes:
        """See :class:`Sent`."""
        return datagram_of(self, identifier)


STEPS = (START, UPDATE, STOP)
"""What is told of a session, in this order."""

STEP_SECONDS, STEP_OCTETS = 60, 100
"""How much longer a session has been on, and how much more came in, at each step."""


@dataclass(slots=True, kw_only=True, eq=False)
class Report(Sent):
    """What an access point tells of a session of somebody who is no visitor."""

    session: str
    step: int
    """A place in `STEPS`."""

    def packet(self, identifier: int) -> bytes:
        """See :class:`Sent`."""
        return accounting_of(self, identifier)


Kind = TypeVar("Kind", bound=Sent)


class BusyNas(Generic[Kind]):
    """Sends requests at a fixed rate; leaving the context waits for answers.

    Args:
        port: of the server.
        logins: the guests, or what is told of sessions, in order.
        rate: requests in a second.
        hosts: addresses of loopback, each an access point, used in turn.
        tries: how often to send one.
        answered: called with each answer, in the thread.
    """

    def __init__(
        self,
        port: int,
        logins: Iterable[Kind],
        rate: float,
        *,
        hosts: Sequence[str] = ("127.0.0.1",),
        tries: int = TRIES,
        answered: Callable[[Kind], None] = lambda _: None,
    ) -> None:
        self._there = ("127.0.0.1", port)
        self._logins = iter(logins)
        self._rate = rate
        self._tries = tries
        self._answered = answered
        self._waiting: OrderedDict[Key, Kind] = OrderedDict()
        # Each has 256 Identifiers, and many guests wait while a server is replaced.
        self._sockets = [_bound(host) for host in hosts for _ in range(max(8, round(rate / 20)))]
        keys = [(each, number) for number in range(256) for each in self._sockets]
        self._keys, self._most = cycle(keys), len(keys) // 2
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        self.repeated = 0
        self.given_up: list[Kind] = []
        self.unverified = 0
        """Replies that do not match their request, or have a wrong signature."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more logins, and wait until each one is answered or given up."""
        self._stopping.set()
        self._thread.join((self._tries + 1) * REPEAT_SECONDS + PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for each in self._sockets:
                selector.register(each, selectors.EVENT_READ)
            while self._waiting or not self._stopping.is_set():
                for _ in range(AT_ONCE):
                    is_full = len(self._waiting) >= self._most
                    if is_full or self._stopping.is_set() or self.sent >= self._due(began):
                        break
                    self._send_next()
                for key, _ in selector.select(0.002 if self._waiting else 0.01):
                    assert isinstance(key.fileobj, socket.socket)
                    self._receive(key.fileobj)
                self._repeat()
        for each in self._sockets:
            each.close()

    def _due(self, began: float) -> float:
        return (time.monotonic() - began) * self._rate

    def _send_next(self) -> None:
        login = next(self._logins, None)
        if login is None:
            self._stopping.set()
            return
        key = next(each for each in self._keys if each not in self._waiting)
        login.datagram = login.packet(key[1])
        login.asked_at = time.monotonic()
        self.sent += 1
        self._send(key, login)

    def _send(self, key: Key, login: Kind) -> None:
        login.tries += 1
        self._waiting[key] = login
        self._waiting.move_to_end(key)
        key[0].sendto(login.datagram, self._there)

    def _receive(self, opened: socket.socket) -> None:
        reply = opened.recv(4096)
        login = self._waiting.get((opened, reply[1]))
        if login is None:
            return  # the same answer again, to a repeat that crossed the first one
        if not _is_signed(reply, login.datagram):
            self.unverified += 1
            return
        del self._waiting[opened, reply[1]]
        login.code, login.answered_at = Code(reply[0]), time.monotonic()
        self._answered(login)

    def _repeat(self) -> None:
        while self._waiting:
            key, login = next(iter(self._waiting.items()))
            if time.monotonic() - login.asked_at < login.tries * REPEAT_SECONDS:
                return
            if login.tries == self._tries:
                del self._waiting[key]
                self.given_up.append(login)
            else:
                self.repeated += 1
                self._send(key, login)


def datagram_of(login: Login, identifier: int) -> bytes:
    """Its Access-Request, built by hand: pyrad would take most of a processor."""
    authenticator = os.urandom(16)
    password = login.password.encode()
    if login.chap:
        response = hashlib.md5(b"\x07" + password + authenticator).digest()
        proof = _attribute(Attribute.CHAP_PASSWORD, b"\x07" + response)
    else:
        hidden = int.from_bytes(hashlib.md5(SECRET + authenticator).digest())
        octets = (hidden ^ int.from_bytes(password.ljust(16, b"\0"))).to_bytes(16)
        proof = _attribute(Attribute.USER_PASSWORD, octets)
    body = _attribute(Attribute.USER_NAME, login.email.encode()) + proof
    body += _attribute(Attribute.CALLING_STATION_ID, login.device.encode())
    size = (20 + len(body)).to_bytes(2)
    return sign(bytes([Code.ACCESS_REQUEST, identifier]) + size + authenticator + body)


def accounting_of(report: Report, identifier: int) -> bytes:
    """Its Accounting-Request, built by hand as well."""
    told = {
        Acct.STATUS_TYPE: STEPS[report.step].to_bytes(4),
        Acct.SESSION_ID: report.session.encode(),
        Acct.SESSION_TIME: (STEP_SECONDS * report.step).to_bytes(4),
        Acct.INPUT_OCTETS: (STEP_OCTETS * report.step).to_bytes(4),
        Attribute.USER_NAME: b"staff",
        Attribute.NAS_IDENTIFIER: b"lobby",
    }
    body = b"".join(_attribute(kind, value) for kind, value in told.items())
    size = (20 + len(body)).to_bytes(2)
    return resigned(bytes([Code.ACCOUNTING_REQUEST, identifier]) + size + bytes(16) + body)


def _attribute(kind: int, value: bytes) -> bytes:
    return bytes([kind, len(value) + 2]) + value


def _is_signed(reply: bytes, datagram: bytes) -> bool:
    """RFC 2865 section 3: somebody who knows the secret answered this request."""
    expected = hashlib.md5(reply[:4] + datagram[4:20] + reply[20:] + SECRET).digest()
    return reply[4:20] == expected


def _bound(host: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((host, 0))
    opened.setblocking(False)
    return opened
