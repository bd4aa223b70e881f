"""Simulates a day of guessing at one location, with the guard that the servers use."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nexio.network.guard_acts import Kind
from nexio.reception.guessing_limits import GUESSES_AT_ONCE, length_for
from radius_auth.guard import Guard, Guess, Guessed, Opening
from radius_auth.guard.siblings import Siblings, shared_memory
from radius_auth.guard.target import PROPAGATION_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexio.network.guard_acts import Act

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
HOURS = 24
HEARD_AFTER = timedelta(seconds=PROPAGATION_TIME)
"""How long an act takes to the other servers at most."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """A location, and who guesses there."""

    visits: int
    """At the same time."""

    change: str = "stable"
    """``growing``: they are registered in the course of the day; ``turning over``: each hour a
    part of them is cancelled, and as many others are registered."""

    pin_length: int = 6
    fixed: bool = False
    """Whether every PIN has just that length, as an operator may insist."""

    by_pin: bool = False
    known: int | None = None
    """E-mails that the attacker knows; None is all of them."""

    emails: int | None = None
    """E-mails of the visits; None is one for each."""

    devices: str = "new"
    """``new``: each guess on a device of its own; ``none``: the access point names none;
    ``copied``: beside new ones, the address of each guest's own device, so that what is guessed
    with it is given back when the guest gets in.
    """

    servers: int = 1
    workers: int = 1
    """Of each server; they share memory."""


@dataclass(kw_only=True)
class Outcome:
    """The results of a day."""

    chance: float = 0.0
    guesses: int = 0
    attacked_waits: float = 0.0
    """The part of the day in which a new device of an attacked visit has to wait."""

    other_waits: float = 0.0
    """The same of a visit that nobody guesses at."""


@dataclass(slots=True)
class _Visit:
    """A visitor of that day."""

    number: int
    digits: int
    begins: int
    """The hour in which it is registered, and the one in which it is cancelled."""

    ends: int = HOURS
    is_in: bool = False

    @property
    def chance(self) -> float:
        return 10.0**-self.digits


@dataclass
class _Servers:
    """Servers that share a store; acts of one reach the others a moment later.

    Acts reach the workers of the same server at once, except acts of the same moment.
    """

    guards: list[Guard]
    workers: int
    on_the_way: deque[tuple[datetime, int, Act]] = field(default_factory=deque)
    sent_up_to: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, number: int, workers: int) -> _Servers:
        guards = []
        for _ in range(number):
            memory = shared_memory(workers)
            for index in range(workers):
                shared = Siblings(memory, workers, index, patience=0.0)
                guard = Guard(shared if workers > 1 else None)
                shared.begin(guard.writer)
                guards.append(guard)
        return cls(guards, workers, sent_up_to=[0] * len(guards))

    def server_of(self, number: int) -> range:
        """The workers of the server that one belongs to."""
        first = number - number % self.workers
        return range(first, first + self.workers)

    def meet(self, now: datetime) -> None:
        """Announce every server to the others, as each does every minute."""
        for guard in self.guards[:: self.workers]:
            guard.report_state(Kind.HERE, now)
        self.hear(now)
        self.hear(now + HEARD_AFTER)

    def hear(self, now: datetime) -> None:
        """Apply acts that have arrived, and send new ones."""
        if len(self.guards) == 1:
            return
        while self.on_the_way and self.on_the_way[0][0] <= now:
            _, sender, act = self.on_the_way.popleft()
            for number, guard in enumerate(self.guards):
                if number not in self.server_of(sender):
                    guard.apply([act])
        for number, guard in enumerate(self.guards):
            guard.finish()
            for act in guard.news_after(self.sent_up_to[number]):
                self.sent_up_to[number] = act.serial
                self.on_the_way.append((now + HEARD_AFTER, number, act))
                self._send_to_siblings(number, act)

    def _send_to_siblings(self, sender: int, act: Act) -> None:
        for number in self.server_of(sender):
            if number != sender:
                if act.kind != Kind.HERE:
                    self.guards[number].apply([act])
                self.guards[number].mark_known_up_to(act.writer, act.serial)


def pin_lengths(visits: int, least: int, *, fixed: bool = False) -> Iterator[int]:
    """The lengths of the PINs of a day, in the order in which they are drawn."""
    drawn: Counter[int] = Counter()
    for _ in range(visits):
        digits = least if fixed else length_for([drawn], least)
        drawn[digits] += 1
        yield digits


def play(day: Day) -> Outcome:
    """Guess for a day, as often as the guard allows."""
    return (_PinLogin if day.by_pin else _EmailLogin)(day).play()


class _EmailLogin:
    """Guessing with ``wifi-login=email``."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.visits = _visits_of(day)
        self.servers = _Servers.of(day.servers, day.workers)
        self.outcome = Outcome()
        self.new = (f"0a:{n:010x}" for n in itertools.count())
        known = len(self.visits) if day.known is None else day.known
        self.attacked = self._by_email()[:known]

    def play(self) -> Outcome:
        """From midnight to midnight."""
        for hour in range(HOURS):
            now = MIDNIGHT + timedelta(hours=hour)
            if self.day.devices == "copied":
                self._guests(hour, now + timedelta(seconds=2))
            self._attack(hour, now + timedelta(minutes=5))
            self._look(hour, now + timedelta(minutes=6))
        self._attack(HOURS - 1, MIDNIGHT + timedelta(hours=HOURS, seconds=-90))
        self.outcome.attacked_waits /= HOURS
        self.outcome.other_waits /= HOURS
        return self.outcome

    def _by_email(self) -> list[list[_Visit]]:
        if self.day.emails is None:
            return [[visit] for visit in self.visits]
        return [self.visits[n :: self.day.emails] for n in range(self.day.emails)]

    def _guests(self, hour: int, now: datetime) -> None:
        """Each guest gets in twice; before, the attacker guesses with the address of the device."""
        guard = self.servers.guards[0]
        for visit in self.visits:
            if visit.begins != hour:
                continue
            made = self._guess([visit], f"02:{visit.number:010x}")
            for minute in (0, 2):
                self.servers.meet(now + timedelta(minutes=minute))
                for second in range(0, 60, 5):
                    then = now + timedelta(minutes=minute, seconds=second)
                    if _left(guard, visit.number, then) >= 4:
                        self._try(guard, made, [visit], then)
                then = now + timedelta(minutes=minute + 1)
                assert guard.look(made, then).admits(visit.number)
                guard.record_login(made, visit.number, then)

    def _attack(self, hour: int, now: datetime) -> None:
        """Ask every server at the same moment, until the guard allows no more guesses."""
        active = [
            group
            for visits in self.attacked
            if (group := [each for each in visits if each.begins <= hour < each.ends])
        ]
        self.servers.meet(now - timedelta(seconds=4))
        while active:
            # All servers at once; if asked in turn, each would get the acts of the one before.
            passed = [self._guess_at(group, now) for group in active]
            active = [group for group, any_passed in zip(active, passed, strict=True) if any_passed]
            now += timedelta(seconds=4)
            self.servers.hear(now)
            self.servers.hear(now + HEARD_AFTER)

    def _guess_at(self, group: Sequence[_Visit], now: datetime) -> int:
        """Ask one server as long as several guesses are left; for the last one ask all at once.

        All workers of a server are asked at once in any case.
        """
        left = _left(self.servers.guards[0], group[0].number, now)
        several = left >= 4 or (self.day.devices == "copied" and 2 <= left < 3)
        looked_at = []
        for guard in self.servers.guards[: self.day.workers if several else None]:
            names = ["" if self.day.devices == "none" else next(self.new)]
            if self.day.devices == "copied":
                names.append(f"02:{group[0].number:010x}")
            # The second one is tried where the first is refused.
            for name in names:
                made = self._guess(group, name)
                opening = guard.look(made, now)
                if not opening.is_refused:
                    looked_at.append((guard, made, opening))
                    break
        for each in looked_at:  # none of them has got the act of another one
            self._count(*each, group, now)
        return len(looked_at)

    def _try(self, guard: Guard, made: Guess, group: Sequence[_Visit], now: datetime) -> int:
        opening = guard.look(made, now)
        if opening.is_refused:
            return 0
        self._count(guard, made, opening, group, now)
        return 1

    def _count(
        self, guard: Guard, made: Guess, opening: Opening, group: Sequence[_Visit], now: datetime
    ) -> None:
        self.outcome.guesses += 1
        guard.count(made, opening, now, b"wrong %d" % self.outcome.guesses)
        self.outcome.chance += sum(each.chance for each in group if opening.admits(each.number))

    def _look(self, hour: int, now: datetime) -> None:
        guard = self.servers.guards[-1]
        there = [each for each in self.visits if each.begins <= hour < each.ends]
        attacked = {each.number for group in self.attacked for each in group}
        for waits, chosen in (
            ("attacked_waits", [each for each in there if each.number in attacked]),
            ("other_waits", [each for each in there if each.number not in attacked]),
        ):
            closed = sum(
                guard.look(self._guess([each], "02:ff"), now).is_refused for each in chosen[:50]
            )
            part = closed / len(chosen[:50]) if chosen else 0.0
            setattr(self.outcome, waits, getattr(self.outcome, waits) + part)

    def _guess(self, group: Sequence[_Visit], device: str) -> Guess:
        visits = {
            each.number: Guessed(location=1, chance=each.chance, pin=b"%d" % each.number)
            for each in group
        }
        return Guess(location=1, nas="ap-1", device=device, visits=visits)


def _left(guard: Guard, visit: int, now: datetime) -> float:
    """How many guesses are left at a visit, which an attacker can count."""
    target = guard._at_visit(visit)  # noqa: SLF001 - a copy for each guess takes minutes
    return GUESSES_AT_ONCE if target is None else target.bucket.level(now.timestamp())


class _PinLogin(_EmailLogin):
    """Guessing with ``wifi-login=pin``: each guess may be anybody's PIN."""

    def _attack(self, hour: int, now: datetime) -> None:
        there = [each for each in self.visits if each.begins <= hour < each.ends]
        chance = sum(each.chance for each in there)
        if not chance:
            return
        self.servers.meet(now - timedelta(seconds=4))
        looked_at = 1
        while looked_at:
            looked_at = 0
            location = self.servers.guards[0].locations().get(1)
            several = location is None or (
                location.bucket.level(now.timestamp()) > location.bucket.holds / 4
            )
            for guard in self.servers.guards[: self.day.workers if several else None]:
                for device in self._devices(there):
                    looked_at += self._burst(guard, device, chance, there, now)
            now += timedelta(seconds=4)
            self.servers.hear(now)
            self.servers.hear(now + HEARD_AFTER)

    def _devices(self, there: Sequence[_Visit]) -> Iterator[str]:
        yield "" if self.day.devices == "none" else next(self.new)
        if self.day.devices == "copied":
            yield from (f"02:{each.number:010x}" for each in there)

    def _burst(
        self, guard: Guard, device: str, chance: float, there: Sequence[_Visit], now: datetime
    ) -> int:
        passed, by_number = 0, {each.number: each.chance for each in there}
        while True:
            made = Guess(location=1, device=device, by_pin=True, chance=chance)
            opening = guard.look(made, now)
            if opening.is_refused:
                return passed
            passed += 1
            self.outcome.guesses += 1
            guard.count(made, opening, now, b"wrong %d" % self.outcome.guesses)
            hit = chance if opening.everyone else sum(by_number[v] for v in opening.visits)
            self.outcome.chance += hit
            if not opening.everyone:
                return passed
            device = "" if self.day.devices == "none" else next(self.new)

    def _guests(self, hour: int, now: datetime) -> None:
        for visit in self.visits:
            if visit.begins <= hour < visit.ends and not visit.is_in:
                made = Guess(location=1, device=f"02:{visit.number:010x}", by_pin=True)
                self.servers.guards[0].record_login(made, visit.number, now)
                visit.is_in = True

    def _look(self, hour: int, now: datetime) -> None:
        chance = sum(each.chance for each in self.visits if each.begins <= hour < each.ends)
        made = Guess(location=1, device="02:ff", by_pin=True, chance=chance)
        self.outcome.attacked_waits += self.servers.guards[-1].look(made, now).is_refused


def _visits_of(day: Day) -> list[_Visit]:
    """The visits of that day with their PINs, in the order in which they are registered."""
    hours: list[tuple[int, int]] = []
    each = -(-day.visits // HOURS)
    for number in range(day.visits):
        begins = number // each if day.change == "growing" else 0
        ends = number // each + 1 if day.change == "turning over" else HOURS
        hours.append((begins, ends))
    if day.change == "turning over":
        hours += [(end, HOURS) for _, end in hours if end < HOURS]
    lengths = pin_lengths(len(hours), day.pin_length, fixed=day.fixed or day.by_pin)
    return [
        _Visit(number, digits, begins, ends)
        for number, ((begins, ends), digits) in enumerate(zip(hours, lengths, strict=True), 1)
    ]
