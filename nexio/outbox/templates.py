"""The kinds of mail there are."""

from __future__ import annotations

from enum import StrEnum


class Template(StrEnum):
    """A mail by what has happened; the files of its text are called after it."""

    VISITOR_REGISTERED = "visitor-registered"
    """To the visitor: the PIN, the QR code, the Wi-Fi."""

    VISITOR_UPDATED = "visitor-updated"
    """To the visitor: the visit is at another time (R13)."""

    VISITOR_ARRIVED = "visitor-arrived"
    """To the host: the visitor has checked in."""

    MEMBER_PIN = "member-pin"
    """To a member: the PIN."""
