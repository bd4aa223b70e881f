"""Finds the candidate visit, and counts the guess, when another program verifies the password.

FreeRADIUS does so for MS-CHAP and inside of tunnels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radius_auth.decision.decide import choose_visit, guess_of, read_claim, refused
from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Rejected

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from radius_auth.decision.request import Request
    from radius_auth.guard import Guard
    from radius_auth.replica.table import Table


def find_candidate(request: Request, table: Table, now: datetime) -> FollowedVisit | Rejected:
    """The one visit against whose PIN the response is to be verified elsewhere (R10).

    FreeRADIUS verifies MS-CHAP itself, against one password.  Reserve a guess before it does, see
    :func:`reserve_guess`; a response that it finds right is not decided yet, see
    :func:`radius_auth.decision.decide.choose_visit` and ``Guard.give_back``.
    """
    claim = read_claim(request, None, table, now)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    if not claim.visits:
        return Rejected(reason=claim.miss)
    return choose_visit(request, claim.visits, table, now).visit or Rejected(reason=claim.miss)


def reserve_guess(
    request: Request, visit_id: int, table: Table, guard: Guard, now: datetime
) -> int | Rejected:
    """Count a password as wrong before it is verified elsewhere, until it proves to be right.

    Call it once for each response of a guest, even if :func:`find_candidate` has found nobody:
    where the PIN alone logs in, that is a guess as well.

    Args:
        request: what is asked.
        visit_id: of the candidate; 0 is nobody.
        table: what is known.
        guard: what counts guesses.
        now: as of when.

    Returns:
        The number of the guess, for ``Guard.give_back``; or the reject, if nothing may be
        verified.
    """
    claim = read_claim(request, None, table, now)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    candidate = tuple(visit for visit in claim.visits if visit.id == visit_id)
    guess = guess_of(request, claim._replace(visits=candidate), table, now)
    number = guard.reserve(guess, visit_id, now)
    return refused(guard.look(guess, now)) if number is None else number
