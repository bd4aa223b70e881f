"""The JSON of a visit and of its token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

VISIT_KEYS = ["id", "first_name", "last_name", "email", "host", "location", "source"]
VISIT_KEYS += ["expected_arrival", "pin", "state", "token", "mail", "replaces", "login", "group"]
VISIT_KEYS += ["company", "phone", "notes", "created", "by", "check_ins"]
VISIT_KEYS += ["language"]
TOKEN_KEYS = ["id", "valid_from", "valid_until", "state"]
LISTED_KEYS = ["id", "valid_from", "valid_until", "state", "visit"]
LISTED_KEYS += ["first_name", "last_name", "email", "location"]


def window(visit: dict[str, Any]) -> timedelta:
    """How long the token of a visit is valid."""
    token = visit["token"]
    return datetime.fromisoformat(token["valid_until"]) - datetime.fromisoformat(
        token["valid_from"]
    )
