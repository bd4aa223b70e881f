"""Why a guest may on the Wi-Fi or not; the words for it are in ``words.py``."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What decided an Access-Request, as it stands in the log."""

    VALID = "valid"
    """The PIN is right and its window is open."""

    UNSUPPORTED_SERVICE = "unsupported service"
    """Administrative, NAS-Prompt or callback service, or a virtual port without a device (R22)."""

    MAC_AUTHENTICATION = "MAC authentication"
    """Call-Check, or a User-Name that is the device's address (R22)."""

    CONTRADICTORY = "contradictory request"
    """Two methods, or what the decision needs is said in two ways or of a wrong length."""

    UNSUPPORTED_METHOD = "unsupported method"
    """No password that we can check, such as EAP at our own server."""

    EAP_FAILED = "EAP failed"
    """The device broke off the tunnel, or asked for a method that FreeRADIUS does not offer."""

    NO_LOCATION = "no location"
    """The NAS serves several locations and this SSID belongs to none of them (R19)."""

    UNKNOWN_USER = "unknown user"
    """Nobody of that e-mail is expected about now."""

    WRONG_PIN = "wrong PIN"
    """Not a PIN of that e-mail; where the PIN alone logs in: nobody's PIN."""

    GUARDED = "too many guesses"
    """Refused whether the password was right or not: too many wrong ones came before (R11)."""

    TOO_SOON = "too soon"
    """Refused in the same way, for a few seconds after a wrong one (R11)."""

    REPLACED = "newer PIN"
    """The registration was reissued with another PIN (R5)."""

    DELETED = "deleted"
    """The visit was cancelled (R13)."""

    NO_TOKEN = "no token"  # noqa: S105 (no password)
    """The visitor was registered without Wi-Fi (R3)."""

    REVOKED = "revoked"
    """The token was revoked (R4)."""

    WRONG_LOCATION = "wrong location"
    """The visit is at another location (R19)."""

    NOT_CHECKED_IN = "not checked in"
    """The window starts with the check-in (R16)."""

    NOT_YET = "not yet"
    """Before the window (R1)."""

    ENDED = "ended"
    """After the window, or less than a second before its end (R1, R12)."""


MAY_CATCH_UP = frozenset({Reason.UNKNOWN_USER, Reason.WRONG_PIN, Reason.NO_TOKEN})
"""Rejects that the store may overrule a moment later: the visitor was registered just now."""


def is_miss(reason: Reason) -> bool:
    """Whether nobody's PIN was right, which a reject must not tell apart from others (R11)."""
    return reason in {Reason.UNKNOWN_USER, Reason.WRONG_PIN}


def is_unseen(reason: Reason) -> bool:
    """Whether the guard refused it, so that nobody's PIN was looked at."""
    return reason in {Reason.GUARDED, Reason.TOO_SOON}
