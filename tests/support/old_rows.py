"""The rows of a store of an older version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nexio.keys.purposes import SIGNING_KEY
from nexio.network.nas import SECRET_PURPOSE
from nexio.reception.members import PIN_PURPOSE as MEMBER_PIN_PURPOSE
from nexio.reception.visits import PIN_PURPOSE
from tests.support.clocks import FRIDAY_MORNING

if TYPE_CHECKING:
    from nexio.keys.keyring import Keyring

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZOE, GONE, ANA, NOTHING = "482913", "004711", "222222", "777777"
"""PINs of a visit with a token, a deleted visit, a member, and a visit without a token."""


def rows_of_0001(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """Harbour House on Friday morning; a row comes after those that it refers to.

    Each gets the next number of its table.
    """
    now = FRIDAY_MORNING
    house: dict[str, Any] = {"location_id": 1, "batch": 5}
    settings = {
        "visitor_tokens": True,
        "walk_in_tokens": False,
        "remember_devices": False,
        "end_wifi_at_checkout": False,
        "roaming": False,
        "cut_off": MIDNIGHT.time(),
        "token_duration": 3600,
        "token_starts": "expected-arrival",
        "max_devices": None,
        "pin_length": 6,
        "wifi_login": "email",
        "planned_guests": None,
        "retention_days": None,
        "ssid": "Harbour",
    }
    person = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "Zoe@example.com"}
    visit = {
        **house,
        **person,
        "email_key": "zoe@example.com",
        "host": "Ana Reyes",
        "company": None,
        "phone": None,
        "notes": "ramp",
        "source": "admin",
        "member_id": None,
        "expected_arrival": now,
        "opens_at": MIDNIGHT,
        "closes_at": MIDNIGHT + DAY,
        "token_starts": "expected-arrival",
        "replaces_id": None,
        "registered_at": now,
        "deleted_at": None,
    }
    visits = [
        visit
        | {
            "pin_sealed": keyring.seal(pin, PIN_PURPOSE),
            "pin_digest": keyring.digest(1, pin),
        }
        for pin in (ZOE, GONE, NOTHING)
    ]
    visits[1] |= {"deleted_at": now}
    visits[2] |= {"source": "customer", "member_id": 1}
    token = {"duration": 3600, "issued_at": now, "valid_from": now, "valid_until": now + HOUR}
    nas = {
        **house,
        "name": "Lobby",
        "name_key": "lobby",
        "address": "192.0.2.10/32",
        "secret_sealed": keyring.seal("a long enough secret", SECRET_PURPOSE),
        "ssid": None,
        "ssid_key": "",
        "identifier": None,
        "identifier_key": "",
        "require_message_authenticator": True,
        "limit_proxy_state": True,
        "created_at": now,
    }
    event = {
        "record_id": f"{1:032x}",
        "at": now,
        "user_name": "zoe@example.com",
        "device": None,
        "nas": "Lobby",
        "location_id": 1,
        "visit_id": 1,
        "outcome": "accept",
        "reason": "valid",
        "latency_us": 50,
    }
    pin = {"location_id": 1, "length": 6}
    return {
        "store_revision": [
            {
                "id": 1,
                "number": 7,
                "oldest": 2,
                "epoch": "0" * 32,
                "key_id": keyring.active,
                "signing_key_sealed": keyring.seal("c2lnbmluZyBrZXk=", SIGNING_KEY),
            }
        ],
        "location": [
            {
                "name": "Harbour House",
                "name_key": "harbour house",
                "batch": 5,
                "time_zone": "Europe/London",
                "created_at": now,
                **settings,
            }
        ],
        "member": [
            {
                "location_id": 1,
                "first_name": "Ana",
                "last_name": "Reyes",
                "email": "ana@example.com",
                "email_key": "ana@example.com",
                "pin_sealed": keyring.seal(ANA, MEMBER_PIN_PURPOSE),
                "created_at": now,
                "removed_at": None,
            }
        ],
        "visit": visits,
        "access_token": [
            token | {"visit_id": 1, "revoked_at": None, "batch": 5},
            token | {"visit_id": 2, "revoked_at": now, "batch": 6},
        ],
        "pin": [
            {**pin, "digest": keyring.digest(1, ZOE), "visit_id": 1, "free_at": MIDNIGHT + DAY},
            {**pin, "digest": keyring.digest(1, NOTHING), "visit_id": 3, "free_at": MIDNIGHT + DAY},
            {**pin, "digest": keyring.digest(1, ANA), "member_id": 1, "free_at": None},
        ],
        "nas": [nas],
        "auth_event": [event],
        "audit": [
            {
                "at": now,
                "operator": "desk",
                "action": "register",
                "subject": "visit",
                "subject_id": 1,
                "details": {"token": True},
            }
        ],
        "change": [{"number": 6, "batch": 5}, {"number": 7, "batch": 6}],
        "removed": [{"kind": "nas", "object_id": 9, "batch": 6}],
    }


def rows_of_0002(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """Zoe is in the building, and was sent a mail."""
    now = FRIDAY_MORNING
    stay = {
        "location_id": 1,
        "visit_id": 1,
        "in_at": now,
        "in_method": "pin",
        "cut_off_at": now + timedelta(hours=12),
        "started_wifi": False,
        "ended_wifi": False,
    }
    mail = {
        "template": "visitor-registered",
        "visit_id": 1,
        "message_id": "0" * 32,
        "created_at": now,
        "state": "queued",
        "attempts": 0,
        "next_try_at": now,
    }
    return {**rows_of_0001(keyring), "check_in": [stay], "outbox": [mail]}


def rows_of_0010(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """As before, with a session that was asked to end, one that ended, and one of nobody."""
    at = FRIDAY_MORNING
    both = {"started_at": at, "heard_at": at, "seconds": 0, "octets_in": 0, "octets_out": 0}
    both |= {"occurrence": 1, "nas": "lobby", "source_address": "192.0.2.10", "session_id": "1"}
    both |= {"sender": f"{1:032x}", "user_name": "zoe@example.com"}
    hers = both | {"visit_id": 1, "token_id": 1}
    asked = {"disconnect_at": at, "disconnect_outcome": "nak", "error_cause": 501}
    return rows_of_0002(keyring) | {
        "wifi_session": [
            hers | asked | {"key": f"{1:032x}"},
            hers | {"key": f"{2:032x}", "ended_at": at, "ended_by": "reuse"},
            both | {"key": f"{3:032x}"},
        ]
    }


NAMES_OF_0003 = {
    "zoe@example.com": "zoe@example.com",
    "44863544@guest": "******@guest",
    "PIN459377": "PIN******",
    r"zoe 459\xa0377": "zoe ******",
    "\uff14\uff15\uff19\uff13\uff17\uff17 zoe": "****** zoe",
    "******": "******",
    "": "",
}
"""What stood in the columns, and what is left of it."""


def rows_of_0003(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """A session and a decision for each name; Zoe's e-mail has no digits."""
    at = FRIDAY_MORNING
    stay = {"occurrence": 1, "nas": "ap-1", "source_address": "192.0.2.10", "session_id": "459377"}
    counted = {"seconds": 600, "octets_in": 7, "octets_out": 9, "started_at": at}
    decision = {"at": at, "nas": "ap-1", "outcome": "accept", "reason": "valid", "latency_us": 9}
    both = list(enumerate(NAMES_OF_0003, 1))
    return {
        **rows_of_0002(keyring),
        "wifi_session": [
            {
                **stay,
                **counted,
                "heard_at": at + timedelta(minutes=10),
                "sender": f"{1:032x}",
                "key": f"{number:032x}",
                "user_name": name,
                "calling_station": "02-00-00-12-34-56",
            }
            for number, name in both
        ],
        "auth_event": [
            {**decision, "record_id": f"{number:032x}", "user_name": name} for number, name in both
        ],
    }
