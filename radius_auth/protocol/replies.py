"""Encodes the replies to Access-Requests, Status-Server and Accounting-Requests.

``pyrad`` is the reference: a property test checks that both build the same octets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from radius_auth.protocol.authenticators import NO_DIGEST, md5, secret_of
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import MAX_LENGTH, MIN_LENGTH, Attribute, Code, Discarded

if TYPE_CHECKING:
    from nexio.network.following import FollowedVisit
    from radius_auth.protocol.packet import Packet

_MAX_TEXT: Final = 253
"""Octets that fit into one attribute."""

_PROXY_STATE: Final = int(Attribute.PROXY_STATE)
_EAP_MESSAGE: Final = int(Attribute.EAP_MESSAGE)
_ACCEPT, _REJECT = int(Code.ACCESS_ACCEPT), int(Code.ACCESS_REJECT)

_SIGNATURE: Final = bytes([Attribute.MESSAGE_AUTHENTICATOR, 2 + len(NO_DIGEST)])
_UNSIGNED: Final = _SIGNATURE + NO_DIGEST
_SIGNATURE_END: Final = len(_UNSIGNED)
_HEAD: Final = struct.Struct("!BBH").pack
_TIMEOUT_AND_CLASS: Final = struct.Struct("!BBIBB").pack
_SESSION_TIMEOUT, _CLASS = int(Attribute.SESSION_TIMEOUT), int(Attribute.CLASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReply:
    """The answer to a Status-Server (RFC 5997 section 3)."""

    reply_message: str
    statistics: tuple[str, ...] = ()
    """Further Reply-Messages (section 4.2)."""


def class_of(visit: FollowedVisit) -> bytes:
    """The Class attribute, by which accounting finds the token again (R12)."""
    return b"nexio/%d/%d/%d" % (visit.location_id, visit.id, visit.token_id or 0)


def encode_accept(
    packet: Packet, secret: bytes, session_timeout: int, class_: bytes, more: bytes = b""
) -> bytes:
    """Encode an Access-Accept (R12).

    Args:
        packet: the request.
        secret: the one that is shared with its NAS.
        session_timeout: seconds, at least 1: some NAS take 0 for unlimited.
        class_: the Class, by which accounting finds the token.
        more: further attributes, ready to be sent.

    Raises:
        ValueError: a time that a NAS would not enforce.
        Discarded: no packet can carry so much Proxy-State.
    """
    if session_timeout < 1:
        raise ValueError("an accept needs a Session-Timeout of at least one second")
    limits = _TIMEOUT_AND_CLASS(_SESSION_TIMEOUT, 6, session_timeout, _CLASS, 2 + len(class_))
    return _sign(packet, secret, _ACCEPT, limits + class_ + more)


def encode_reject(packet: Packet, secret: bytes, reply_message: str | None = None) -> bytes:
    """Encode an Access-Reject.

    Raises:
        Discarded: as in :func:`encode_accept`.
    """
    # RFC 3579 section 2.6.5: no Reply-Message beside EAP-Message.
    if not reply_message or _EAP_MESSAGE in packet.first:
        return _sign(packet, secret, _REJECT, b"")
    return _sign(packet, secret, _REJECT, b"", _text(reply_message))


def encode_status(packet: Packet, secret: bytes, reply: StatusReply) -> bytes:
    """Answer a Status-Server on the authentication port, by an Access-Accept (RFC 5997)."""
    words = b"".join(map(_text, (reply.reply_message, *reply.statistics)))
    return _sign(packet, secret, _ACCEPT, b"", words)


def encode_accounting_response(packet: Packet, secret: bytes) -> bytes:
    """Encode the answer to an Accounting-Request whose record is stored, or to a Status-Server.

    RFC 2866 section 4.2: it has no attributes but Proxy-State, which is returned as it was sent.
    To Status-Server it is signed with a Message-Authenticator (RFC 5997 section 3).

    Raises:
        Discarded: no packet can carry so much Proxy-State.
    """
    if packet.code == Code.STATUS_SERVER:
        return _sign(packet, secret, Code.ACCOUNTING_RESPONSE, b"")
    attributes = _proxy_states(packet)
    length = MIN_LENGTH + len(attributes)
    if length > MAX_LENGTH:
        raise Discarded(DiscardReason.REPLY_TOO_LONG)
    head = _HEAD(Code.ACCOUNTING_RESPONSE, packet.identifier, length)
    return _authenticate(head, packet.authenticator, attributes, secret)


def _sign(packet: Packet, secret: bytes, code: int, attributes: bytes, words: bytes = b"") -> bytes:
    """Build a signed reply.

    Message-Authenticator comes first (draft-ietf-radext-deprecating-radius section 5.3.6),
    computed with the Request Authenticator in the header (RFC 3579 section 3.2).
    """
    if _PROXY_STATE in packet.first:
        attributes += _proxy_states(packet)
    length = MIN_LENGTH + _SIGNATURE_END + len(attributes)
    # RFC 2865 section 3: drop the words if the Proxy-States leave no room for them.
    if words and length + len(words) <= MAX_LENGTH:
        attributes, length = words + attributes, length + len(words)
    if length > MAX_LENGTH:
        raise Discarded(DiscardReason.REPLY_TOO_LONG)
    head, authenticator = _HEAD(code, packet.identifier, length), packet.authenticator
    signature = secret_of(secret).hmac(b"".join((head, authenticator, _UNSIGNED, attributes)))
    return _authenticate(head, authenticator, b"".join((_SIGNATURE, signature, attributes)), secret)


def _authenticate(head: bytes, authenticator: bytes, attributes: bytes, secret: bytes) -> bytes:
    """Add the Response Authenticator, which is computed last (RFC 2865 section 3)."""
    digest = md5(b"".join((head, authenticator, attributes, secret))).digest()
    return b"".join((head, digest, attributes))


def _proxy_states(packet: Packet) -> bytes:
    """The Proxy-States as they were sent, in their order (RFC 2865 section 5.33)."""
    if _PROXY_STATE not in packet.first:
        return b""
    return b"".join(map(_proxy_state, packet.values(_PROXY_STATE)))


def _proxy_state(value: bytes) -> bytes:
    return bytes([_PROXY_STATE, 2 + len(value)]) + value


def _text(text: str) -> bytes:
    """A Reply-Message with as many whole characters as it holds (RFC 2865 section 5.18)."""
    octets = text.encode()[:_MAX_TEXT].decode(errors="ignore").encode()
    return bytes([Attribute.REPLY_MESSAGE, 2 + len(octets)]) + octets
