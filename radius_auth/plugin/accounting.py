"""Accounting in FreeRADIUS: hands requests to the companion, which stores them.

FreeRADIUS makes one call of Python at a time, so all logins wait as long as this call does.
"""

from __future__ import annotations

import ipaddress
import logging
import select
import socket
import time
from typing import TYPE_CHECKING, Final

from radius_auth.companion.channel import Channel, Closed, encoded
from radius_auth.companion.messages import ToCompanion
from radius_auth.plugin.pairs import octets
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Acct, Attribute, Discarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from radius_auth.plugin.pairs import Values
    from radius_auth.protocol.packet import Kind

log = logging.getLogger(__name__)

LONGEST_WAIT: Final = 0.25
"""Seconds that a call waits for the disk, while logins wait for the call."""

AUTHENTICATOR: Final = "Tmp-Octets-0"
"""The Request Authenticator."""

_AUTHENTICATOR_OCTETS: Final = 16


def _number(text: str) -> bytes:
    return int(text).to_bytes(4)


def _marked(text: str) -> bytes:
    """Octets of text with a mark before it, as the text itself may begin with ``0x``."""
    return octets(text)[1:]


def _address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


_READ: Final[Mapping[str, tuple[int, Callable[[str], bytes]]]] = {
    # FreeRADIUS's name of an attribute whose length does not fit its type.
    **{
        f"Attr-{int(kind)}": (int(kind), octets)
        for kind in (*Acct, Attribute.NAS_IP_ADDRESS, Attribute.NAS_IPV6_ADDRESS)
    },
    "Tmp-Octets-1": (int(Attribute.USER_NAME), octets),
    "Tmp-Octets-2": (int(Attribute.CALLED_STATION_ID), octets),
    "Tmp-Octets-3": (int(Attribute.CALLING_STATION_ID), octets),
    "Tmp-Octets-4": (int(Attribute.NAS_IDENTIFIER), octets),
    "Tmp-Octets-5": (int(Acct.SESSION_ID), octets),
    "Tmp-Octets-6": (int(Acct.EVENT_TIMESTAMP), octets),
    "Tmp-String-4": (int(Acct.SESSION_ID), _marked),
    "Tmp-String-5": (int(Attribute.USER_NAME), _marked),
    "Tmp-String-6": (int(Attribute.CALLED_STATION_ID), _marked),
    "Tmp-String-7": (int(Attribute.CALLING_STATION_ID), _marked),
    "Tmp-String-8": (int(Attribute.NAS_IDENTIFIER), _marked),
    "Tmp-Integer-0": (int(Acct.STATUS_TYPE), _number),
    "Tmp-Integer-1": (int(Acct.TERMINATE_CAUSE), _number),
    "Class": (int(Attribute.CLASS), octets),
    "NAS-IP-Address": (int(Attribute.NAS_IP_ADDRESS), _address),
    "NAS-IPv6-Address": (int(Attribute.NAS_IPV6_ADDRESS), _address),
    "Acct-Delay-Time": (int(Acct.DELAY_TIME), _number),
    "Acct-Input-Octets": (int(Acct.INPUT_OCTETS), _number),
    "Acct-Output-Octets": (int(Acct.OUTPUT_OCTETS), _number),
    "Acct-Session-Time": (int(Acct.SESSION_TIME), _number),
    "Acct-Input-Gigawords": (int(Acct.INPUT_GIGAWORDS), _number),
    "Acct-Output-Gigawords": (int(Acct.OUTPUT_GIGAWORDS), _number),
}
"""How to read each attribute: those in ``Tmp-…`` as ``nexio_account`` in ``policy.d`` sets them."""


def read_accounting(values: Values) -> tuple[bytes, dict[Kind, list[bytes]]]:
    """The Request Authenticator, and the attributes that a record needs.

    Args:
        values: as FreeRADIUS hands them over.

    Raises:
        Discarded: they are not as our ``policy.d/nexio`` hands them over.
    """
    found: dict[Kind, list[bytes]] = {}
    for name, texts in values.all():
        if name in _READ:
            kind, read = _READ[name]
            found.setdefault(kind, []).extend(map(read, texts))
    authenticator = octets(values.first.get(AUTHENTICATOR, ""))
    if len(authenticator) != _AUTHENTICATOR_OCTETS:
        raise Discarded(DiscardReason.NOT_HANDED_OVER)
    return authenticator, found


class Accounts:
    """Has requests stored by the companion, and waits for that, but only briefly.

    FreeRADIUS calls from one thread at a time.

    Args:
        address: of the companion's socket for accounting.
        wait: the longest wait in seconds.
    """

    def __init__(self, address: bytes, wait: float = LONGEST_WAIT) -> None:
        self._address = address
        self._wait = wait
        self._channel: Channel | None = None
        self._number = self._answered = 0
        self._is_stored = False
        """Whether the latest answered request is stored."""

    def store(self, at: float, host: str, values: Values) -> bool:
        """Have a request stored, if possible.

        While an earlier one waits for the disk, this one is handed over without waiting: it is
        stored when the disk works again, and answered when its NAS sends it again.

        Args:
            at: when it arrived.
            host: its source.
            values: see :func:`read_accounting`.

        Returns:
            Whether it is on a disk; if not, the companion logs why.

        Raises:
            Discarded: the disk, or the companion, takes too long; or see :func:`read_accounting`.
        """
        message = (at, host, *read_accounting(values))
        until = time.monotonic() + self._wait
        for _ in range(2):  # try again if the companion has ended since the last call
            try:
                return self._ask(message, until)
            except Closed:
                self.close()
        raise Discarded(DiscardReason.NOT_STORED)

    def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _ask(self, message: tuple[object, ...], until: float) -> bool:
        channel = self._connected()
        self._listen(channel)
        is_behind = self._answered < self._number
        if channel.is_backed_up:
            raise Discarded(DiscardReason.NOT_STORED)
        self._number += 1
        channel.send(encoded(ToCompanion.ACCOUNTING, self._number, *message))
        poll = select.poll()  # select() takes no descriptor beyond 1023, and FreeRADIUS has many
        poll.register(channel, select.POLLIN)
        while (
            not is_behind
            and self._answered < self._number
            and (left := until - time.monotonic()) > 0
        ):
            poll.poll(1000 * left)
            self._listen(channel)
        if self._answered < self._number:
            raise Discarded(DiscardReason.NOT_STORED)
        return self._is_stored

    def _connected(self) -> Channel:
        if self._channel is None:
            opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            opened.settimeout(0)  # a companion that is stuck must not block this
            try:
                opened.connect(self._address)
            except OSError as error:
                opened.close()
                raise Closed from error
            self._channel, self._answered = Channel(opened), self._number
        return self._channel

    def _listen(self, channel: Channel) -> None:
        channel.flush()
        for _, number, is_stored in channel.receive():
            self._answered, self._is_stored = number, is_stored
