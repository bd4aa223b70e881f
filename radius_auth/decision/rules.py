"""The rules, in the order in which they are applied: about a request, then about a visit.

:mod:`radius_auth.decision.decide` applies them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from radius_auth.decision.devices import mac_of
from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Accepted, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from radius_auth.decision.request import Decision, Request


class ServiceType(IntEnum):
    """RFC 2865 §5.6, RFC 2869 §5.18: services that are not a guest's."""

    CALLBACK_LOGIN = 3
    CALLBACK_FRAMED = 4
    ADMINISTRATIVE = 6
    NAS_PROMPT = 7
    CALLBACK_NAS_PROMPT = 9
    CALL_CHECK = 10
    CALLBACK_ADMINISTRATIVE = 11


VIRTUAL_PORT = 5
"""NAS-Port-Type of a login without a port (RFC 2865 §5.41): to the NAS itself, or at a portal."""


def reason_against_request(request: Request) -> Reason | None:
    """Why a request is refused whoever it is, or None."""
    for reason, refuses in _SERVICES:
        if refuses(request):
            return reason
    return None


def decide_visit(visit: FollowedVisit, admits: int | None, now: datetime) -> Decision:
    """Decide for a visit whose PIN was right.

    Args:
        visit: the visit.
        admits: the location whose guests are admitted, None for every location's (R19).
        now: as of when.
    """
    for reason, refuses in _RULES:
        if refuses(visit, admits, now):
            return Rejected(reason=reason, visit=visit)
    return Accepted(visit=visit, session_timeout=seconds_left(visit, now))


def seconds_left(visit: FollowedVisit, now: datetime) -> int:
    """Whole seconds until a visit's window ends (R12); not more than 0 where it is over."""
    return 0 if visit.valid_until is None else int((visit.valid_until - now).total_seconds())


def _is_call_check(request: Request) -> bool:
    """R22: the device's address in place of a guest."""
    if request.service_type == ServiceType.CALL_CHECK:
        return True
    if not request.user_name:
        return False
    if request.user_name == request.calling_station:
        return True
    return request.device is not None and mac_of(request.user_name) == request.device


def _is_other_service(request: Request) -> bool:
    """R22: somebody who wants to configure the NAS, or to be called back.

    Guest portals send Virtual as well (FortiGate), but with the MAC address of the device.
    """
    if request.service_type in _OTHER_SERVICES:
        return True
    return request.nas_port_type == VIRTUAL_PORT and request.device is None


_OTHER_SERVICES = frozenset(ServiceType) - {ServiceType.CALL_CHECK}

_SERVICES: tuple[tuple[Reason, Callable[[Request], bool]], ...] = (
    (Reason.CONTRADICTORY, lambda request: request.contradictory),
    (Reason.UNSUPPORTED_SERVICE, _is_other_service),
    (Reason.MAC_AUTHENTICATION, _is_call_check),
)


def _elsewhere(visit: FollowedVisit, admits: int | None, now: datetime) -> bool:
    del now
    return admits not in {None, visit.location_id}


def _before(visit: FollowedVisit, admits: int | None, now: datetime) -> bool:
    del admits
    return visit.valid_from is not None and now < visit.valid_from


def _after(visit: FollowedVisit, admits: int | None, now: datetime) -> bool:
    del admits
    return seconds_left(visit, now) < 1


_RULES: tuple[tuple[Reason, Callable[[FollowedVisit, int | None, datetime], bool]], ...] = (
    (Reason.WRONG_LOCATION, _elsewhere),
    (Reason.REPLACED, lambda visit, _admits, _now: visit.replaced),
    (Reason.DELETED, lambda visit, _admits, _now: visit.deleted_at is not None),
    (Reason.NO_TOKEN, lambda visit, _admits, _now: visit.token_id is None),
    (Reason.REVOKED, lambda visit, _admits, _now: visit.revoked_at is not None),
    (Reason.NOT_CHECKED_IN, lambda visit, _admits, _now: visit.valid_from is None),
    (Reason.NOT_YET, _before),
    (Reason.ENDED, _after),
)
