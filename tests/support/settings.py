"""The settings of a location."""

from __future__ import annotations

STARTS = {
    "visitor-tokens": False,
    "token-duration": "1h",
    "early-minutes": 0,
    "token-starts": "expected-arrival",
    "max-devices": None,
    "pin-length": 6,
    "wifi-login": "email",
    "planned-guests": None,
    "walk-in-tokens": False,
    "remember-devices": False,
    "end-wifi-at-checkout": False,
    "roaming": False,
    "cut-off": "00:00",
    "retention-days": None,
    "session-retention-days": None,
    "mail-retention-days": None,
    "check-in-retention-days": None,
    "member-retention-days": None,
    "audit-retention-days": None,
    "ssid": None,
    "language": "en",
    "device-limit-outage": "allow",
    "address": None,
    "directions": None,
    "logo": None,
    "reply-to": None,
    "check-in-code": True,
    "wifi-code": True,
}
"""The settings of a new location: no tokens, 60 minutes, six digits, login by e-mail."""
