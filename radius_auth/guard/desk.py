"""The guard as the desk sees it: which devices have to wait, and releases by three free tries."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from nexio.network.guard_acts import Act, Kind, times_put_right
from nexio.network.guard_table import append, count_releases, read_after
from nexio.store import audit
from radius_auth.guard.guard import FREE_TRIES, Guard
from radius_auth.guard.target import BACK_OFF, MOST_FREE, Device

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nexio.store.engine import Reading, Writing
    from radius_auth.guard.target import Target

MOST_RELEASES: Final = MOST_FREE // FREE_TRIES
"""Devices that the desk may release at one visit in 24 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A device that guessed wrongly in the last day, or was refused."""

    device: str | None
    """None where the NAS names no device."""

    nas: str
    at: datetime
    """When its latest wrong or refused login was."""

    guesses: int
    was_in: bool
    until: datetime | None
    """When its next guess is checked; None is now."""

    refused: int = 0
    """Its logins of the last day that were not checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A visit, or a location where the PIN alone logs in, at which a device has to wait."""

    visit_id: int | None
    location_id: int | None
    until: datetime | None
    """When the next guess of another device is checked; None is now."""

    tried: tuple[Tried, ...]


def guard_in(work: Reading, now: datetime) -> Guard:
    """The state of the guard in the servers that share this store."""
    acts, _ = read_after(work.session.connection(), 0)
    return guard_of(acts, now)


def guard_of(acts: Iterable[Act], now: datetime) -> Guard:
    """The state of the guard in the processes that wrote these acts."""
    guard = Guard()
    right = times_put_right(acts, now.timestamp())
    guard.begin_again(sorted(right, key=lambda act: act.at))
    return guard


def release(work: Writing, visit_id: int, device: str) -> None:
    """Give a device three tries at a visit; it reaches every server within a second.

    Args:
        work: the transaction.
        visit_id: of a visit.
        device: its MAC address.

    Raises:
        Refused: the visit has had as many releases in a day as the bound leaves room for.
    """
    act = Act(
        kind=Kind.RELEASE,
        at=work.now.timestamp(),
        writer=secrets.token_hex(8),
        serial=1,
        host="desk",
        visit_id=visit_id,
        device=device,
    )
    append(work.session.connection(), [act])  # first, so that other desks wait from here on
    since = work.now - timedelta(days=1)
    if count_releases(work.session.connection(), visit_id, since) > MOST_RELEASES:
        raise Refused(
            f"{MOST_RELEASES} devices were released at visit {visit_id} in the last 24 hours,"
            " which is the most",
            "Give the guest a new PIN, at which nobody has guessed yet:"
            f" nexio visitor reissue {visit_id}",
        )
    audit.record(work, "release", "visit", visit_id, {"device": device})


def waits(guard: Guard, now: datetime) -> list[Wait]:
    """The visits and locations at which a device has to wait now."""
    found = [_wait(target, now, visit_id=key) for key, target in guard.visits().items()]
    found += [_wait(target, now, location_id=key) for key, target in guard.locations().items()]
    return [each for each in found if each.until or any(tried.until for tried in each.tried)]


def has_open_device(guard: Guard, visit_id: int, now: datetime) -> bool:
    """Whether a device that was in at a visit need not wait there."""
    target = guard.visits().get(visit_id)
    return target is not None and any(
        device.was_in and not _until(target, name, now) for name, device in target.devices.items()
    )


def with_refused(guard: Guard, wait: Wait, refused: Iterable[Tried], now: datetime) -> Wait:
    """Add the devices that were refused there: the guest's own is among them.

    Args:
        guard: that has counted the guesses.
        wait: the visit or location.
        refused: where and when, without the guesses and the waits; a device may appear repeatedly.
        now: as of when.
    """
    key, targets = wait.visit_id, guard.visits()
    if key is None:
        key, targets = wait.location_id or 0, guard.locations()
    tried = {each.device: each for each in wait.tried}
    for each in sorted(refused, key=lambda each: each.at):
        known = tried.get(each.device) or replace(
            each, refused=0, until=_until(targets[key], each.device or "", now)
        )
        tried[each.device] = replace(
            known,
            nas=each.nas,
            at=max(known.at, each.at),
            refused=known.refused + each.refused,
        )
    return replace(wait, tried=tuple(sorted(tried.values(), key=lambda each: each.at)))


def _wait(
    target: Target, now: datetime, visit_id: int | None = None, location_id: int | None = None
) -> Wait:
    tried = [
        _tried(target, name, device, now)
        for name, device in target.devices.items()
        if device.recent(now.timestamp())
    ]
    return Wait(
        visit_id=visit_id,
        location_id=location_id,
        until=_until(target, "", now),
        tried=tuple(sorted(tried, key=lambda each: each.at)),
    )


def _tried(target: Target, name: str, device: Device, now: datetime) -> Tried:
    recent = device.recent(now.timestamp())
    return Tried(
        device=name or None,
        nas=device.nas,
        at=datetime.fromtimestamp(recent[-1], UTC),
        guesses=len(recent),
        was_in=device.was_in,
        until=_until(target, name, now),
    )


def _until(target: Target, name: str, now: datetime) -> datetime | None:
    """When a guess is checked; operators do not see the short back-off."""
    seconds = target.wait(name, target.cost, now.timestamp(), shared=False)
    return now + timedelta(seconds=seconds) if seconds > BACK_OFF else None
