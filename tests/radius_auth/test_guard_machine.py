"""What holds of the guard whatever is asked in whatever order, also when the clock is set."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from radius_auth.budgets import DAY, Daily, OfLocation, OfVisit
from radius_auth.decision import Accepted, Request, decide, reserve_guess
from radius_auth.guard import Guard
from radius_auth.guesses import Cleared, Pool, Reservation
from radius_auth.passwords import Chap, Pap
from radius_auth.reasons import Reason
from tests.radius_auth.guests import HOUR, NINE, SECOND, nas, request, table_of, visit

DEVICES = [b"02-00-00-00-00-0" + str(n).encode() for n in range(6)]
EMAILS = ["zoe@example.com", "jo@example.com", "nobody@example.com"]
PINS = {"zoe@example.com": "482913", "jo@example.com": "004711"}
AGES = 10_000 * HOUR
TABLE = table_of(
    *(
        visit(n, email=email, pin=pin, valid_from=NINE - AGES, valid_until=NINE + AGES)
        for n, (email, pin) in enumerate(PINS.items(), 1)
    )
)
emails, devices = st.sampled_from(EMAILS), st.none() | st.sampled_from(DEVICES)


class Guarding(RuleBasedStateMachine):
    """Guests and attackers at one location; each wrong PIN is a new one."""

    def __init__(self) -> None:
        super().__init__()
        self.guard, self.now = Guard(), NINE + HOUR
        self.wrong_pins = (f"9{n:05}" for n in itertools.count())
        self.passed: list[tuple[datetime, Reservation]] = []
        self.in_with: dict[str, set[bytes]] = defaultdict(set)
        self.open: list[Reservation] = []
        self.was_set_back = False

    def ask(self, email: str, device: bytes | None, pin: str) -> Any:
        """Log in."""
        asked = request(Pap(pin.encode()), email, calling_station=device)
        return decide(asked, TABLE, self.guard, self.now)

    @rule(email=emails, device=devices, times=st.integers(1, 12))
    def guess(self, email: str, device: bytes | None, times: int) -> None:
        """Type wrong PINs."""
        for _ in range(times):
            decision = self.ask(email, device, next(self.wrong_pins))
            assert not isinstance(decision, Accepted)
            assert decision.visit is None
            if decision.reason is not Reason.GUARDED:
                assert decision.guess is not None
                self.passed.append((self.now, decision.guess))

    @rule(email=st.sampled_from(list(PINS)), times=st.integers(1, 60))
    def guess_from_new_devices(self, email: str, times: int) -> None:
        """Type wrong PINs, each from another device."""
        for n in range(times):
            device = (0x0A0000000000 + len(self.passed) * 100 + n).to_bytes(6).hex().encode()
            self.guess(email, device, 1)

    @rule(email=st.sampled_from(list(PINS)), device=devices)
    def log_in(self, email: str, device: bytes | None) -> None:
        """Type the right PIN: accepted or guarded; a trusted device is always accepted."""
        decision = self.ask(email, device, PINS[email])
        if isinstance(decision, Accepted):
            if device is not None:
                self.in_with[email].add(device)
        else:
            assert decision.reason is Reason.GUARDED
            assert not (device in self.in_with[email] and self.is_trusted(email))

    @rule(email=emails, device=devices)
    def reserve(self, email: str, device: bytes | None) -> None:
        """Begin to verify a password elsewhere."""
        asked = request(None, email, calling_station=device)
        reserved = reserve_guess(asked, TABLE, self.guard, self.now)
        if isinstance(reserved, Reservation):
            self.open.append(reserved)
            self.passed.append((self.now, reserved))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        """It was right."""
        reserved = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        self.guard.give_back(reserved)
        self.passed = [each for each in self.passed if each[1] is not reserved]

    @rule(seconds=st.sampled_from([1, 29, 30, 600, 900, 3600, 86_400]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds * SECOND

    @rule()
    def set_the_clock_back(self) -> None:
        """By an hour."""
        self.now -= HOUR
        self.was_set_back = True

    @rule()
    def clear_nothing(self) -> None:
        """Lift the waits of somebody else."""
        other = Cleared(at=self.now.timestamp(), email="al@example.com", location=9)
        self.guard.clear(other)

    def is_trusted(self, email: str) -> bool:
        """Whether fewer than three wrong PINs came from devices that were in."""
        return len(self.within_a_day(Pool.TRUST, email)) < Daily.FREE

    def within_a_day(self, pool: Pool, email: str | None = None) -> list[Reservation]:
        """What was let through from a pool in the last 24 hours, or seems to be in future."""
        since = self.now - timedelta(seconds=DAY)
        return [
            each
            for at, each in self.passed
            if each.pool is pool and email in {None, each.guess.email} and at > since
        ]

    @invariant()
    def no_more_than_the_budgets_pass(self) -> None:
        """DESIGN 6: of distinct wrong guesses, in any 24 hours that the clock was not set in."""
        if self.was_set_back:
            return
        for email in PINS:
            assert len(self.within_a_day(Pool.OWN, email)) <= Daily.FREE
            assert len(self.within_a_day(Pool.TRUST, email)) <= Daily.FREE
            most = OfVisit.HOLDS + OfVisit.LEAKS * DAY + Daily.FREE
            untrusted = self.within_a_day(Pool.OWN, email) + self.within_a_day(Pool.SHARED, email)
            assert len(untrusted) <= most
        shared = self.within_a_day(Pool.SHARED)
        assert sum(each.guess.weight for each in shared) <= 2 * OfLocation.HOLDS + 1

    @invariant()
    def memory_is_bounded(self) -> None:
        """DESIGN 6: by what was let through; a refused guess leaves nothing."""
        seen = sum(map(len, self.in_with.values()))
        assert len(self.guard) <= 8 * len(self.passed) + 2 * seen + 2 * len(self.open) + 99

    @invariant()
    def nobody_waits_longer_than_configured(self) -> None:
        """DESIGN 6: also after the clock was set back."""
        for slowed in self.guard.slowed(self.now):
            longest = {"e-mail and device": HOUR, "e-mail": 600 * SECOND, "device": 24 * HOUR}
            assert slowed.until - self.now <= longest.get(slowed.budget, HOUR) + SECOND


TestGuarding = Guarding.TestCase
TestGuarding.settings = settings(max_examples=30, stateful_step_count=30)


@given(
    user_name=st.binary(max_size=64),
    typed=st.binary(max_size=64),
    station=st.none() | st.binary(max_size=32),
    by_chap=st.booleans(),
)
def test_nothing_makes_it_throw(
    user_name: bytes, typed: bytes, station: bytes | None, by_chap: bool
) -> None:
    """DESIGN 6: any octets; the same ones again and again, until they are refused or not."""
    guard = Guard()
    chap = Chap(ident=1, response=typed[:16].ljust(16, b"\0"), challenge=typed)
    asked = Request(
        nas=nas(),
        user_name=user_name,
        password=chap if by_chap else Pap(typed),
        calling_station=station,
    )
    for _ in range(12):
        decide(asked, TABLE, guard, NINE)
        reserve_guess(asked, TABLE, guard, NINE)
    guard.slowed(NINE)
