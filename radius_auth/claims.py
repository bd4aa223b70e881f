"""Claims: who a request says to be, whose PIN its password may be, and what guessing it risks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexio.addresses import email_key
from nexio.errors import KeyUnusable
from radius_auth.devices import mac_of
from radius_auth.guesses import Guess
from radius_auth.reasons import Reason
from radius_auth.rules import reason_against_request

if TYPE_CHECKING:
    from nexio.following import FollowedVisit
    from nexio.locations import Location
    from radius_auth.decision import Request
    from radius_auth.passwords import Password
    from radius_auth.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose PIN it may be."""

    location: Location
    """Of the NAS."""

    email: str | None
    """None where the PIN alone logs in (R9)."""

    visits: tuple[FollowedVisit, ...]

    @property
    def miss(self) -> Reason:
        """What it is when it is nobody's PIN."""
        unknown = self.email is not None and not self.visits
        return Reason.UNKNOWN_USER if unknown else Reason.WRONG_PIN


def read_claim(request: Request, pin: str | None, table: Table) -> Claim | Reason:
    """Whose PIN it may be.

    Args:
        request: what is asked.
        pin: what identifies where the PIN alone logs in (R9).
        table: what is known.

    Returns:
        The claim, or why it is refused whoever it is.
    """
    if reason := reason_against_request(request):
        return reason
    location = location_of(request, table)
    if location is None:
        return Reason.NO_LOCATION
    if location.settings.wifi_login == "pin":
        visits = () if pin is None else table.visits_with(location.id, pin)
        return Claim(location=location, email=None, visits=visits)
    email = email_key(request.user_name.decode("utf-8", "replace"))
    return Claim(location=location, email=email, visits=table.visits_of(email))


def right_visits(claim: Claim, password: Password, table: Table) -> list[FollowedVisit]:
    """Whose PIN it is.

    Every candidate is tried, so that the time it takes does not tell which one fits (R10).

    Raises:
        KeyUnusable: none fits, but one PIN cannot be opened: it may be that one.
    """
    right, lost = [], None
    for visit in claim.visits:
        try:
            if password.matches(visit, table.keyring):
                right.append(visit)
        except KeyUnusable as error:
            lost = error
    if lost is not None and not right:
        raise lost
    return right


def location_of(request: Request, table: Table) -> Location | None:
    """The location of the NAS, with its settings of the moment."""
    return None if request.nas is None else table.locations.get(request.nas.location.id)


def guess_of(request: Request, claim: Claim, table: Table) -> Guess:
    """What the guard has to know of it."""
    nas = "" if request.nas is None else request.nas.name
    device = mac_of(request.calling_station)
    if claim.email is None:
        weight = table.chance_at(claim.location.id)
        return Guess(location=claim.location.id, nas=nas, email=None, device=device, weight=weight)
    latest, tokens, weight = None, [], 0.0
    for visit in claim.visits:
        if chance := table.chance_of(visit):
            latest = max(latest or 0, visit.id)
            weight += chance
            tokens.append(visit.token_id)
    return Guess(
        location=claim.location.id,
        nas=nas,
        email=claim.email,
        device=device,
        visit=latest,
        tokens=tuple(tokens),
        weight=weight,
    )
