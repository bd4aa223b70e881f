"""Verifies the sender and the integrity of packets.

All checks use the raw octets, before a password is read.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import MIN_LENGTH, Attribute, Code, Discarded

if TYPE_CHECKING:
    from radius_auth.protocol.packet import Packet
    from radius_auth.replica.nas_index import Client

try:
    # CPython's own MD5 starts and copies in half of the time of OpenSSL's (benchmarks.path).
    md5: Callable[..., hashlib._Hash] = importlib.import_module("_md5").md5
except ImportError:  # a Python that has only OpenSSL's
    md5 = hashlib.md5

DIGEST_LENGTH: Final = 16
"""Octets of a Message-Authenticator, and of a Request or Response Authenticator."""

NO_DIGEST: Final = bytes(DIGEST_LENGTH)
"""Placeholder of a digest while it is computed."""

_HEAD: Final = 4
"""Octets of code, identifier and Length."""

_MESSAGE_AUTHENTICATOR: Final = int(Attribute.MESSAGE_AUTHENTICATOR)
_PROXY_STATE: Final = int(Attribute.PROXY_STATE)
_EAP_MESSAGE: Final = int(Attribute.EAP_MESSAGE)
_BLOCK: Final = 64
_INNER, _OUTER = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))


class Secret:
    """A shared secret, hashed once; digests with it start from copies of that hash state.

    ``python -m benchmarks.path`` justifies it: HMAC-MD5 of a packet takes a fifth of the time
    that ``hmac.digest`` takes, which is computed three times for a login.
    """

    __slots__ = ("_inner", "_outer", "start")

    def __init__(self, octets: bytes) -> None:
        key = octets if len(octets) <= _BLOCK else md5(octets).digest()
        self._inner = md5(key.ljust(_BLOCK, b"\0").translate(_INNER))
        self._outer = md5(key.ljust(_BLOCK, b"\0").translate(_OUTER))
        self.start = md5(octets)
        """MD5 state that has read the secret, to be copied."""

    def __repr__(self) -> str:
        """Show nothing of the secret."""
        return "Secret()"

    def hmac(self, octets: bytes) -> bytes:
        """HMAC-MD5 (RFC 2104)."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(octets)
        outer.update(inner.digest())
        return outer.digest()


secret_of = lru_cache(maxsize=4096)(Secret)
"""The cached `Secret` of these octets."""


def check_access_request(packet: Packet, client: Client) -> None:
    """Verify an Access-Request by the policy of its NAS.

    Raises:
        Discarded: as in the two functions below.
    """
    if not packet.signature_start:
        check_policy(
            packet,
            require_message_authenticator=client.require_message_authenticator,
            limit_proxy_state=client.limit_proxy_state,
        )
    check_message_authenticator(packet, client.secret)


def check_policy(
    packet: Packet, *, require_message_authenticator: bool, limit_proxy_state: bool
) -> None:
    """Apply the NAS's policy against BlastRADIUS (CVE-2024-3596), before the password is read.

    Raises:
        Discarded: the packet lacks a Message-Authenticator that the policy asks for.
    """
    if packet.signature_start:
        return
    # draft-ietf-radext-deprecating-radius sections 5.3.1 and 5.3.3.
    if require_message_authenticator:
        raise Discarded(DiscardReason.MESSAGE_AUTHENTICATOR_MISSING)
    # The same, section 5.3.4: the attack needs a Proxy-State that the server echoes.
    if limit_proxy_state and _PROXY_STATE in packet.first:
        raise Discarded(DiscardReason.PROXY_STATE_UNPROTECTED)


def check_message_authenticator(
    packet: Packet, secret: bytes, authenticator: bytes | None = None
) -> None:
    """Verify the Message-Authenticator of a packet.

    Args:
        packet: the packet.
        secret: the shared one.
        authenticator: 16 octets that its header has during the computation; None for the
            packet's own.

    Raises:
        Discarded: it is wrong, not of 16 octets, there are two, or there is none although
            the packet must have one.
    """
    at = packet.signature_start
    if not at:
        # RFC 3579 section 3.1 and RFC 5997 section 3: these two must have one.
        if packet.code == Code.STATUS_SERVER or _EAP_MESSAGE in packet.first:
            raise Discarded(DiscardReason.MESSAGE_AUTHENTICATOR_MISSING)
        return
    # RFC 3579 section 3.3: 0-1 of them.
    if _MESSAGE_AUTHENTICATOR in packet.several:
        raise Discarded(DiscardReason.MESSAGE_AUTHENTICATOR_REPEATED)
    octets, start = packet.octets, at + 2
    end = start + DIGEST_LENGTH
    if octets[at + 1] != end - at:  # RFC 3579 section 3.2
        raise Discarded(DiscardReason.MESSAGE_AUTHENTICATOR_LENGTH)
    # RFC 3579 section 3.2: it is computed with sixteen octets of zero in its place.
    signed = octets[:start] + NO_DIGEST + octets[end:]
    if authenticator is not None:
        signed = _with_authenticator(signed, authenticator)
    if not hmac.compare_digest(secret_of(secret).hmac(signed), octets[start:end]):
        raise Discarded(DiscardReason.MESSAGE_AUTHENTICATOR_WRONG)


def check_accounting_request(packet: Packet, secret: bytes) -> None:
    """Verify an Accounting-Request: its Request Authenticator, and a Message-Authenticator.

    Raises:
        Discarded: one of them is wrong (RFC 5080 section 2.3.3).
    """
    if not is_signed(packet, secret, NO_DIGEST):  # RFC 2866 section 3
        raise Discarded(DiscardReason.REQUEST_AUTHENTICATOR_WRONG)
    # The Request Authenticator is computed last, so this one is computed over zeros, as RFC 5176
    # section 3.4 states for a request that is signed in the same way.
    check_message_authenticator(packet, secret, NO_DIGEST)


def is_signed(packet: Packet, secret: bytes, authenticator: bytes) -> bool:
    """Whether the authenticator in the header is the MD5 of the packet and the secret.

    Args:
        packet: the packet.
        secret: the shared one.
        authenticator: what stood there when it was computed: zeros in an Accounting-Request
            (RFC 2866 section 3), the Request Authenticator in a reply (RFC 2865 section 3).
    """
    expected = hashlib.md5(_with_authenticator(packet.octets, authenticator) + secret).digest()
    return hmac.compare_digest(expected, packet.authenticator)


def _with_authenticator(octets: bytes, authenticator: bytes) -> bytes:
    return octets[:_HEAD] + authenticator + octets[MIN_LENGTH:]
