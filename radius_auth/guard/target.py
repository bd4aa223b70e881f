"""What is guessed at: a visit, or all visits of a location where the PIN alone logs in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from nexio.network.guard_acts import Act
from radius_auth.guard.bucket import DAY, KEPT, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_OF_A_DEVICE: Final = 6
"""Wrong guesses in a day by a device that was not in before."""

BACK_OFF: Final = 4.0
"""Seconds: the longest wait of one device between two guesses.

It is 1 s at first, which the delay of a reject covers, and rises to this with the fifth.
"""

UNHEARD: Final = 1.5
"""Seconds until every other server has heard of a guess."""

MOST_DEVICES: Final = 64
"""Devices that are kept for one target; those that guessed longest ago are forgotten first."""

MOST_GIVEN_BACK: Final = 12
"""Wrong guesses that one visit gets back in a day; one device gets back as many as it may make."""

MOST_FREE: Final = 12
"""Wrong guesses at one visit in a day that are tries of the desk: those of four devices."""

REMEMBERED: Final = 256
"""Wrong passwords that are known again at one target."""

MOST_AS_THEY_CAME: Final = 8
"""Guesses that are kept as they came: at most as many as a bucket holds."""


@dataclass(slots=True)
class Device:
    """What one device did at a target; times are seconds since 1970."""

    nas: str = ""
    """Where it tried last."""

    guesses: tuple[float, ...] = ()
    """Its wrong guesses of the last day; tries of the desk are not among them."""

    given_back: tuple[float, ...] = ()
    """Those of the last day that it got back, when it got in."""

    was_in: bool = False
    free: int = 0
    """Tries that the desk gave it."""

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
    """What was guessed at it, and who has to wait.

    Args:
        bucket: of guesses, or of chance.
        kept: how much of it is kept for devices that were in before.
    """

    __slots__ = ("_unheard", "_wrong", "bucket", "cost", "devices", "freed", "kept")

    def __init__(self, bucket: Bucket, kept: float = KEPT) -> None:
        self.bucket, self.kept = bucket, kept
        self.cost = 1.0
        """What the latest guess took."""

        self.devices: dict[str, Device] = {}
        self.freed: tuple[float, ...] = ()
        """Tries of the desk that were used in the last day."""

        self._wrong: tuple[bytes, ...] = ()
        self._unheard: tuple[tuple[float, float], ...] = ()

    def device(self, name: str) -> Device:
        """The record of a device, made where there is none; "" stands for no device."""
        known = self.devices.pop(name, None) or Device()
        self.devices[name] = known  # behind all others
        return known

    def guess(self, device: Device, act: Act) -> None:
        """Take a wrong guess of a device."""
        device.nas = act.nas
        device.guesses = (*(device.guesses and device.recent(act.at)), act.at)
        self.cost = act.cost
        self.bucket.take(act.cost, act.at)

    def forget_one(self) -> None:
        """Where there are too many: a device that only guessed, or else the oldest."""
        only_guessed = (key for key, each in self.devices.items() if not (each.was_in or each.free))
        del self.devices[next(only_guessed, next(iter(self.devices)))]

    def wait(self, name: str, cost: float, now: float, *, shared: bool) -> float:
        """Seconds until a guess by that device is looked at; 0 is now.

        Args:
            name: of the device.
            cost: what the guess takes.
            now: as of when.
            shared: whether other servers take from the same bucket.
        """
        device = self.devices.get(name, Device())
        wait = 0.0
        if not self.is_free(name, now):
            wait = self.bucket.wait(cost + (0 if device.was_in else self.kept), now)
            if name:
                wait = max(wait, device.wait(now))
        if shared:
            wait = max(wait, self._pace(cost, now))
        return wait

    def is_free(self, name: str, now: float) -> bool:
        """Whether the next guess of that device is a try that the desk gave it."""
        self.freed = within_a_day(self.freed, now)
        known = self.devices.get(name)
        return known is not None and known.free > 0 and len(self.freed) < MOST_FREE

    def is_quiet(self, now: float) -> bool:
        """Whether nothing is counted here that anybody would have to wait for, now or later."""
        if self.freed and within_a_day(self.freed, now):
            return False
        if self._unheard and self._recently(now):
            return False
        for each in self.devices.values():
            if each.guesses and each.recent(now):
                return False
        return self.bucket.level(now) >= self.bucket.holds

    def is_idle(self, now: float) -> bool:
        """Whether it may be forgotten; no time that it keeps lies in the future any more."""
        level = self.bucket.level(now)
        kept = [
            bool(each.recent(now)) or each.was_in or each.free > 0 for each in self.devices.values()
        ]
        freed = within_a_day(self.freed, now)
        return level >= self.bucket.holds and not freed and not any(kept)

    def spend(self, cost: float, now: float) -> None:
        """Remember what the others have not heard of yet."""
        self._unheard = (*(self._unheard and self._recently(now)), (now, cost))

    def take_back(self, cost: float, at: float) -> None:
        """Forget a guess that was right after all."""
        self._unheard = tuple(each for each in self._unheard if each != (at, cost))

    def is_new(self, digest: bytes) -> bool:
        """Whether a wrong password is another one than before; from now on it is known."""
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
        """At most an eighth of the bucket is taken before the others have heard of it."""
        eighth = self.bucket.holds / 8
        unheard = self._recently(now)
        if sum(spent for _, spent in unheard) + min(cost, eighth) <= eighth * (1 + 1e-9):
            return 0.0
        return unheard[0][0] + UNHEARD - now

    def _recently(self, now: float) -> tuple[tuple[float, float], ...]:
        return tuple([each for each in self._unheard if 0 <= now - each[0] < UNHEARD])


def target_of(guests: Iterable[str], at: float) -> Target:
    """That of a visit at which nothing has happened but that these devices got in."""
    target = Target(Bucket(at))
    for name in guests:
        if name:
            target.device(name).was_in = True
    return target


class Wrong(NamedTuple):
    """A wrong guess that nobody had to look at again so far."""

    act: Act
    digest: bytes
    """Stands for the password; empty where another process looked at it."""

    is_unheard: bool
    """Whether other servers may not have heard of it yet."""


class FewGuesses(NamedTuple):
    """Wrong guesses at a visit at which nothing else has happened but that devices got in.

    There are thousands of such visits when somebody guesses at all of them, and a :class:`Target`
    takes three times the memory, and longer to make.  A worker hears of the guesses at the others
    and hardly ever looks at one there itself (``python -m benchmarks.path``).
    """

    guests: tuple[str, ...]
    """The devices that got in before."""

    wrong: tuple[Wrong, ...]
    """As they came; one at least."""

    def target(self) -> Target:
        """All that is known of the visit, for whatever happens there next."""
        target = target_of(self.guests, self.wrong[0].act.at)
        for act, digest, is_unheard in self.wrong:
            target.guess(target.device(act.device), act)
            if len(target.devices) > MOST_DEVICES:
                target.forget_one()
            if digest:
                target.is_new(digest)
            if is_unheard:
                target.spend(act.cost, act.at)
        return target

    def is_recent(self, now: float) -> bool:
        """Whether all of it counts still; no time lies in the future."""
        return all(0 <= now - each.act.at < DAY for each in self.wrong)


def within_a_day(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    """Those of the last 24 hours; what seems to lie in the future was just now."""
    if not times:  # of most devices there are none
        return times
    return tuple([min(each, now) for each in times if each > now - DAY])
