"""Decides Access-Requests, and is the only place that does; it does no I/O of its own.

It applies the rules of ``rules.py``, in their order; the guard, in ``guard/``, counts wrong
passwords, and may wait for another worker (:meth:`Guard.look`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.errors import KeyUnusable
from nexio.input.pins import normalize_pin
from radius_auth.decision.devices import mac_of
from radius_auth.decision.reasons import Reason, is_miss, is_unseen
from radius_auth.decision.request import Accepted, Claim, Decision, Rejected, Request, named
from radius_auth.decision.rules import decide_visit, reason_against_request, seconds_left
from radius_auth.guard import Guess, Guessed
from radius_auth.replica.confirming import is_confirmed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
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


def decide(
    request: Request, table: Table, guard: Guard, arrived: datetime, now: datetime | None = None
) -> Decision:
    """Decide an Access-Request whose password we can check.

    Args:
        request: what is asked.
        table: what is known.
        guard: what counts guesses.
        arrived: as of when the visit is decided.
        now: when the guess is counted; None is the same.

    Raises:
        KeyUnusable: no PIN matches, but one that it may be cannot be decrypted.
    """
    password = request.password
    if password is None:
        return Rejected(reason_against_request(request) or Reason.UNSUPPORTED_METHOD)
    claim = read_claim(request, password, table, arrived)
    if not isinstance(claim, Claim):
        by_mac = claim is Reason.MAC_AUTHENTICATION
        return (by_mac and _remembered(request, table, arrived)) or Rejected(claim)
    # Passwords that will be refused are compared as well, so that they take as long as wrong ones.
    right, silent, unreadable = _right_visits(claim, password, table)
    now = now or arrived
    if len(right) == 1:
        decision = _decide_unguarded(right[0], request, claim, table, guard, arrived, now)
        if decision is not None:
            return decision
    is_counted = not right and _count_first_guess(request, claim, password, guard, now)
    if not is_counted:
        guess = guess_of(request, claim, table, now)
        decision = _decide_guarded(right, guess, password, claim, guard, arrived, now)
        if decision is not None:
            return decision
    if unreadable is not None:
        try:
            raise unreadable  # it may be right, and nothing distinguishes it from a wrong one
        finally:
            unreadable = None
    return _miss(claim, silent, arrived)


def decide_again(  # noqa: PLR0913, PLR0917 - two times, each of its own meaning
    request: Request,
    rejected: Rejected,
    table: Table,
    guard: Guard,
    arrived: datetime,
    now: datetime,
) -> Decision:
    """Decide again what was rejected: the table may have caught up meanwhile.

    Comparing the password with the same PINs again costs nothing; anything else costs a guess.

    Args:
        request: what was asked.
        rejected: the first decision.
        table: what is known by now.
        guard: what counts guesses.
        arrived: as of when the visit is decided.
        now: when the guess is counted.
    """
    decision = decide(request, table, guard, arrived, now)
    still = is_unseen(decision.reason) or is_miss(decision.reason)
    return rejected if still else decision


def _remembered(request: Request, table: Table, now: datetime) -> Accepted | None:
    """The accept of a device that has logged in with a visit's PIN (R22)."""
    location, device = _location_of(request, table), mac_of(request.calling_station)
    if location is None or device is None or not location.settings.remember_devices:
        return None
    visits = table.visits_on(device)
    decision = _choose(visits, location, now) if visits else None
    if not isinstance(decision, Accepted):
        return None
    return decision._replace(reason=Reason.REMEMBERED)


def _decide_unguarded(  # noqa: PLR0913, PLR0917 - all inputs of a decision
    visit: FollowedVisit,
    request: Request,
    claim: Claim,
    table: Table,
    guard: Guard,
    arrived: datetime,
    now: datetime,
) -> Decision | None:
    """The decision for a right PIN that the guard need not check, as for nearly every login.

    None if somebody has guessed, or if the PIN alone logs in a device for the first time.
    """
    location, name, _, _, _ = claim
    nas, _, _, station, _, _, _, _ = request
    device, number = mac_of(station) or "", visit.id
    if not device and name is None:
        return None
    is_known = guard.is_undisturbed(number, device)  # nothing to record
    if not is_known and (name is None or not guard.is_untouched(number)):
        return None
    decision = decide_visit(visit, _admits(location), arrived)
    if not is_known and isinstance(decision, Accepted):
        chance = table.chance_of(visit)
        guard.record_first_login(number, visit.location_id, chance, device, _name_of(nas), now)
    return decision


def _decide_guarded(  # noqa: PLR0913, PLR0917 - all inputs of a decision
    right: Sequence[FollowedVisit],
    guess: Guess,
    password: Password,
    claim: Claim,
    guard: Guard,
    arrived: datetime,
    now: datetime,
) -> Decision | None:
    """The decision with the guard; None for a wrong password, which it counts."""
    opening = guard.look(guess, now)
    confirmed = [visit for visit in right if opening.admits(visit.id)]
    if confirmed:
        decision = _choose(confirmed, claim.location, arrived)
        if isinstance(decision, Accepted):
            guard.record_login(guess, decision.visit.id, now)
        return decision
    if opening.is_refused:
        return refused(opening)
    if password.could_be_pin():
        guard.count(guess, opening, now, password.sample())
    return None


def _count_first_guess(
    request: Request, claim: Claim, password: Password, guard: Guard, now: datetime
) -> bool:
    """Count a wrong password where nobody has guessed before, as nearly always; True if counted."""
    if claim.name is None or len(claim.visits) != 1 or not password.could_be_pin():
        return False
    (visit,), device = claim.visits, mac_of(request.calling_station) or ""
    place, nas = visit.location_id, _name_of(request.nas)
    sample = password.sample()
    return guard.count_first(visit.id, place, visit.pin_digest, device, nas, now, sample)


def _miss(claim: Claim, silent: Sequence[FollowedVisit], now: datetime) -> Rejected:
    """The reject of a PIN of no visit, or of an unconfirmed one, which only the log shows (R11)."""
    if not silent:
        return Rejected(claim.miss)
    decision = _choose(silent, claim.location, now)
    return Rejected(decision.reason, decision.visit, is_explained=False)


def read_claim(
    request: Request, password: Password | None, table: Table, now: datetime
) -> Claim | Reason:
    """The visits whose PIN it may be.

    Args:
        request: what is asked.
        password: what is to be compared; None where somebody else compares it.
        table: what is known.
        now: as of when.

    Returns:
        The claim, or why the request is refused for everybody.
    """
    if reason := reason_against_request(request):
        return reason
    nas, name, _, _, _, _, _, _ = request
    location = None if nas is None else table.locations.get(nas.location.id)
    if location is None:
        return Reason.NO_LOCATION
    login, pin, settings = None, None, location.settings
    if settings.wifi_login == "pin":
        pin = normalize_pin(name) if password is None else password.pin_alone(name)
        visits = () if pin is None else table.visits_with(location.id, pin)
    else:
        # Most guests type their e-mail in the form that it is looked up by.
        visits = table.by_name.get(name) or table.visits_of(request.email)
        login = name
    confirmed: list[FollowedVisit] = []
    silent: list[FollowedVisit] = []
    for visit in visits:
        its = visit.location_id
        if (its == location.id or settings.roaming) and is_confirmed(
            visit, table.locations.get(its, location), now
        ):
            confirmed.append(visit)
        else:
            silent.append(visit)
    return named(Claim, (location, login, pin, confirmed, silent))


def guess_of(request: Request, claim: Claim, table: Table, now: datetime) -> Guess:
    """The guess as the guard sees it."""
    nas, device = _name_of(request.nas), mac_of(request.calling_station) or ""
    if claim.name is None:
        chance, pins = table.chance_at(claim.location, len(claim.pin or ""), now)
        return Guess(claim.location.id, nas, device, by_pin=True, chance=chance, pins=pins)
    visits = {
        each.id: named(Guessed, (each.location_id, table.chance_of(each), each.pin_digest))
        for each in claim.visits
    }
    return named(Guess, (claim.location.id, nas, device, visits, False, 0.0, b""))


def _name_of(nas: Nas | None) -> str:
    return "" if nas is None else nas.name


def _right_visits(
    claim: Claim, password: Password, table: Table
) -> tuple[list[FollowedVisit], list[FollowedVisit], KeyUnusable | None]:
    """The visits whose PIN it is, and the error of a PIN that cannot be decrypted, if there is one.

    All are compared, and a dummy where there is none, so that the time does not reveal which one
    matches, or whether there is one (R10, R11).

    Returns:
        Those that would be confirmed, and the silent ones; and the error, if there is one.

    Raises:
        KeyUnusable: no PIN can be decrypted: nothing was compared, so this was no guess.
    """
    _, _, _, confirmed, others = claim
    right: list[FollowedVisit] = []
    silent: list[FollowedVisit] = []
    unreadable, compared, keyring = None, False, table.keyring
    for visits, matching in ((confirmed, right), (others, silent)):
        for visit in visits:
            try:
                if password.matches(visit, keyring):
                    matching.append(visit)
                compared = True
            except KeyUnusable as error:
                unreadable = error.with_traceback(None)
    if not compared:
        if unreadable is not None:
            try:
                raise unreadable
            finally:
                unreadable = None  # or its traceback would be a cycle for the garbage collector
        password.matches(table.nobody, keyring)
    return right, silent, unreadable


def refused(opening: Opening) -> Rejected:
    """The reject of a guess that the guard does not check: for seconds, or for longer."""
    return Rejected(reason=Reason.TOO_SOON if opening.is_pause else Reason.GUARDED)


def choose_visit(
    request: Request, right: Sequence[FollowedVisit], table: Table, now: datetime
) -> Decision:
    """Decide for the best of the visits whose PIN was right (R10).

    Args:
        request: what was asked.
        right: one or more visits, however their PIN was proven.
        table: what is known.
        now: as of when.
    """
    return _choose(right, _location_of(request, table), now)


def _choose(right: Sequence[FollowedVisit], location: Location | None, now: datetime) -> Decision:
    admits = NOWHERE if location is None else _admits(location)
    return max((decide_visit(visit, admits, now) for visit in right), key=_preference)


def _admits(location: Location) -> int | None:
    """The location whose guests a NAS at a location admits; None is every location (R19)."""
    return None if location.settings.roaming else location.id


def remaining(decision: Decision, now: datetime) -> Decision:
    """Update a decision that is sent later than it was made: an accept gets what is left (R12)."""
    if isinstance(decision, Rejected):
        return decision
    seconds = seconds_left(decision.visit, now)
    if seconds < 1:
        return Rejected(reason=Reason.ENDED, visit=decision.visit)
    return decision._replace(session_timeout=min(seconds, decision.session_timeout))


def _location_of(request: Request, table: Table) -> Location | None:
    """The location of the NAS, with its current settings."""
    return None if request.nas is None else table.locations.get(request.nas.location.id)


def _preference(decision: Decision) -> tuple[bool, bool, int]:
    """R10: an open window first, a live visit before an ended one, the latest issued of several."""
    if isinstance(decision, Accepted):
        return (True, True, decision.visit.id)
    live = decision.reason in {Reason.NOT_YET, Reason.NOT_CHECKED_IN}
    return (False, live, decision.visit.id if decision.visit else 0)
