"""Why a guest may on the Wi-Fi or not; the words for it are in ``words.py``."""

from __future__ import annotations

from enum import StrEnum

from nexio.network import events


class Reason(StrEnum):
    """What decided an Access-Request, as it stands in the log."""

    VALID = events.BY_PIN
    """The PIN is right and its window is open."""

    REMEMBERED = "remembered device"
    """MAC authentication of a device that logged in with a visit's PIN before, where
    `remember-devices` is on and the window is open (R22)."""

    UNSUPPORTED_SERVICE = "unsupported service"
    """Service-Type is Administrative, NAS-Prompt or callback, or NAS-Port-Type is Virtual and
    Calling-Station-Id no MAC address (R22)."""

    MAC_AUTHENTICATION = "MAC authentication"
    """Service-Type is Call-Check, or User-Name is the Calling-Station-Id, and the device is not
    remembered (R22)."""

    CONTRADICTORY = "contradictory request"
    """Two methods; or an attribute that decides has two values or a wrong length: User-Name,
    Calling-Station-Id, Service-Type, CHAP-Challenge, or an SSID and NAS-Identifier that lead to
    two locations.  What decides nothing may be odd or doubled."""

    UNSUPPORTED_METHOD = "unsupported method"
    """EAP or MS-CHAP at `nexio-radiusd`, or no password at all."""

    EAP_FAILED = "EAP failed"
    """FreeRADIUS only, and no PIN was asked for: the device did not trust the certificate,
    its user said no to it, or it wants a method that is not offered, such as EAP-TLS."""

    NO_LOCATION = "no location"
    """The address has entries in `nexio nas list`, and each asks for another SSID or NAS-Identifier
    (R19)."""

    UNKNOWN_USER = "unknown user"
    """No visit of that e-mail from 7 days before the day of the arrival until 24 hours after the
    end or the deletion."""

    WRONG_PIN = "wrong PIN"
    """The e-mail is known, the PIN is not one of its PINs; with `wifi-login=pin`: nobody's PIN."""

    GUARDED = "too many guesses"
    """Too many wrong PINs came before at this visit; refused whether this one was right or not
    (R11)."""

    TOO_SOON = "too soon"
    """Refused in the same way, for a few seconds after a wrong one (R11)."""

    REPLACED = "newer PIN"
    """`nexio visitor reissue` has replaced the visit (R5)."""

    DELETED = "deleted"
    """The visit was cancelled (R13)."""

    NO_TOKEN = "no token"  # noqa: S105 (no password)
    """Wi-Fi for visitors, or for walk-ins, was off when the visitor was registered (R3)."""

    REVOKED = "revoked"
    """`nexio token revoke`, `nexio token off --revoke`, or a check-out with
    `end-wifi-at-checkout=on` (R4)."""

    WRONG_LOCATION = "wrong location"
    """The access point belongs to another location, and `roaming` is off there (R19)."""

    NOT_CHECKED_IN = "not checked in"
    """Registered while `token-starts` was `check-in`, and not checked in (R16)."""

    NOT_YET = "not yet"
    """The expected arrival is later (R1)."""

    ENDED = "ended"
    """The duration is over, or less than a second is left (R1, R12)."""

    NO_DEVICE = "no device"
    """The visit has a limit of devices, and Calling-Station-Id is missing or no MAC address
    (R18)."""

    TOO_MANY_DEVICES = "too many devices"
    """As many devices as the visit may have are in use (R18)."""

    UNCOUNTED = events.UNCOUNTED
    """The visit has a limit, and the store was away, so nobody knew whether one more device is
    within it.  `device-limit-outage` says whether it is let on then (R18)."""


MAY_CATCH_UP = frozenset({Reason.UNKNOWN_USER, Reason.WRONG_PIN, Reason.NO_TOKEN})
"""Rejects that the store may overrule a moment later: the visitor was registered just now."""


def is_miss(reason: Reason) -> bool:
    """Whether no PIN matched, which a reject must not reveal (R11)."""
    return reason in {Reason.UNKNOWN_USER, Reason.WRONG_PIN}


def is_unseen(reason: Reason) -> bool:
    """Whether the guard refused it, so that no PIN was compared."""
    return reason in {Reason.GUARDED, Reason.TOO_SOON}
