"""The rules, in the order in which they are applied: about a request, then about a visit.

:mod:`radius_auth.decision.decide` applies them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from radius_auth.decision.devices import mac_of
from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Accepted, Rejected, named

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from radius_auth.decision.request import Decision, Request


class ServiceType(IntEnum):
    """Services that are not for guests (RFC 2865 §5.6, RFC 2869 §5.18)."""

    CALLBACK_LOGIN = 3
    CALLBACK_FRAMED = 4
    ADMINISTRATIVE = 6
    NAS_PROMPT = 7
    CALLBACK_NAS_PROMPT = 9
    CALL_CHECK = 10
    CALLBACK_ADMINISTRATIVE = 11


VIRTUAL_PORT = 5
"""NAS-Port-Type of a login without a port (RFC 2865 §5.41): to the NAS itself, or at a portal."""


OTHER_SERVICES = frozenset(ServiceType) - {ServiceType.CALL_CHECK}
"""Services for configuring the NAS, or for a callback."""

_CALL_CHECK = int(ServiceType.CALL_CHECK)
_AT = ord("@")
_DAY = 86_400
_VALID = Reason.VALID


def reason_against_request(request: Request) -> Reason | None:
    """Why a request is refused whoever sends it, or None (R22)."""
    _, name, _, station, service, port, contradictory, _ = request
    if contradictory:
        return Reason.CONTRADICTORY
    # Guest portals send Virtual as well (FortiGate), but with the MAC address of the device.
    if service in OTHER_SERVICES or (port == VIRTUAL_PORT and mac_of(station) is None):
        return Reason.UNSUPPORTED_SERVICE
    # Most guests type an e-mail, which is no MAC address.
    is_device = name and (name == station or (_AT not in name and _is_mac(name, station)))
    return Reason.MAC_AUTHENTICATION if is_device or service == _CALL_CHECK else None


def _is_mac(user_name: bytes, station: bytes | None) -> bool:
    """Whether the User-Name is the device's address, in any notation."""
    device = mac_of(user_name)
    return device is not None and device == mac_of(station)


def decide_visit(  # noqa: PLR0911 - a rule each, in their order
    visit: FollowedVisit, admits: int | None, now: datetime
) -> Decision:
    """Decide for a visit whose PIN was right.

    Args:
        visit: the visit.
        admits: the location whose guests are admitted, None for every location's (R19).
        now: as of when.
    """
    if admits is not None and admits != visit.location_id:
        return Rejected(Reason.WRONG_LOCATION, visit)
    if visit.replaced:
        return Rejected(Reason.REPLACED, visit)
    if visit.deleted_at is not None:
        return Rejected(Reason.DELETED, visit)
    if visit.token_id is None:
        return Rejected(Reason.NO_TOKEN, visit)
    if visit.revoked_at is not None:
        return Rejected(Reason.REVOKED, visit)
    if visit.valid_from is None:
        return Rejected(Reason.NOT_CHECKED_IN, visit)
    if now < visit.valid_from:
        return Rejected(Reason.NOT_YET, visit)
    seconds = seconds_left(visit, now)
    if seconds < 1:
        return Rejected(Reason.ENDED, visit)
    return named(Accepted, (visit, seconds, _VALID))


def seconds_left(visit: FollowedVisit, now: datetime) -> int:
    """Whole seconds until a visit's window ends (R12); 0 or less if it is over."""
    if visit.valid_until is None:
        return 0
    left = visit.valid_until - now
    return left.days * _DAY + left.seconds  # without the microseconds
