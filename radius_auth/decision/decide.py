"""May this guest on now?  The one place where that is decided; it does no I/O.

The rules that it applies stand in ``rules.py``, in their order; wrong passwords are counted by
the guard, in ``guard/``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nexio.errors import KeyUnusable
from nexio.input.pins import normalize_pin
from radius_auth.decision.reasons import Reason, is_miss, is_unseen
from radius_auth.decision.request import Accepted, Decision, Rejected, Request
from radius_auth.decision.rules import decide_visit, reason_against_request, seconds_left
from radius_auth.guard import Guess, Guessed
from radius_auth.replica.confirming import is_confirmed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from radius_auth.decision.passwords import Password
    from radius_auth.guard import Guard, Opening
    from radius_auth.replica.table import Table

__all__ = [
    "Accepted",
    "Claim",
    "Decision",
    "Rejected",
    "Request",
    "choose_visit",
    "decide",
    "decide_again",
    "decide_visit",
    "guess_of",
    "read_claim",
    "remaining",
]

NOWHERE = 0
"""No location has this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose PIN it may be."""

    location: Location
    """Of the NAS."""

    email: str | None
    """None where the PIN alone logs in (R9)."""

    pin: str | None
    """Then: the PIN that is typed, if one is."""

    visits: tuple[FollowedVisit, ...]
    """Those whose right PIN would be confirmed now (R11, R19)."""

    silent: tuple[FollowedVisit, ...]
    """Those whose right PIN is a reject like any other; the log may know better."""

    @property
    def miss(self) -> Reason:
        """What it is when it is nobody's PIN."""
        unknown = self.email is not None and not self.visits and not self.silent
        return Reason.UNKNOWN_USER if unknown else Reason.WRONG_PIN


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
    """Decide once more what was rejected: the table may have caught up meanwhile.

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
    still = is_unseen(decision.reason) or is_miss(decision.reason)
    return rejected if still else decision


def _decide(
    request: Request, table: Table, guard: Guard, *, arrived: datetime, now: datetime
) -> Decision:
    password = request.password
    if password is None:
        return Rejected(reason=reason_against_request(request) or Reason.UNSUPPORTED_METHOD)
    claim = read_claim(request, password, table, arrived)
    if isinstance(claim, Reason):
        return Rejected(reason=claim)
    guess = guess_of(request, claim, table, now)
    opening = guard.look(guess, now)
    # What is refused is compared as well: it takes as long as what is wrong.
    right, lost = _right_visits((*claim.visits, *claim.silent), password, table)
    confirmed = [each for each in right if each in claim.visits and opening.admits(each.id)]
    if confirmed:
        decision = choose_visit(request, confirmed, table, arrived)
        if isinstance(decision, Accepted):
            guard.got_in(guess, decision.visit.id, now)
        return decision
    if opening.is_refused:
        return refused(opening)
    if password.could_be_pin():
        guard.count(guess, opening, now, password.sample())
    if lost is not None:
        raise lost  # who asks may be right, and is not told from the others
    silent = [each for each in right if each in claim.silent]
    if silent:
        kept_quiet = choose_visit(request, silent, table, arrived)
        return Rejected(reason=kept_quiet.reason, visit=kept_quiet.visit, is_told=False)
    return Rejected(reason=claim.miss)


def read_claim(
    request: Request, password: Password | None, table: Table, now: datetime
) -> Claim | Reason:
    """Whose PIN it may be.

    Args:
        request: what is asked.
        password: what is to be compared; None where somebody else does it.
        table: what is known.
        now: as of when.

    Returns:
        The claim, or why it is refused whoever it is.
    """
    if reason := reason_against_request(request):
        return reason
    location = _location_of(request, table)
    if location is None:
        return Reason.NO_LOCATION
    if location.settings.wifi_login == "pin":
        name = request.user_name
        pin = normalize_pin(name) if password is None else password.pin_alone(name)
        email, visits = None, () if pin is None else table.visits_with(location.id, pin)
    else:
        email, pin, visits = request.email, None, table.visits_of(request.email)
    confirmed: list[FollowedVisit] = []
    silent: list[FollowedVisit] = []
    for visit in visits:
        admitted = location.settings.roaming or visit.location_id == location.id
        home = table.locations.get(visit.location_id, location)
        fits = admitted and is_confirmed(visit, home, now)
        (confirmed if fits else silent).append(visit)
    return Claim(
        location=location,
        email=email,
        pin=pin,
        visits=tuple(confirmed),
        silent=tuple(silent),
    )


def guess_of(request: Request, claim: Claim, table: Table, now: datetime) -> Guess:
    """What the guard has to know of it."""
    guess = Guess(
        location=claim.location.id,
        nas="" if request.nas is None else request.nas.name,
        device=request.device or "",
    )
    if claim.email is None:
        chance, pins = table.chance_at(claim.location, len(claim.pin or ""), now)
        return replace(guess, by_pin=True, chance=chance, pins=pins)
    visits = (
        Guessed(
            id=each.id,
            location=each.location_id,
            chance=table.chance_of(each),
            pin=each.pin_digest,
        )
        for each in claim.visits
    )
    return replace(guess, visits=tuple(visits))


def _right_visits(
    visits: Iterable[FollowedVisit], password: Password, table: Table
) -> tuple[list[FollowedVisit], KeyUnusable | None]:
    """Whose PIN it is, and what is wrong with a PIN that cannot be opened: it may be that one.

    Every one is tried, and a stand-in where there is none, so that the time it takes does not
    tell which one fits, or whether there is one (R10, R11).

    Raises:
        KeyUnusable: none of the PINs can be opened: nothing was compared, so nothing is a guess.
    """
    right, lost, compared = [], None, False
    for visit in list(visits) or [table.nobody]:
        try:
            if password.matches(visit, table.keyring):
                right.append(visit)
            compared = True
        except KeyUnusable as error:
            lost = error
    if lost is not None and not compared:
        raise lost
    return [visit for visit in right if visit is not table.nobody], lost


def refused(opening: Opening) -> Rejected:
    """What the guard does not look at: whether it has to wait for seconds or for long."""
    return Rejected(reason=Reason.TOO_SOON if opening.is_pause else Reason.GUARDED)


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
    location = _location_of(request, table)
    roaming = location is not None and location.settings.roaming
    admits = None if roaming else location.id if location is not None else NOWHERE
    return max((decide_visit(visit, admits, now) for visit in right), key=_preference)


def remaining(decision: Decision, now: datetime) -> Decision:
    """A decision that is sent later than it was made: an accept for what is left then (R12)."""
    if isinstance(decision, Rejected):
        return decision
    seconds = seconds_left(decision.visit, now)
    if seconds < 1:
        return Rejected(reason=Reason.ENDED, visit=decision.visit)
    return replace(decision, session_timeout=min(seconds, decision.session_timeout))


def _location_of(request: Request, table: Table) -> Location | None:
    """The location of the NAS, with its settings of the moment."""
    return None if request.nas is None else table.locations.get(request.nas.location.id)


def _preference(decision: Decision) -> tuple[bool, bool, int]:
    """R10: an open window first, a live visit before an ended one, the latest issued of several."""
    if isinstance(decision, Accepted):
        return (True, True, decision.visit.id)
    live = decision.reason in {Reason.NOT_YET, Reason.NOT_CHECKED_IN}
    return (False, live, decision.visit.id if decision.visit else 0)
