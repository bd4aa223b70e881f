"""Limits guessing at the tablets of a location: one bucket of chance for all of them.

A PIN that is typed at a tablet may be anybody's.  So a wrong one takes the chance that it had: the
PINs of that length that are in use, divided by all that there are.  When little is left, the
tablet asks for the e-mail as well; then a guess can match one PIN only and takes very little.
So honest people are admitted although somebody else has used up the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from nexio.network.tablet_acts import TabletAct, TabletKind, append_act, hold_guesses, read_acts
from nexio.reception.guessing_limits import BOUND, odds
from nexio.store import audit
from radius_auth.guard.bucket import DAY, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from nexio.store.engine import Reading, Writing

HOLDS: Final = 0.55 * BOUND
"""The chance that wrong PINs may take at once."""

A_DAY: Final = 0.25 * BOUND
"""The chance refilled in a day."""

RESERVE: Final = 0.1 * BOUND
"""The part of it reserved for those who type their e-mail as well."""

MOST_RELEASED: Final = 0.15 * BOUND
"""The chance that the desk may add in a day; the sum stays below the bound."""

FREE_TRIES: Final = 3
"""Wrong PINs that a release allows, if so many fit."""

RELEASE_LASTS: Final = 3600.0
"""Seconds."""

_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The numbers of a tablet and its location."""

    tablet_id: int
    location_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletWait:
    """A location at whose tablets the PIN alone is not enough at the moment."""

    location_id: int
    until: datetime
    """When a PIN alone is accepted again."""

    chance: float
    """The chance that the last wrong PIN had."""

    tried: tuple[TabletTried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletTried:
    """A tablet at which wrong PINs were typed in the last day."""

    tablet_id: int
    at: datetime
    """The last one."""

    guesses: int
    is_released: bool
    """Whether the desk has released it for some more."""


@dataclass(slots=True)
class _Door:
    """The chance that is left at a location."""

    bucket: Bucket
    released: dict[int, tuple[float, float]] = field(default_factory=dict)
    """For each tablet the chance that the desk gave it, and when."""

    def wait(self, tablet_id: int, chance: float, now: float, *, with_email: bool) -> float:
        """Seconds until a PIN with that chance may be checked."""
        if self._is_released(tablet_id, chance, now):
            return 0.0
        if not with_email and chance > HOLDS - RESERVE:  # one of them would be too many
            return DAY
        return self.bucket.wait(chance + (0.0 if with_email else RESERVE), now)

    def take(self, tablet_id: int, chance: float, now: float) -> None:
        """Count a wrong PIN."""
        if self._is_released(tablet_id, chance, now):
            left, at = self.released[tablet_id]
            self.released[tablet_id] = (left - chance, at)
        else:
            self.bucket.take(chance, now)

    def _is_released(self, tablet_id: int, chance: float, now: float) -> bool:
        left, at = self.released.get(tablet_id, (0.0, now))
        return left + _ROUNDING >= chance > 0 and now < at + RELEASE_LASTS


def wait_for(work: Writing, place: Place, chance: float, *, with_email: bool) -> timedelta:
    """How long until a PIN may be checked; the tablets of the location take turns.

    Args:
        work: the transaction in which it is checked then.
        place: where it was typed.
        chance: that it matches a PIN: one of the e-mail, or any.
        with_email: whether the e-mail was typed as well.
    """
    hold_guesses(work, place.location_id)
    now = work.now.timestamp()
    door = _door(read_acts(work, place.location_id), now)
    return timedelta(seconds=door.wait(place.tablet_id, chance, now, with_email=with_email))


def count_wrong(work: Writing, place: Place, chance: float) -> None:
    """Count a wrong PIN, in the transaction of :func:`wait_for`."""
    if chance > 0:
        append_act(work, _act(work, TabletKind.WRONG, place, chance))


def release_tablet(work: Writing, place: Place) -> int:
    """Allow a tablet a few more wrong PINs within an hour; right ones use none of them.

    Returns:
        How many.

    Raises:
        Refused: nobody has to wait there, or the bound leaves no room for it today.
    """
    hold_guesses(work, place.location_id)
    acts = read_acts(work, place.location_id)
    wait = _wait_at(place.location_id, acts, work.now)
    if wait is None:
        raise Refused("at this tablet the PIN alone is enough", "There is nothing to do.")
    chance, day_ago = wait.chance, (work.now - timedelta(days=1)).timestamp()
    given = sum(act.chance for act in acts if act.kind is TabletKind.RELEASE and act.at > day_ago)
    tries = min(FREE_TRIES, int((MOST_RELEASED - given) / chance + _ROUNDING))
    if tries < 1:
        raise Refused(
            "with another release, guessing at the tablets would be likelier than"
            f" {odds(BOUND)} today",
            "Let the guest type the e-mail as well, or check them in by hand:"
            " nexio checkin --visit VISIT",
        )
    append_act(work, _act(work, TabletKind.RELEASE, place, tries * chance))
    audit.record(work, "release", "tablet", place.tablet_id)
    return tries


def tablet_waits(work: Reading, now: datetime) -> list[TabletWait]:
    """The locations at whose tablets the PIN alone is not enough now."""
    by_location: dict[int, list[TabletAct]] = {}
    for act in read_acts(work):
        by_location.setdefault(act.location_id, []).append(act)
    found = (_wait_at(location, acts, now) for location, acts in by_location.items())
    return [each for each in found if each is not None]


def _wait_at(location_id: int, acts: Sequence[TabletAct], now: datetime) -> TabletWait | None:
    seconds = now.timestamp()
    wrong = [act for act in acts if act.kind is TabletKind.WRONG]
    if not wrong:
        return None
    door = _door(acts, seconds)
    chance = max(act.chance for act in wrong)
    wait = door.bucket.wait(chance + RESERVE, seconds)
    if not wait:
        return None
    day_ago = (now - timedelta(days=1)).timestamp()
    tablets = {act.tablet_id: act.at for act in wrong if act.at > day_ago}
    return TabletWait(
        location_id=location_id,
        until=now + timedelta(seconds=wait),
        chance=chance,
        tried=tuple(
            TabletTried(
                tablet_id=number,
                at=now - timedelta(seconds=seconds - at),
                guesses=sum(act.tablet_id == number and act.at > day_ago for act in wrong),
                is_released=not door.wait(number, chance, seconds, with_email=False),
            )
            for number, at in tablets.items()
        ),
    )


def _door(acts: Iterable[TabletAct], now: float) -> _Door:
    """What is left after these acts; times in the future count as now."""
    door: _Door | None = None
    for act in acts:
        at = min(act.at, now)
        door = door or _Door(Bucket(at, HOLDS, A_DAY))
        if act.kind is TabletKind.RELEASE:
            door.released[act.tablet_id] = (act.chance, at)
        else:
            door.take(act.tablet_id, act.chance, at)
    return door or _Door(Bucket(now, HOLDS, A_DAY))


def _act(work: Writing, kind: TabletKind, place: Place, chance: float) -> TabletAct:
    return TabletAct(
        kind=kind,
        at=work.now.timestamp(),
        location_id=place.location_id,
        tablet_id=place.tablet_id,
        chance=chance,
    )
