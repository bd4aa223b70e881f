"""Asks a NAS to end a session (RFC 5176; Must 19)."""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from nexio.errors import NotFound, Unreachable
from nexio.network.endings import is_gone
from nexio.network.nas_profiles import profile_of
from radius_auth.protocol.authenticators import check_message_authenticator, is_signed
from radius_auth.protocol.packet import Code, Discarded, Packet, read_packet
from radius_auth.protocol.printable import is_as_sent
from radius_auth.protocol.pyrad_codec import Peer, encode_disconnect_request
from radius_auth.replica.nas_index import NasIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from nexio.network.nas import Nas
    from nexio.network.sessions import WifiSession

ERROR_CAUSE = 101
"""RFC 5176 section 3.5."""

TRANSMISSIONS = 3

_ALWAYS: Final = {"Event-Timestamp"}
"""RFC 5176 section 6.3: against replays."""


class DisconnectOutcome(StrEnum):
    """How the NAS answered."""

    ACK = "ack"
    NAK = "nak"
    TIMEOUT = "timeout"


_OUTCOMES: Final[Mapping[int, DisconnectOutcome]] = {
    Code.DISCONNECT_ACK: DisconnectOutcome.ACK,
    Code.DISCONNECT_NAK: DisconnectOutcome.NAK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectReply:
    """The answer of the NAS.  Its Accounting Stop ends the session, not its ACK."""

    outcome: DisconnectOutcome
    error_cause: int | None = None
    is_gone: bool = field(default=False, compare=False)
    """The NAS has no such session (any more)."""


def peer_of(entries: Sequence[Nas], session: WifiSession, timeout: float) -> Peer:
    """The NAS to ask: at the session's source address, or the host and port set for it.

    Args:
        entries: all NAS.
        session: which.
        timeout: seconds to wait after each transmission.

    Raises:
        NotFound: no NAS entry has a secret for it any more.
        KeyUnusable: the secret cannot be read.
    """
    nas = _nas_of(entries, session)
    if nas is None:
        raise NotFound(
            f"no NAS stands for {session.source_address} any more, so there is no secret",
            "See what there is with: nexio nas list",
        )
    profile = profile_of(nas.profile)
    return Peer(
        address=nas.disconnect_host or session.source_address,
        port=nas.disconnect_port or profile.disconnect_port,
        secret=nas.known_secret,
        timeout=timeout,
        transmissions=TRANSMISSIONS,
        source=nas.disconnect_source,
        identified_by=profile.identified_by,
        bare_nak_is_gone=profile.bare_nak_is_gone,
    )


def attributes_of(
    session: WifiSession, user_name: bytes | None, now: datetime
) -> dict[str, str | bytes | int]:
    """The attributes that identify the NAS and the session, as far as known exactly as sent.

    RFC 5176 section 3; section 6.3 wants Event-Timestamp against replays.

    Args:
        session: which.
        user_name: exactly the octets that were sent: CoovaChilli needs them.  None where they were
            not stored; then the one of the store is used, unless some of it is masked.
        now: the time of asking.
    """
    address = session.nas_address or ""
    known = {
        "User-Name": session.user_name,
        "NAS-IPv6-Address" if ":" in address else "NAS-IP-Address": address,
        "NAS-Identifier": session.nas_identifier,
        "Acct-Session-Id": session.session_id,
        "Calling-Station-Id": session.calling_station,
    }
    exact = {"User-Name": user_name, "Acct-Session-Id": bytes.fromhex(session.session_id_hex or "")}
    return {
        **{name: text for name, text in known.items() if text and is_as_sent(text)},
        **{name: octets for name, octets in exact.items() if octets},
        "Event-Timestamp": int(now.timestamp()),
    }


def disconnect(peer: Peer, attributes: Mapping[str, str | bytes | int]) -> DisconnectReply:
    """:func:`ask_to_disconnect` for callers that may block."""
    return asyncio.run(ask_to_disconnect(peer, attributes))


async def ask_to_disconnect(
    peer: Peer, attributes: Mapping[str, str | bytes | int]
) -> DisconnectReply:
    """Send a Disconnect-Request and wait for an answer that verifies.

    Every transmission is the same octets from the same port (RFC 5080 section 2.2.1).

    Raises:
        Unreachable: no such host.
    """
    wanted = attributes.keys() if peer.identified_by is None else peer.identified_by | _ALWAYS
    named = {name: value for name, value in attributes.items() if name in wanted}
    octets = encode_disconnect_request(peer.secret, secrets.randbelow(256), named)
    loop = asyncio.get_running_loop()
    family, address = await _resolve(peer)
    try:
        line, waiting = await loop.create_datagram_endpoint(
            lambda: _Waiting(read_packet(octets), peer),
            family=family,
            remote_addr=address[:2],
            local_addr=None if peer.source is None else (peer.source, 0),
        )
    except OSError:  # no route at this moment, or the address is not ours (any more)
        return DisconnectReply(outcome=DisconnectOutcome.TIMEOUT)
    try:
        for _ in range(peer.transmissions):
            line.sendto(octets)
            done, _pending = await asyncio.wait([waiting.reply], timeout=peer.timeout)
            if done:
                return waiting.reply.result()
    finally:
        line.close()
    return DisconnectReply(outcome=DisconnectOutcome.TIMEOUT)


class _Waiting(asyncio.DatagramProtocol):
    """Waits for the first answer that verifies; other answers do not end the wait.

    Nor does an ICMP message of a router that nobody is there: it may be forged.
    """

    def __init__(self, request: Packet, peer: Peer) -> None:
        self._request, self._peer = request, peer
        self.reply: asyncio.Future[DisconnectReply] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _: object) -> None:
        with suppress(Discarded):
            reply = _read(data, self._request, self._peer)
            if reply is not None and not self.reply.done():
                self.reply.set_result(reply)


def _nas_of(entries: Sequence[Nas], session: WifiSession) -> Nas | None:
    for nas in entries:
        if nas.id == session.nas_id:
            return nas
    client = NasIndex(entries).find(session.source_address)
    return None if client is None else client.entries[0]


async def _resolve(peer: Peer) -> tuple[int, Any]:
    """Family and address for a socket."""
    loop, kind = asyncio.get_running_loop(), socket.SOCK_DGRAM
    try:
        with suppress(socket.gaierror):  # an address needs no thread
            flags = socket.AI_NUMERICHOST
            found = socket.getaddrinfo(peer.address, peer.port, type=kind, flags=flags)
            return found[0][0], found[0][4]
        async with asyncio.timeout(peer.timeout):
            found = await loop.getaddrinfo(peer.address, peer.port, type=kind)
    except (OSError, UnicodeError) as error:
        raise Unreachable(
            f"{peer.address} is not a host that can be found",
            "Set another one with: nexio nas edit NAME --disconnect-host HOST",
        ) from error
    family, *_, address = found[0]
    return family, address


def _read(datagram: bytes, request: Packet, peer: Peer) -> DisconnectReply | None:
    reply, secret = read_packet(datagram), peer.secret
    outcome = _OUTCOMES.get(reply.code)
    if outcome is None or reply.identifier != request.identifier:
        return None
    if not is_signed(reply, secret, request.authenticator):  # RFC 5176 section 3.4
        return None
    check_message_authenticator(reply, secret, request.authenticator)
    causes = [value for value in reply.values(ERROR_CAUSE) if len(value) == 4]  # noqa: PLR2004
    cause = int.from_bytes(causes[0]) if causes else None
    gone = is_gone(outcome.value, cause, bare_nak_is_gone=peer.bare_nak_is_gone)
    return DisconnectReply(outcome=outcome, error_cause=cause, is_gone=gone)
