"""Who sent a packet, and did nobody change it on its way?

All is checked on the raw octets, before anything is decoded.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from typing import Final

from radius_auth.protocol.framing import MIN_LENGTH, Attribute, Code, Discarded, Frame

_DIGEST_LENGTH: Final = 16
"""Octets of a Message-Authenticator, and of a Request or Response Authenticator."""

_NONE: Final = bytes(_DIGEST_LENGTH)
_HEAD: Final = 4
"""Octets of code, identifier and Length."""


class Distrust(enum.StrEnum):
    """Why a well-formed packet gets no answer."""

    UNEXPECTED_CODE = "unexpected code"
    MESSAGE_AUTHENTICATOR_MISSING = "Message-Authenticator missing"
    MESSAGE_AUTHENTICATOR_REPEATED = "more than one Message-Authenticator"
    MESSAGE_AUTHENTICATOR_LENGTH = "Message-Authenticator not of 16 octets"
    MESSAGE_AUTHENTICATOR_WRONG = "Message-Authenticator wrong"
    REQUEST_AUTHENTICATOR_WRONG = "Request Authenticator wrong"
    REPLY_TOO_LONG = "so much Proxy-State that no reply can carry it"
    PROXY_STATE_UNPROTECTED = "Proxy-State without Message-Authenticator"


def check_policy(
    frame: Frame, *, require_message_authenticator: bool, limit_proxy_state: bool
) -> None:
    """Hold the NAS's policy against BlastRADIUS (CVE-2024-3596), before the password is read.

    Raises:
        Discarded: the packet lacks a Message-Authenticator that the policy asks for.
    """
    if Attribute.MESSAGE_AUTHENTICATOR in frame.by_type:
        return
    # draft-ietf-radext-deprecating-radius sections 5.3.1 and 5.3.3.
    if require_message_authenticator:
        raise Discarded(Distrust.MESSAGE_AUTHENTICATOR_MISSING)
    # The same, section 5.3.4: the attack needs a Proxy-State that the server echoes.
    if limit_proxy_state and Attribute.PROXY_STATE in frame.by_type:
        raise Discarded(Distrust.PROXY_STATE_UNPROTECTED)


def check_message_authenticator(
    frame: Frame, secret: bytes, authenticator: bytes | None = None
) -> None:
    """Verify the Message-Authenticator of a packet.

    Args:
        frame: the packet.
        secret: the shared one.
        authenticator: 16 octets that stand in its header while it is computed; None where it is
            the packet's own.

    Raises:
        Discarded: it is wrong, not of 16 octets, there are two, or there is none where
            the packet must have one.
    """
    found = frame.by_type.get(Attribute.MESSAGE_AUTHENTICATOR, ())
    if not found:
        # RFC 3579 section 3.1 and RFC 5997 section 3: these two never come without.
        if frame.code == Code.STATUS_SERVER or Attribute.EAP_MESSAGE in frame.by_type:
            raise Discarded(Distrust.MESSAGE_AUTHENTICATOR_MISSING)
        return
    # RFC 3579 section 3.3: 0-1 of them.
    if len(found) > 1:
        raise Discarded(Distrust.MESSAGE_AUTHENTICATOR_REPEATED)
    if len(found[0]) != _DIGEST_LENGTH:  # RFC 3579 section 3.2
        raise Discarded(Distrust.MESSAGE_AUTHENTICATOR_LENGTH)
    signed = _with_authenticator(_without_message_authenticator(frame), authenticator)
    expected = hmac.digest(secret, signed, "md5")
    if not hmac.compare_digest(expected, found[0]):  # silently discarded, RFC 3579 section 3.2
        raise Discarded(Distrust.MESSAGE_AUTHENTICATOR_WRONG)


def check_accounting_request(frame: Frame, secret: bytes) -> None:
    """Verify an Accounting-Request: its Request Authenticator, and a Message-Authenticator.

    Raises:
        Discarded: one of them is wrong (RFC 5080 section 2.3.3).
    """
    if not is_signed(frame, secret, _NONE):  # RFC 2866 section 3
        raise Discarded(Distrust.REQUEST_AUTHENTICATOR_WRONG)
    # The Request Authenticator is made last, so this one is made over zeros (RFC 5176 section
    # 3.4 says so of a request that is signed in the same way).
    check_message_authenticator(frame, secret, _NONE)


def is_signed(frame: Frame, secret: bytes, authenticator: bytes) -> bool:
    """Whether MD5 over the packet and the secret is what stands in its header.

    Args:
        frame: the packet.
        secret: the shared one.
        authenticator: what stood there when it was computed: zeros in an Accounting-Request
            (RFC 2866 section 3), the Request Authenticator in a reply (RFC 2865 section 3).
    """
    signed = _with_authenticator(frame.octets, authenticator)
    expected = hashlib.md5(signed + secret).digest()
    return hmac.compare_digest(expected, frame.authenticator)


def _with_authenticator(octets: bytes, authenticator: bytes | None) -> bytes:
    return octets if authenticator is None else octets[:_HEAD] + authenticator + octets[MIN_LENGTH:]


def _without_message_authenticator(frame: Frame) -> bytes:
    """RFC 3579 section 3.2: it is computed with sixteen octets of zero in its place."""
    start = MIN_LENGTH
    for kind, value in frame.attributes:
        if kind == Attribute.MESSAGE_AUTHENTICATOR:
            break
        start += 2 + len(value)
    start += 2
    return frame.octets[:start] + _NONE + frame.octets[start + _DIGEST_LENGTH :]
