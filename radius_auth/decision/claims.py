"""Claims: who a request says to be, whose PIN its password may be, and what guessing it risks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nexio.errors import KeyUnusable
from nexio.input.addresses import email_key
from radius_auth.decision.devices import mac_of
from radius_auth.decision.reasons import Reason
from radius_auth.decision.rules import reason_against_request
from radius_auth.guard import Guess, Guessed
from radius_auth.replica.confirming import is_confirmed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from radius_auth.decision.passwords import Password
    from radius_auth.decision.request import Request
    from radius_auth.replica.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose PIN it may be."""

    location: Location
    """Of the NAS."""

    email: str | None
    """None where the PIN alone logs in (R9)."""

    visits: tuple[FollowedVisit, ...]
    """Those whose right PIN would be confirmed now (R11, R19)."""

    silent: tuple[FollowedVisit, ...]
    """Those whose right PIN is a reject like any other; the log may know better."""

    @property
    def miss(self) -> Reason:
        """What it is when it is nobody's PIN."""
        unknown = self.email is not None and not self.visits and not self.silent
        return Reason.UNKNOWN_USER if unknown else Reason.WRONG_PIN


def read_claim(request: Request, pin: str | None, table: Table, now: datetime) -> Claim | Reason:
    """Whose PIN it may be.

    Args:
        request: what is asked.
        pin: what identifies where the PIN alone logs in (R9).
        table: what is known.
        now: as of when.

    Returns:
        The claim, or why it is refused whoever it is.
    """
    if reason := reason_against_request(request):
        return reason
    location = location_of(request, table)
    if location is None:
        return Reason.NO_LOCATION
    if location.settings.wifi_login == "pin":
        email, visits = None, () if pin is None else table.visits_with(location.id, pin)
    else:
        email = email_key(request.user_name.decode("utf-8", "replace"))
        visits = table.visits_of(email)
    confirmed: list[FollowedVisit] = []
    silent: list[FollowedVisit] = []
    for visit in visits:
        admitted = location.settings.roaming or visit.location_id == location.id
        home = table.locations.get(visit.location_id, location)
        fits = admitted and is_confirmed(visit, home, now)
        (confirmed if fits else silent).append(visit)
    return Claim(location=location, email=email, visits=tuple(confirmed), silent=tuple(silent))


def right_visits(
    visits: Iterable[FollowedVisit], password: Password, table: Table
) -> tuple[list[FollowedVisit], KeyUnusable | None]:
    """Whose PIN it is, and what is wrong with a PIN that cannot be opened: it may be that one.

    Every one is tried, and a stand-in where there is none, so that the time it takes does not
    tell which one fits, or whether there is one (R10, R11).
    """
    right, lost = [], None
    for visit in list(visits) or [table.nobody]:
        try:
            if password.matches(visit, table.keyring):
                right.append(visit)
        except KeyUnusable as error:
            lost = error
    return [visit for visit in right if visit is not table.nobody], lost


def location_of(request: Request, table: Table) -> Location | None:
    """The location of the NAS, with its settings of the moment."""
    return None if request.nas is None else table.locations.get(request.nas.location.id)


def guess_of(request: Request, claim: Claim, pin: str | None, table: Table, now: datetime) -> Guess:
    """What the guard has to know of it."""
    guess = Guess(
        location=claim.location.id,
        nas="" if request.nas is None else request.nas.name,
        device=mac_of(request.calling_station) or "",
    )
    if claim.email is None:
        chance, pins = table.chance_at(claim.location, len(pin or ""), now)
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
