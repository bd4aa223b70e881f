"""May this guest on now?  The one place where that is decided; it does no I/O.

The rules that it applies stand in ``rules.py``, in their order; wrong passwords are counted by
the guard, in ``guard.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nexio.pins import normalize_pin
from radius_auth.claims import guess_of, location_of, read_claim, right_visits
from radius_auth.reasons import Reason
from radius_auth.rules import reason_against_request, reason_against_visit, seconds_left

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nexio.following import FollowedVisit
    from nexio.nas import Nas
    from radius_auth.guard import Guard
    from radius_auth.guesses import Guess, Reservation
    from radius_auth.passwords import Password
    from radius_auth.table import Table


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

    guess: Reservation | None = field(default=None, compare=False, repr=False)
    """What the guard counts for it; :func:`reconsider` may give it back."""


Decision = Accepted | Rejected


def decide(request: Request, table: Table, guard: Guard, now: datetime) -> Decision:
    """Decide an Access-Request whose password we can check, as of ``now``."""
    if request.password is None:
        return Rejected(reason=reason_against_request(request) or Reason.UNSUPPORTED_METHOD)
    claim = read_claim(request, request.password.pin_alone(request.user_name), table)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    right = right_visits(claim, request.password, table)
    guess = guess_of(request, claim, table)
    if not right and guard.is_repeated(guess, request.password.sample()):
        return Rejected(reason=claim.miss)
    # Only after the password was compared: what is refused takes as long as what is wrong.
    if right:
        return _let_in(settle(request, right, table, now), guess, guard, now)
    reserved = guard.reserve(guess, now)
    if reserved is None:
        return Rejected(reason=Reason.GUARDED)
    guard.remember_wrong(guess, request.password.sample())
    return Rejected(reason=claim.miss, guess=reserved)


def reconsider(
    request: Request, rejected: Rejected, table: Table, guard: Guard, now: datetime
) -> Decision:
    """Decide once more what was rejected: the table may have caught up meanwhile (DESIGN 4).

    The guess that was counted at first stands for this look, too; it is given back if the
    password is right now.
    """
    if rejected.guess is None:
        return decide(request, table, guard, now)
    if request.password is None:
        return rejected
    claim = read_claim(request, request.password.pin_alone(request.user_name), table)
    if isinstance(claim, Reason):
        return Rejected(reason=claim, guess=rejected.guess)
    right = right_visits(claim, request.password, table)
    if not right:
        return Rejected(reason=claim.miss, guess=rejected.guess)
    return acquit(settle(request, right, table, now), rejected.guess, guard, now)


def find_candidate(request: Request, table: Table, now: datetime) -> FollowedVisit | Rejected:
    """The one visit whose PIN somebody else is to hold against the response (R10).

    FreeRADIUS verifies MS-CHAP itself, against one password.  Before it does, a guess is to be
    reserved, see :func:`reserve_guess`; what it then lets pass is not decided yet, see
    :func:`settle` and :func:`acquit`.
    """
    claim = read_claim(request, normalize_pin(request.user_name), table)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    admits = _admitted(request, table)
    best = max((judge(visit, admits, now) for visit in claim.visits), key=_preference, default=None)
    if best is None or best.visit is None:
        return Rejected(reason=claim.miss)
    return best.visit


def reserve_guess(
    request: Request, table: Table, guard: Guard, now: datetime
) -> Reservation | Rejected:
    """Count a password that somebody else is about to verify as wrong, until :func:`acquit`.

    To be called once for each response of a guest, also where :func:`find_candidate` has found
    nobody (*unknown user*, *wrong PIN*): that is a guess as well.

    Returns:
        The reservation; or the reject, where nothing is to be verified.
    """
    claim = read_claim(request, normalize_pin(request.user_name), table)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    reserved = guard.reserve(guess_of(request, claim, table), now)
    return Rejected(reason=Reason.GUARDED) if reserved is None else reserved


def acquit(decision: Decision, reserved: Reservation, guard: Guard, now: datetime) -> Decision:
    """Give a guess back whose password was right; a device that gets in is trusted from now on.

    Args:
        decision: what the right password led to.
        reserved: what was counted before it was known to be right.
        guard: what counts.
        now: as of when.
    """
    guard.give_back(reserved)
    if isinstance(decision, Accepted) and decision.visit.token_id is not None:
        guard.let_in(reserved.guess, decision.visit.token_id, now)
    return decision


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
    if reason := reason_against_visit(visit, admits, now):
        return Rejected(reason=reason, visit=visit)
    return Accepted(visit=visit, session_timeout=seconds_left(visit, now))


def remaining(decision: Decision, now: datetime) -> Decision:
    """A decision that is sent later than it was made: an accept for what is left then (R12)."""
    if isinstance(decision, Rejected):
        return decision
    seconds = seconds_left(decision.visit, now)
    if seconds < 1:
        return Rejected(reason=Reason.ENDED, visit=decision.visit)
    return replace(decision, session_timeout=min(seconds, decision.session_timeout))


def _let_in(decision: Decision, guess: Guess, guard: Guard, now: datetime) -> Decision:
    """What a right password gets where the guard does not stand in its way.

    Nothing is reserved for it: it is known to be right before anything else can happen.
    """
    if not guard.admits(guess, now):
        return Rejected(reason=Reason.GUARDED)
    if isinstance(decision, Accepted) and decision.visit.token_id is not None:
        guard.let_in(guess, decision.visit.token_id, now)
    return decision


def _admitted(request: Request, table: Table) -> int | None:
    """The location whose guests are admitted, None for every location's (R19)."""
    location = location_of(request, table)
    if location is None:
        return NOWHERE
    return None if location.settings.roaming else location.id


def _preference(decision: Decision) -> tuple[bool, bool, int]:
    """R10: an open window first, a live visit before an ended one, the latest issued of several."""
    if isinstance(decision, Accepted):
        return (True, True, decision.visit.id)
    live = decision.reason in {Reason.NOT_YET, Reason.NOT_CHECKED_IN}
    return (False, live, decision.visit.id if decision.visit else 0)
