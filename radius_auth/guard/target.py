"""Targets of guesses: a visit, or all visits of a location where the PIN alone logs in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from nexio.network.guard_acts import Act
from radius_auth.guard.bucket import DAY, RESERVE, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_OF_A_DEVICE: Final = 6
"""Wrong guesses in a day by a device that was not in before."""

BACK_OFF: Final = 4.0
"""Seconds: the longest wait of one device between two guesses.

It is 1 s at first, which the delay of a reject covers, and rises to this with the fifth.
"""

PROPAGATION_TIME: Final = 1.5
"""Seconds until a guess has reached every other server."""

MOST_DEVICES: Final = 64
"""Devices stored for one target; those that guessed longest ago are forgotten first."""

MOST_GIVEN_BACK: Final = 12
"""Wrong guesses given back at one visit in a day; one device gets back as many as it may make."""

MOST_FREE: Final = 12
"""Wrong guesses at one visit in a day that may be tries given by the desk: for four devices."""

REMEMBERED: Final = 256
"""Wrong passwords that are recognised at one target."""

MOST_UNPROCESSED: Final = 8
"""Guesses stored unprocessed: at most as many as a bucket holds."""


@dataclass(slots=True)
class Device:
    """The record of one device at a target; times are seconds since 1970."""

    nas: str = ""
    """The NAS of its latest try."""

    guesses: tuple[float, ...] = ()
    """Its wrong guesses of the last day, without tries given by the desk."""

    given_back: tuple[float, ...] = ()
    """The guesses of the last day that were given back when it logged in."""

    was_in: bool = False
    free: int = 0
    """Tries given by the desk that are left."""

    def recent(self, now: float) -> tuple[float, ...]:
        """Its wrong guesses of the last day."""
        self.guesses = within_a_day(self.guesses, now)
        return self.guesses

    def wait(self, now: float) -> float:
        """Seconds that this device has to wait, whatever others do."""
        recent = self.recent(now)
        if not recent:
            return 0.0
        back_off = min(BACK_OFF, max(1.0, 2.0 ** (len(recent) - 3)))
        until = recent[-1] + back_off
        if not self.was_in and len(recent) >= MOST_OF_A_DEVICE:
            until = max(until, recent[-MOST_OF_A_DEVICE] + DAY)
        return max(0.0, until - now)


class Target:
    """The guesses at a target, and which devices have to wait.

    Args:
        bucket: of guesses, or of chance.
        reserve: how much of it is reserved for devices that were in before.
    """

    __slots__ = ("_propagating", "_wrong", "bucket", "cost", "devices", "freed", "reserve")

    def __init__(self, bucket: Bucket, reserve: float = RESERVE) -> None:
        self.bucket, self.reserve = bucket, reserve
        self.cost = 1.0
        """The cost of the latest guess."""

        self.devices: dict[str, Device] = {}
        self.freed: tuple[float, ...] = ()
        """Tries given by the desk that were used in the last day."""

        self._wrong: tuple[bytes, ...] = ()
        self._propagating: tuple[tuple[float, float], ...] = ()

    def device(self, name: str) -> Device:
        """The record of a device, made if there is none; "" stands for no device."""
        known = self.devices.pop(name, None) or Device()
        self.devices[name] = known  # behind all others
        return known

    def guess(self, device: Device, act: Act) -> None:
        """Count a wrong guess of a device."""
        device.nas = act.nas
        device.guesses = (*(device.guesses and device.recent(act.at)), act.at)
        self.cost = act.cost
        self.bucket.take(act.cost, act.at)

    def forget_one(self) -> None:
        """Forget a device, as there are too many: one that only guessed, or else the oldest."""
        only_guessed = (key for key, each in self.devices.items() if not (each.was_in or each.free))
        del self.devices[next(only_guessed, next(iter(self.devices)))]

    def wait(self, name: str, cost: float, now: float, *, shared: bool) -> float:
        """Seconds until a guess by that device is checked; 0 is now.

        Args:
            name: of the device.
            cost: what the guess takes.
            now: as of when.
            shared: whether other servers take from the same bucket.
        """
        device = self.devices.get(name, Device())
        wait = 0.0
        if not self.is_free(name, now):
            wait = self.bucket.wait(cost + (0 if device.was_in else self.reserve), now)
            if name:
                wait = max(wait, device.wait(now))
        if shared:
            wait = max(wait, self._pace(cost, now))
        return wait

    def is_free(self, name: str, now: float) -> bool:
        """Whether the next guess of that device is a try given by the desk."""
        self.freed = within_a_day(self.freed, now)
        known = self.devices.get(name)
        return known is not None and known.free > 0 and len(self.freed) < MOST_FREE

    def is_quiet(self, now: float) -> bool:
        """Whether nothing is counted here that anybody would have to wait for, now or later."""
        if self.freed and within_a_day(self.freed, now):
            return False
        if self._propagating and self._recently(now):
            return False
        for each in self.devices.values():
            if each.guesses and each.recent(now):
                return False
        return self.bucket.level(now) >= self.bucket.holds

    def is_idle(self, now: float) -> bool:
        """Whether it may be forgotten; a guess in the future is moved to now."""
        level = self.bucket.level(now)
        in_use = [
            bool(each.recent(now)) or each.was_in or each.free > 0 for each in self.devices.values()
        ]
        freed = within_a_day(self.freed, now)
        return level >= self.bucket.holds and not freed and not any(in_use)

    def spend(self, cost: float, now: float) -> None:
        """Remember a guess that may not have reached the other servers yet."""
        self._propagating = (*(self._propagating and self._recently(now)), (now, cost))

    def take_back(self, cost: float, at: float) -> None:
        """Forget a guess that was right after all."""
        self._propagating = tuple(each for each in self._propagating if each != (at, cost))

    def is_new(self, digest: bytes) -> bool:
        """Whether a wrong password was not tried before; remembers it."""
        if digest in self._wrong:
            return False
        self._wrong = (*self._wrong[1 - REMEMBERED :], digest)
        return True

    def room_to_give_back(self, name: str, now: float) -> int:
        """How many of a device's wrong guesses can be given back now."""
        mine = self.devices[name]
        for each in self.devices.values():
            each.given_back = within_a_day(each.given_back, now)
        given = sum(len(each.given_back) for each in self.devices.values())
        room = min(MOST_OF_A_DEVICE - len(mine.given_back), MOST_GIVEN_BACK - given)
        return max(0, min(room, len(mine.recent(now))))

    def _pace(self, cost: float, now: float) -> float:
        """Seconds to wait so that at most an eighth of the bucket is taken before others know."""
        eighth = self.bucket.holds / 8
        recent = self._recently(now)
        if sum(spent for _, spent in recent) + min(cost, eighth) <= eighth * (1 + 1e-9):
            return 0.0
        return recent[0][0] + PROPAGATION_TIME - now

    def _recently(self, now: float) -> tuple[tuple[float, float], ...]:
        return tuple([each for each in self._propagating if 0 <= now - each[0] < PROPAGATION_TIME])


def target_of(guests: Iterable[str], at: float) -> Target:
    """The target of a visit at which nothing has happened but logins of these devices."""
    target = Target(Bucket(at))
    for name in guests:
        if name:
            target.device(name).was_in = True
    return target


class Wrong(NamedTuple):
    """A wrong guess that was stored unprocessed."""

    act: Act
    digest: bytes
    """Represents the password; empty if another process checked it."""

    is_propagating: bool
    """Whether it may not have reached other servers yet."""


class FewGuesses(NamedTuple):
    """Wrong guesses at a visit at which nothing else has happened but logins.

    When somebody guesses at all visits there are thousands of these, and a :class:`Target`
    takes three times the memory, and longer to make.  A worker receives the guesses of other
    workers and hardly ever checks one there itself (``python -m benchmarks.path``).
    """

    guests: tuple[str, ...]
    """The devices that logged in before."""

    wrong: tuple[Wrong, ...]
    """In order of arrival; at least one."""

    def target(self) -> Target:
        """Build the full target of the visit."""
        target = target_of(self.guests, self.wrong[0].act.at)
        for act, digest, is_propagating in self.wrong:
            target.guess(target.device(act.device), act)
            if len(target.devices) > MOST_DEVICES:
                target.forget_one()
            if digest:
                target.is_new(digest)
            if is_propagating:
                target.spend(act.cost, act.at)
        return target

    def is_recent(self, now: float) -> bool:
        """Whether all guesses still count, and none is in the future."""
        return all(0 <= now - each.act.at < DAY for each in self.wrong)


def within_a_day(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    """The times of the last 24 hours; a time in the future becomes now."""
    if not times:  # most devices have none
        return times
    return tuple([min(each, now) for each in times if each > now - DAY])
