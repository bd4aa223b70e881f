"""The budgets against guessing: how much is free, and how long a guess waits then (DESIGN 6).

Times are seconds since 1970.  A clock that is set back makes nobody wait longer than is said
here: what lies in the future counts as just now.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from radius_auth.guesses import Guess

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

KEPT = 20
"""Times of guesses that one record keeps; no budget looks at more."""

REMEMBERED = 8
"""Digests of wrong passwords that one record keeps."""

FEWEST = 50
"""Guesses that a location lets through at once, and again each day, however likely each is to
hit: below that, guests who mistype would close it for each other.  Only where the PINs are
shorter than R9 asks for does it matter, and ``settings set`` says the risk then."""


class Record:
    """What counts against one key of one budget."""

    __slots__ = ("failures", "guess", "weight", "wrong")

    def __init__(self) -> None:
        self.failures = 0
        self.guess: Guess | None = None
        """The latest, which says where it was."""
        self.weight = 1.0
        """Of the latest."""
        self.wrong: tuple[bytes, ...] = ()
        """Digests of wrong passwords."""

    def wait(self, now: float, weight: float) -> float:
        """Seconds until a guess of that weight is let through; 0 is now."""
        raise NotImplementedError

    def add(self, at: float, weight: float) -> None:
        """Count a guess."""
        raise NotImplementedError

    def take_back(self, at: float, weight: float) -> None:
        """Count it no longer."""
        raise NotImplementedError

    def is_idle(self, now: float) -> bool:
        """Whether it may be forgotten."""
        raise NotImplementedError

    @property
    def latest(self) -> float:
        """When something was counted last."""
        raise NotImplementedError


class Dated(Record):
    """Knows when the latest guesses were, the earliest first."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def wait(self, now: float, weight: float) -> float:
        """See :meth:`Record.wait`; each guess weighs the same here."""
        del weight
        if self.times and self.times[-1] > now:
            self.times = [min(at, now) for at in self.times]
        return max(0.0, self.opens_at(now) - now)

    def opens_at(self, now: float) -> float:
        """When the next guess is let through."""
        raise NotImplementedError

    def add(self, at: float, weight: float) -> None:
        """See :meth:`Record.add`."""
        del weight
        insort(self.times, at)
        del self.times[:-KEPT]
        self.failures = len(self.times)

    def take_back(self, at: float, weight: float) -> None:
        """See :meth:`Record.take_back`."""
        del weight
        if self.times:
            # Another time than it was where the clock was set back meanwhile: the latest then.
            self.times.remove(at if at in self.times else self.times[-1])
        self.failures = len(self.times)

    def is_idle(self, now: float) -> bool:
        """See :meth:`Record.is_idle`."""
        return not self.times or now - self.times[-1] > DAY

    @property
    def latest(self) -> float:
        """See :attr:`Record.latest`."""
        return self.times[-1] if self.times else 0.0


class Doubling(Dated):
    """E-mail and device: 5 failures in a day, then a wait that doubles from 30 s to 1 h."""

    __slots__ = ()

    FREE = 5
    FIRST = 30.0
    LONGEST = HOUR

    def opens_at(self, now: float) -> float:
        """See :meth:`Dated.opens_at`."""
        failures = sum(now - at < DAY for at in self.times)
        if failures < self.FREE:
            return 0.0
        doubled: float = self.FIRST * 2 ** (failures - self.FREE)
        return self.times[-1] + min(doubled, self.LONGEST)


class Burst(Dated):
    """A device, over all e-mails: 10 failures within 10 minutes, then a wait of 15 minutes."""

    __slots__ = ()

    FREE = 10
    WITHIN = 10 * MINUTE
    WAIT = 15 * MINUTE

    def opens_at(self, now: float) -> float:
        """See :meth:`Dated.opens_at`."""
        del now
        times = self.times
        if len(times) < self.FREE or times[-1] - times[-self.FREE] > self.WITHIN:
            return 0.0
        return times[-1] + self.WAIT


class Daily(Dated):
    """So many in 24 hours, whichever 24 hours they are."""

    __slots__ = ()

    FREE = 3

    def opens_at(self, now: float) -> float:
        """See :meth:`Dated.opens_at`."""
        del now
        return self.times[-self.FREE] + DAY if len(self.times) >= self.FREE else 0.0


class Share(Daily):
    """What one device may take of the budget that a location has for all."""

    __slots__ = ()

    FREE = 20


class Leaking(Record):
    """Fills with each guess and leaks all the time; what would overflow has to wait.

    In any span of time at most what fits in, and what leaks out meanwhile, comes through.
    """

    __slots__ = ("at", "level")

    HOLDS: ClassVar[float]
    LEAKS: ClassVar[float]
    """In a second."""

    def __init__(self) -> None:
        super().__init__()
        self.level = 0.0
        self.at = 0.0

    def wait(self, now: float, weight: float) -> float:
        """See :meth:`Record.wait`."""
        self.at = min(self.at, now)
        # Sums of weights are not exact: a billionth is no guess.
        over = self.level - (now - self.at) * self.LEAKS + weight - self.HOLDS * (1 + 1e-9)
        return max(0.0, over / self.LEAKS)

    def add(self, at: float, weight: float) -> None:
        """See :meth:`Record.add`."""
        if at > self.at:
            self.level = max(0.0, self.level - (at - self.at) * self.LEAKS)
            self.at = at
        if self.level == 0:
            self.failures = 0
        self.level += weight
        self.failures += 1

    def take_back(self, at: float, weight: float) -> None:
        """See :meth:`Record.take_back`."""
        del at
        self.level = max(0.0, self.level - weight)
        self.failures = max(0, self.failures - 1) if self.level else 0

    def is_idle(self, now: float) -> bool:
        """See :meth:`Record.is_idle`."""
        return self.level <= (now - self.at) * self.LEAKS

    @property
    def latest(self) -> float:
        """See :attr:`Record.latest`."""
        return self.at


class OfVisit(Leaking):
    """A visit: 100 failures from devices that are not trusted, then one in 10 minutes."""

    __slots__ = ()

    HOLDS = 100.0
    LEAKS = 1 / (10 * MINUTE)


class WithoutDevice(Leaking):
    """A NAS that does not say which device it is, and an e-mail: 10, then one a minute.

    All the guests of such a NAS look alike.  An e-mail has the 10 attempts that a device has
    over all of its own, so that a household's typing errors pass; then a minute, not more: one
    guest's errors must not lock out another of the same address, or, where the PIN alone logs
    in, all others of the NAS.  What an attacker gets of that is bounded by visit and location.
    """

    __slots__ = ()

    HOLDS = 10.0
    LEAKS = 1 / MINUTE


class OfLocation(Leaking):
    """A location, devices that are not trusted, beyond what each visit has for itself.

    By weight, so that it bounds the chance of a hit, however many PINs a guess is held against
    and however long they are: 150 millionths, and 150 a day.
    """

    __slots__ = ()

    HOLDS = 150.0
    LEAKS = HOLDS / DAY


class OfPinLocation(Leaking):
    """The same where the PIN alone logs in: no visit has anything for itself there."""

    __slots__ = ()

    HOLDS = 300.0
    LEAKS = HOLDS / DAY


class Harmless(Leaking):
    """Guesses that can hit nothing, which the other processes are told of: 200, and 200 an hour.

    So that an operator sees whose device waits; any number of them would fill the disk.
    """

    __slots__ = ()

    HOLDS = 200.0
    LEAKS = HOLDS / HOUR
