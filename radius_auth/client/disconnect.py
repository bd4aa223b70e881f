"""Asks a NAS to end a session (RFC 5176; Must 19)."""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from nexio.errors import NotFound, Unreachable
from nexio.network.masking import MASK
from nexio.network.nas import list_nas
from nexio.network.nas_texts import DISCONNECT_PORT
from radius_auth.protocol.authenticators import check_message_authenticator, is_signed
from radius_auth.protocol.packet import MAX_LENGTH, Code, Discarded, Packet, read_packet
from radius_auth.protocol.printable import LONGEST
from radius_auth.protocol.pyrad_codec import Peer, encode_disconnect_request
from radius_auth.replica.nas_index import NasIndex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nexio.network.nas import Nas
    from nexio.network.sessions import WifiSession
    from nexio.store.engine import Reading

ERROR_CAUSE = 101
"""RFC 5176 section 3.5."""

TRANSMISSIONS = 3


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


def peer_of(work: Reading, session: WifiSession, timeout: float) -> Peer:
    """The NAS to ask: at the session's source address, or the host and port set for it.

    Args:
        work: the store.
        session: which.
        timeout: seconds to wait after each transmission.

    Raises:
        NotFound: no NAS entry has a secret for it any more.
    """
    nas = _nas_of(list_nas(work), session)
    if nas is None:
        raise NotFound(
            f"no NAS stands for {session.source_address} any more, so there is no secret",
            "See what there is with: nexio nas list",
        )
    return Peer(
        address=nas.disconnect_host or session.source_address,
        port=nas.disconnect_port or DISCONNECT_PORT,
        secret=nas.secret,
        timeout=timeout,
        transmissions=TRANSMISSIONS,
    )


def attributes_of(
    session: WifiSession, user_name: bytes | None, now: datetime
) -> dict[str, str | bytes | int]:
    """The attributes that identify the NAS and the session, those that are known as they were sent.

    RFC 5176 section 3; section 6.3 wants Event-Timestamp against replays.

    Args:
        session: which.
        user_name: as it was sent, octet for octet: CoovaChilli needs it so.  None where it was
            not kept; then the one that the store shows counts, unless some of it is masked.
        now: the time of asking.
    """
    address = session.nas_address or ""
    known = {
        "User-Name": "" if user_name else session.user_name,
        "NAS-IPv6-Address" if ":" in address else "NAS-IP-Address": address,
        "NAS-Identifier": session.nas_identifier,
        "Acct-Session-Id": session.session_id,
        "Calling-Station-Id": session.calling_station,
    }
    sent = {name: text for name, text in known.items() if text and _is_as_sent(text)}
    name = {"User-Name": user_name} if user_name else {}
    return {**name, **sent, "Event-Timestamp": int(now.timestamp())}


def disconnect(peer: Peer, attributes: Mapping[str, str | bytes | int]) -> DisconnectReply:
    """Send a Disconnect-Request and wait for an answer that verifies.

    Every transmission is the same octets from the same port (RFC 5080 section 2.2.1).

    Raises:
        Unreachable: no such host.
    """
    identifier = secrets.randbelow(256)
    request = read_packet(encode_disconnect_request(peer.secret, identifier, attributes))
    family, address = _resolve(peer)
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        for _ in range(peer.transmissions):
            until = time.monotonic() + peer.timeout
            try:
                asking.sendto(request.octets, address)
            except OSError:  # no route at this moment: as if it had been lost
                time.sleep(peer.timeout)
                continue
            answer = _wait(asking, request, peer.secret, until)
            if answer is not None:
                return answer
    return DisconnectReply(outcome=DisconnectOutcome.TIMEOUT)


def _nas_of(entries: list[Nas], session: WifiSession) -> Nas | None:
    for nas in entries:
        if nas.id == session.nas_id:
            return nas
    client = NasIndex(entries).find(session.source_address)
    return None if client is None else client.entries[0]


def _is_as_sent(text: str) -> bool:
    """Whether the store has it whole: not masked, escaped or cut."""
    return MASK not in text and "\\" not in text and len(text.encode()) < LONGEST


def _resolve(peer: Peer) -> tuple[int, Any]:
    """Family and address for a socket."""
    try:
        found = socket.getaddrinfo(peer.address, peer.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(
            f"{peer.address} is not a host that can be found",
            "Set another one with: nexio nas edit NAME --disconnect-host HOST",
        ) from error
    family, *_, address = found[0]
    return family, address


def _wait(
    asking: socket.socket, request: Packet, secret: bytes, until: float
) -> DisconnectReply | None:
    """The first answer that verifies; others do not end the wait."""
    while (left := until - time.monotonic()) > 0:
        asking.settimeout(left)
        # OSError: the time is over, or a router says that nobody is there, which may be a lie.
        with suppress(OSError, Discarded):
            answer = _read(asking.recv(MAX_LENGTH), request, secret)
            if answer is not None:
                return answer
    return None


def _read(datagram: bytes, request: Packet, secret: bytes) -> DisconnectReply | None:
    reply = read_packet(datagram)
    outcome = _OUTCOMES.get(reply.code)
    if outcome is None or reply.identifier != request.identifier:
        return None
    if not is_signed(reply, secret, request.authenticator):  # RFC 5176 section 3.4
        return None
    check_message_authenticator(reply, secret, request.authenticator)
    causes = [value for value in reply.values(ERROR_CAUSE) if len(value) == 4]  # noqa: PLR2004
    return DisconnectReply(
        outcome=outcome, error_cause=int.from_bytes(causes[0]) if causes else None
    )
