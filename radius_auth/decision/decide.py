"""May this guest on now?  The one place where that is decided; it does no I/O.

The rules that it applies stand in ``rules.py``, in their order; wrong passwords are counted by
the guard, in ``guard/``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nexio.reception.pins import normalize_pin
from radius_auth.decision.claims import guess_of, location_of, read_claim, right_visits
from radius_auth.decision.reasons import Reason, is_miss
from radius_auth.decision.request import Accepted, Decision, Rejected, Request
from radius_auth.decision.rules import reason_against_request, reason_against_visit, seconds_left

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from radius_auth.guard import Guard
    from radius_auth.replica.table import Table

__all__ = [
    "Accepted",
    "Decision",
    "Rejected",
    "Request",
    "choose_visit",
    "decide",
    "decide_again",
    "decide_visit",
    "find_candidate",
    "remaining",
    "reserve_guess",
]

NOWHERE = 0
"""No location has this number."""


def decide(request: Request, table: Table, guard: Guard, now: datetime) -> Decision:
    """Decide an Access-Request whose password we can check, as of ``now``.

    Raises:
        KeyUnusable: it is not right, but one PIN that it may be cannot be opened.
    """
    return _decide(request, table, guard, arrived=now, now=now)


def decide_again(  # noqa: PLR0913, PLR0917 - two times, each of its own meaning
    request: Request,
    rejected: Rejected,
    table: Table,
    guard: Guard,
    arrived: datetime,
    now: datetime,
) -> Decision:
    """Decide once more what was rejected: the table may have caught up meanwhile (DESIGN 4).

    What the password was compared with before costs nothing now; anything else takes a guess of
    its own.

    Args:
        request: what was asked.
        rejected: what it got.
        table: what is known by now.
        guard: what counts guesses.
        arrived: as of when the visit is decided.
        now: when the guess is counted.
    """
    decision = _decide(request, table, guard, arrived=arrived, now=now)
    still = decision.reason is Reason.GUARDED or is_miss(decision.reason)
    return rejected if still else decision


def _decide(
    request: Request, table: Table, guard: Guard, *, arrived: datetime, now: datetime
) -> Decision:
    password = request.password
    if password is None:
        return Rejected(reason=reason_against_request(request) or Reason.UNSUPPORTED_METHOD)
    pin = password.pin_alone(request.user_name)
    claim = read_claim(request, pin, table, arrived)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    guess = guess_of(request, claim, pin, table, now)
    opening = guard.look(guess, now)
    # What is refused is compared as well: it takes as long as what is wrong.
    right, lost = right_visits((*claim.visits, *claim.silent), password, table)
    confirmed = [each for each in right if each in claim.visits and opening.admits(each.id)]
    if confirmed:
        decision = choose_visit(request, confirmed, table, arrived)
        if isinstance(decision, Accepted):
            guard.got_in(guess, decision.visit.id, now)
        return decision
    if opening.is_refused:
        return Rejected(reason=Reason.GUARDED)
    if password.could_be_pin():
        guard.count(guess, opening, now, password.sample())
    if lost is not None:
        raise lost  # who asks may be right, and is not told from the others
    silent = [each for each in right if each in claim.silent]
    if silent:
        kept_quiet = choose_visit(request, silent, table, arrived)
        return Rejected(reason=kept_quiet.reason, visit=kept_quiet.visit, is_told=False)
    return Rejected(reason=claim.miss)


def find_candidate(request: Request, table: Table, now: datetime) -> FollowedVisit | Rejected:
    """The one visit whose PIN somebody else is to hold against the response (R10).

    FreeRADIUS verifies MS-CHAP itself, against one password.  Before it does, a guess is to be
    reserved, see :func:`reserve_guess`; what it then lets pass is not decided yet, see
    :func:`choose_visit` and ``Guard.give_back``.
    """
    claim = read_claim(request, normalize_pin(request.user_name), table, now)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    if not claim.visits:
        return Rejected(reason=claim.miss)
    return choose_visit(request, claim.visits, table, now).visit or Rejected(reason=claim.miss)


def reserve_guess(
    request: Request, visit_id: int, table: Table, guard: Guard, now: datetime
) -> int | Rejected:
    """Count a password that somebody else is about to verify as wrong, until it is right.

    To be called once for each response of a guest, also where :func:`find_candidate` has found
    nobody: where the PIN alone logs in, that is a guess as well.

    Args:
        request: what is asked.
        visit_id: of the candidate; 0 is nobody.
        table: what is known.
        guard: what counts guesses.
        now: as of when.

    Returns:
        The number of the guess, for ``Guard.give_back``; or the reject, where nothing is to be
        verified.
    """
    pin = normalize_pin(request.user_name)
    claim = read_claim(request, pin, table, now)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    candidate = tuple(visit for visit in claim.visits if visit.id == visit_id)
    guess = guess_of(request, replace(claim, visits=candidate), pin, table, now)
    number = guard.reserve(guess, visit_id, now)
    return Rejected(reason=Reason.GUARDED) if number is None else number


def choose_visit(
    request: Request, right: Iterable[FollowedVisit], table: Table, now: datetime
) -> Decision:
    """Decide for the best of the visits whose PIN was right (R10).

    Args:
        request: what was asked.
        right: one or more visits, on whatever way their PIN was proven.
        table: what is known.
        now: as of when.
    """
    location = location_of(request, table)
    roaming = location is not None and location.settings.roaming
    admits = None if roaming else location.id if location is not None else NOWHERE
    return max((decide_visit(visit, admits, now) for visit in right), key=_preference)


def decide_visit(visit: FollowedVisit, admits: int | None, now: datetime) -> Decision:
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


def _preference(decision: Decision) -> tuple[bool, bool, int]:
    """R10: an open window first, a live visit before an ended one, the latest issued of several."""
    if isinstance(decision, Accepted):
        return (True, True, decision.visit.id)
    live = decision.reason in {Reason.NOT_YET, Reason.NOT_CHECKED_IN}
    return (False, live, decision.visit.id if decision.visit else 0)
