"""May this guest on now?  The one place where that is decided; it does no I/O.

The rules stand in ``_SERVICES`` and ``_RULES``, in the order in which they are applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from nexio.addresses import email_key
from nexio.pins import forgive
from radius_auth.devices import mac_of
from radius_auth.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from nexio.following import FollowedVisit
    from nexio.locations import Location
    from nexio.nas import Nas
    from radius_auth.passwords import Password
    from radius_auth.table import Table


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
"""NAS-Port-Type of somebody who logs in to the NAS itself (RFC 2865 §5.41)."""


NOWHERE = 0
"""No location has this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an Access-Request asks, whichever server it came to."""

    nas: Nas | None
    """Who asks; None where an SSID or a NAS-Identifier leads to no location (R19)."""

    user_name: bytes = field(repr=False)
    """Empty where there is none."""

    password: Password | None
    """None where the method is none that we can check."""

    calling_station: bytes | None = None
    service_type: int | None = None
    nas_port_type: int | None = None
    contradictory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The guest may on, for the rest of the window."""

    visit: FollowedVisit
    session_timeout: int
    """Whole seconds left in the window, at least 1 (R12)."""

    @property
    def reason(self) -> Reason:
        """For the log, which has a reason for each outcome."""
        return Reason.VALID

    @property
    def class_(self) -> bytes:
        """The Class attribute: where accounting finds the token again (R12)."""
        return f"nexio/{self.visit.location_id}/{self.visit.id}/{self.visit.token_id}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The guest may not on."""

    reason: Reason
    visit: FollowedVisit | None = None
    """Whose PIN was right, if one's was; only then the guest is told more (R11)."""


Decision = Accepted | Rejected


def decide(request: Request, table: Table, now: datetime) -> Decision:
    """Decide an Access-Request whose password we can check, as of ``now``."""
    if request.password is None:
        return _refusal(request) or Rejected(reason=Reason.UNSUPPORTED_METHOD)
    visits = _claimed(request, request.password.pin_alone(request.user_name), table)
    if isinstance(visits, Rejected):
        return visits
    # Every candidate is tried, so that the time it takes does not tell which one fits (R10).
    right = [visit for visit in visits if request.password.matches(visit, table.keyring)]
    if not right:
        return Rejected(reason=Reason.WRONG_PIN)
    return settle(request, right, table, now)


def find_candidate(request: Request, table: Table, now: datetime) -> FollowedVisit | Rejected:
    """The one visit whose PIN somebody else is to hold against the response (R10).

    FreeRADIUS verifies MS-CHAP itself, against one password.  What it then lets pass is not
    decided yet: see :func:`settle`.
    """
    visits = _claimed(request, forgive(request.user_name), table)
    if isinstance(visits, Rejected):
        return visits
    admits = _admitted(request, table)
    best = max((judge(visit, admits, now) for visit in visits), key=_preference, default=None)
    if best is None or best.visit is None:
        return Rejected(reason=Reason.WRONG_PIN)
    return best.visit


def settle(
    request: Request, right: Iterable[FollowedVisit], table: Table, now: datetime
) -> Decision:
    """Decide between the visits whose PIN was right.

    Args:
        request: what was asked.
        right: one or more visits, on whatever way their PIN was proven.
        table: what is known.
        now: as of when.
    """
    admits = _admitted(request, table)
    judged = [judge(visit, admits, now) for visit in right]
    return judged[0] if len(judged) == 1 else max(judged, key=_preference)


def judge(visit: FollowedVisit, admits: int | None, now: datetime) -> Decision:
    """Decide for a visit whose PIN was right.

    Args:
        visit: the visit.
        admits: the location whose guests are admitted, None for every location's (R19).
        now: as of when.
    """
    for reason, refuses in _RULES:
        if refuses(visit, admits, now):
            return Rejected(reason=reason, visit=visit)
    seconds = _seconds_left(visit, now)
    if seconds < 1:
        return Rejected(reason=Reason.ENDED, visit=visit)
    return Accepted(visit=visit, session_timeout=seconds)


def remaining(decision: Decision, now: datetime) -> Decision:
    """A decision that is sent later than it was made: an accept for what is left then (R12)."""
    if isinstance(decision, Rejected):
        return decision
    seconds = _seconds_left(decision.visit, now)
    if seconds < 1:
        return Rejected(reason=Reason.ENDED, visit=decision.visit)
    return replace(decision, session_timeout=min(seconds, decision.session_timeout))


def _refusal(request: Request) -> Rejected | None:
    """What is refused whoever it is."""
    return next(
        (Rejected(reason=reason) for reason, refuses in _SERVICES if refuses(request)), None
    )


def _claimed(
    request: Request, pin: str | None, table: Table
) -> tuple[FollowedVisit, ...] | Rejected:
    """Whose PIN it may be.

    Args:
        request: what is asked.
        pin: what identifies where the PIN alone logs in (R9).
        table: what is known.
    """
    if refusal := _refusal(request):
        return refusal
    location = _location(request, table)
    if location is None:
        return Rejected(reason=Reason.NO_LOCATION)
    if location.settings.wifi_login == "pin":
        return () if pin is None else table.visits_with(location.id, pin)
    visits = table.visits_of(email_key(request.user_name.decode("utf-8", "replace")))
    return visits or Rejected(reason=Reason.UNKNOWN_USER)


def _location(request: Request, table: Table) -> Location | None:
    return None if request.nas is None else table.locations.get(request.nas.location.id)


def _admitted(request: Request, table: Table) -> int | None:
    """The location whose guests are admitted, None for every location's (R19)."""
    location = _location(request, table)
    if location is None:
        return NOWHERE
    return None if location.settings.roaming else location.id


def _preference(decision: Decision) -> tuple[bool, bool, int]:
    """R10: an open window first, a live visit before an ended one, the latest issued of several."""
    if isinstance(decision, Accepted):
        return (True, True, decision.visit.id)
    live = decision.reason in {Reason.NOT_YET, Reason.NOT_CHECKED_IN}
    return (False, live, decision.visit.id if decision.visit else 0)


def _is_call_check(request: Request) -> bool:
    """R22: the device's address in place of a guest."""
    if request.service_type == ServiceType.CALL_CHECK:
        return True
    if not request.user_name:
        return False
    if request.user_name == request.calling_station:
        return True
    mac = mac_of(request.user_name)
    return mac is not None and mac == mac_of(request.calling_station)


def _is_other_service(request: Request) -> bool:
    """R22: somebody who wants to configure the NAS, or to be called back."""
    return request.nas_port_type == VIRTUAL_PORT or request.service_type in _OTHER_SERVICES


_OTHER_SERVICES = frozenset(ServiceType) - {ServiceType.CALL_CHECK}

_SERVICES: tuple[tuple[Reason, Callable[[Request], bool]], ...] = (
    (Reason.CONTRADICTORY, lambda request: request.contradictory),
    (Reason.UNSUPPORTED_SERVICE, _is_other_service),
    (Reason.MAC_AUTHENTICATION, _is_call_check),
)


def _seconds_left(visit: FollowedVisit, now: datetime) -> int:
    return 0 if visit.valid_until is None else int((visit.valid_until - now).total_seconds())


def _elsewhere(visit: FollowedVisit, admits: int | None, now: datetime) -> bool:
    del now
    return admits not in {None, visit.location_id}


def _before(visit: FollowedVisit, admits: int | None, now: datetime) -> bool:
    del admits
    return visit.valid_from is not None and now < visit.valid_from


_RULES: tuple[tuple[Reason, Callable[[FollowedVisit, int | None, datetime], bool]], ...] = (
    (Reason.WRONG_LOCATION, _elsewhere),
    (Reason.REPLACED, lambda visit, _admits, _now: visit.replaced),
    (Reason.DELETED, lambda visit, _admits, _now: visit.deleted_at is not None),
    (Reason.NO_TOKEN, lambda visit, _admits, _now: visit.token_id is None),
    (Reason.REVOKED, lambda visit, _admits, _now: visit.revoked_at is not None),
    (Reason.NOT_CHECKED_IN, lambda visit, _admits, _now: visit.valid_from is None),
    (Reason.NOT_YET, _before),
)
