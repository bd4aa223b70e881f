"""What holds of the guard whatever is asked in whatever order: against a model of ten lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from radius_auth.guard import Guard
from tests.support.radius.guesses import DAY, NOON, guess, mac, tries
from tests.support.radius.guests import HOUR, SECOND

if TYPE_CHECKING:
    from datetime import datetime

VISITS = (1, 2, 3)
STRANGERS = st.integers(100, 1000).map(mac)
GUESTS = st.sampled_from([mac(n) for n in range(3)])
SOME_VISITS = st.lists(st.sampled_from(VISITS), unique=True, min_size=1).map(tuple)


@dataclass
class Model:
    """A visit: 8 guesses at most, 4 more in a day, the last 2 for devices that were in."""

    at: datetime
    left: float = 8.0

    def looks_at(self, now: datetime, *, was_in: bool) -> bool:
        """Whether it looks at a guess; takes nothing."""
        self.left = min(8.0, self.left + max(now - self.at, 0 * SECOND) / (6 * HOUR))
        self.at = now
        return self.left > (1 if was_in else 3) - 1e-6


class Guarding(RuleBasedStateMachine):
    """Guests and an attacker at three visits; no device guesses twice in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.guard, self.now = Guard(), NOON
        self.models = {visit: Model(NOON) for visit in VISITS}
        self.was_in: set[tuple[str, int]] = set()
        self.passed: list[tuple[datetime, int]] = []
        self.clock_was_set = False

    def type_wrongly(self, device: str, visits: tuple[int, ...]) -> None:
        """One wrong PIN, which is looked at exactly where the model looks at it."""
        open_ = {
            visit
            for visit in visits
            if self.models[visit].looks_at(self.now, was_in=(device, visit) in self.was_in)
        }
        made = guess(device, *visits)
        assert self.guard.look(made, self.now).visits == open_
        assert tries(self.guard, made, self.now) == bool(open_)
        for visit in open_:
            self.models[visit].left -= 1
            self.passed.append((self.now, visit))

    @rule(device=STRANGERS, visits=SOME_VISITS, times=st.integers(1, 5))
    def guess_from_new_devices(self, device: str, visits: tuple[int, ...], times: int) -> None:
        """Each wrong PIN comes from a device that has never been seen."""
        for number in range(times):
            self.type_wrongly(f"{device}#{len(self.passed)}#{number}", visits)

    @rule(device=GUESTS, visit=st.sampled_from(VISITS))
    def get_in(self, device: str, visit: int) -> None:
        """Type the right PIN; a device that was in gets in unless its last two were used up."""
        self.now += 5 * SECOND
        model = self.models[visit]
        if model.looks_at(self.now, was_in=(device, visit) in self.was_in):
            assert self.guard.look(guess(device, visit), self.now).admits(visit)
            self.guard.record_login(guess(device, visit), visit, self.now)
            self.was_in.add((device, visit))

    @rule(device=GUESTS, visit=st.sampled_from(VISITS))
    def mistype_where_one_was_in(self, device: str, visit: int) -> None:
        """Somebody who was in, or who copied such an address; not given back before a day."""
        self.now += 5 * SECOND
        if (device, visit) in self.was_in:
            self.type_wrongly(device, (visit,))
            target = self.guard.visits()[visit]
            target.devices[device].given_back = (self.now.timestamp(),) * 6

    @rule(hours=st.sampled_from([1, 6, 12, 24, 100]))
    def wait(self, hours: int) -> None:
        """Let time pass."""
        self.now += hours * HOUR

    @rule(days=st.sampled_from([1, 30]))
    def set_the_clock_back(self, days: int) -> None:
        """By a day or a month; everything goes on from there, as the server has noticed it."""
        self.now -= days * DAY
        self.clock_was_set = True
        self.tidy()

    @rule()
    def tidy(self) -> None:
        """Forgetting what counts no longer changes nothing."""
        self.guard.tidy(self.now)
        for model in self.models.values():
            model.looks_at(self.now, was_in=False)
        held = self.guard.visits()
        for device, visit in self.was_in:
            assert held[visit].devices[device].was_in

    @invariant()
    def twelve_in_a_day(self) -> None:
        """At one visit, in any 24 hours in which the clock was not set."""
        if self.clock_was_set:
            return
        for visit in VISITS:
            times = [at for at, which in self.passed if which == visit and at > self.now - DAY]
            assert len(times) <= 12

    @invariant()
    def memory_is_bounded(self) -> None:
        """By what was looked at; a refused guess leaves nothing."""
        assert len(self.guard) <= len(VISITS) + len(self.passed) + len(self.was_in)


TestGuarding = Guarding.TestCase
TestGuarding.settings = settings(max_examples=100, stateful_step_count=30)
