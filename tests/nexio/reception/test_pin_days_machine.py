"""Whatever desks do in whatever order, the PINs drawn for a day stay below the bound."""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import NexioError
from nexio.reception.changing import edit_visit, extend_token, reschedule
from nexio.reception.guessing_limits import BOUND, GUESSES_A_DAY
from nexio.store.creation import create_store
from nexio.store.engine import Store
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.people import add_location, delete, look_up, register, revoke, set_up
from tests.support.reception import reissue, use_pin
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from nexio.reception.visits import Visit

DAY = timedelta(days=1)
ACTS = ["register"] * 6 + [
    *("delete", "reissue", "move", "extend", "edit", "revoke", "check in", "length", "wait")
]
SHARES = {5: 1 / 4, 6: 1 / 2, 7: 3 / 4, 10: 1}
"""Of what may be used: by PINs of 5 digits, of at most 6, of at most 7, by all."""

acts = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 3)),
    min_size=30,
    max_size=80,
)


@dataclass
class Drawn:
    """A PIN, and the days for which it was drawn and on which somebody can still guess at it."""

    digits: int
    days: set[date] = field(default_factory=set)


def days_of(visit: Visit) -> set[date]:
    """In UTC: the arrival's day, and each day of the window and of two hours after it."""
    arrival = visit.expected_arrival
    end = datetime.combine(arrival.date() + DAY, datetime.min.time(), UTC)
    if visit.token is not None and visit.token.valid_until is not None:
        end = max(end, visit.token.valid_until + timedelta(hours=2))
    length = (end - timedelta(microseconds=1)).date() - arrival.date()
    return {arrival.date() + number * DAY for number in range(length.days + 1)}


class Desk:
    """A location whose desk does anything, and every PIN that was drawn there."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self.location = add_location(store, "Quay", "UTC", "visitor-tokens=on")
        self.location = set_up(store, self.location, "pin-length=5", insecure_short_pin=True)
        self.visits: list[Visit] = []
        self.pins: dict[int, Drawn] = {}
        self.all: list[Drawn] = []

    def act(self, what: str, days: int, which: int) -> None:
        """Do it where the rules let it be done."""
        if what == "wait":
            self.clock.advance(hours=days * 9)
        elif what == "length":
            words = [f"pin-length={5 + which % 2}", f"token-duration={1 + days}d"]
            set_up(self.store, self.location, *words, insecure_short_pin=True)
        elif what == "register":
            arrival = self.clock.now + days * DAY
            self.note(register(self.store, self.location, arrival=arrival.isoformat()))
        elif self.visits:
            with suppress(NexioError):
                self.change(what, self.visits[which % min(4, len(self.visits))], days)

    def change(self, what: str, visit: Visit, days: int) -> None:
        """Change a visit that is there."""
        if what == "reissue":
            new = reissue(self.store, visit)
            self.note(new)
            self.leave(visit, set(), self.clock.now + DAY)
        elif what == "delete":
            delete(self.store, visit)
            self.leave(visit, set(), self.clock.now + DAY)
        elif what == "move":
            with self.store.write() as work:
                moved = reschedule(work, visit.id, self.clock.now + days * DAY)
            self.leave(visit, days_of(moved), self.clock.now)
        elif what == "extend":
            with self.store.write() as work:
                extend_token(work, visit.id, timedelta(hours=days * 20 + 1))
        elif what == "edit":
            with self.store.write() as work:
                edited = edit_visit(work, visit.id, {"email": f"a{days}{visit.id}@example.com"})
            self.note(edited)
        elif what == "revoke":
            revoke(self.store, visit)
        elif what == "check in":
            use_pin(self.store, self.location, look_up(self.store, visit).pin)

    def note(self, visit: Visit) -> None:
        """A PIN was drawn for the days that its visit has now."""
        if visit.id not in self.pins:
            self.visits.append(visit)
        elif look_up(self.store, visit).pin == self.visits_pin(visit):
            return
        self.pins[visit.id] = Drawn(digits=len(visit.pin), days=days_of(visit))
        self.all.append(self.pins[visit.id])
        self.visits = [visit if each.id == visit.id else each for each in self.visits]

    def visits_pin(self, visit: Visit) -> str:
        """The PIN that was noted last."""
        return next(each.pin for each in self.visits if each.id == visit.id)

    def leave(self, visit: Visit, days: set[date], known: datetime) -> None:
        """From some day on nobody can guess at a visit but on the days that it has now."""
        if not days:
            self.visits = [each for each in self.visits if each.id != visit.id]
        drawn = self.pins[visit.id]
        drawn.days = {day for day in drawn.days if day in days or day <= known.date()}

    def chances(self, longest: int) -> dict[date, float]:
        """By day, of the PINs of at most so many digits that were drawn for it."""
        sums: dict[date, float] = defaultdict(float)
        for drawn in self.all:
            for day in drawn.days if drawn.digits <= longest else ():
                sums[day] += GUESSES_A_DAY / 10**drawn.digits
        return sums


@pytest.fixture(scope="module")
def empty_store(sqlite_file: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that each example copies."""
    home = tmp_path_factory.mktemp("empty") / "nexio"
    create_store(configuration_of(home))
    return home


@settings(max_examples=12)
@given(steps=acts)
def test_r6_the_pins_of_a_day_stay_below_the_bound(
    empty_store: Path, steps: list[tuple[str, int, int]]
) -> None:
    """With PINs of 5 digits and more, so that a few visits come near it."""
    clock = Clock(FRIDAY_MORNING)
    with TemporaryDirectory(dir=empty_store.parent) as folder:
        home = Path(folder) / "nexio"
        shutil.copytree(empty_store, home)
        with closing(Store.open(configuration_of(home), clock)) as store:
            desk = Desk(store, clock)
            for step in steps:
                desk.act(*step)
    for longest, share in SHARES.items():
        most = max(desk.chances(longest).values(), default=0)
        assert most <= 0.8 * BOUND * share + 1e-12
