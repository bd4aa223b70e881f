"""The ten questions of ``docs/guessing.md``, with the answers that a reader is told there."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nexio.network.guard_acts import Act, Kind
from radius_auth.decision.decide import Accepted, decide
from radius_auth.decision.reasons import Reason
from radius_auth.guard import Guard
from tests.support.radius.guests import HOUR, NINE, PIN, SECOND, pap, request, table_of, visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from radius_auth.decision.decide import Decision

PAGE = Path(__file__).parents[3] / "docs" / "guessing.md"
ADA, BOB = "ada@example.com", "bob@example.com"
PHONE, LAPTOP = "02-00-00-00-00-01", "02-00-00-00-00-02"
TOMORROW: dict[str, Any] = {"valid_from": NINE + 24 * HOUR, "valid_until": NINE + 25 * HOUR}


class Morning:
    """Ada and Bob are expected, at half past nine; ten seconds lie between two logins."""

    def __init__(self, **of_ada: Any) -> None:
        self.table = table_of(visit(1, email=ADA, **of_ada), visit(2, email=BOB, pin="555555"))
        self.guard, self.now = Guard(), NINE + timedelta(minutes=30)
        self.new = count(16)
        self.wrong = count(100_000)

    def log_in(self, pin: str, device: str, email: str = ADA) -> Decision:
        """Type a PIN."""
        self.now += 10 * SECOND
        asked = request(pap(pin), email, calling_station=device.encode())
        return decide(asked, self.table, self.guard, self.now)

    def mistype(self, times: int, device: str | None = None, email: str = ADA) -> int:
        """Type wrong PINs, each of them new; how many were looked at."""
        made = [
            self.log_in(
                f"{next(self.wrong)}", device or f"06-00-00-00-00-{next(self.new):02x}", email
            )
            for _ in range(times)
        ]
        return sum(each.reason is not Reason.GUARDED for each in made)

    def left(self, number: int) -> int:
        """In the bucket of a visit."""
        target = self.guard.visits().get(number)
        return 8 if target is None else round(target.bucket.level(self.now.timestamp()))


def first() -> str:
    """Five typing errors, then the right PIN."""
    morning = Morning()
    morning.mistype(5, PHONE)
    got_in = isinstance(morning.log_in(PIN, PHONE), Accepted)
    return (
        "yes, and the device gets its five guesses back" if got_in and morning.left(1) == 8 else ""
    )


def second() -> str:
    """Six of them."""
    morning = Morning()
    morning.mistype(6, PHONE)
    refused = morning.log_in(PIN, PHONE).reason is Reason.GUARDED
    return "no: one new device has six guesses; the desk releases it" if refused else ""


def attacked() -> Morning:
    """Ada was in with her laptop; then somebody guesses at her visit."""
    morning = Morning()
    morning.log_in(PIN, LAPTOP)
    morning.mistype(20)
    return morning


def third() -> str:
    """Her laptop, after one mistake and after two."""
    one, two = attacked(), attacked()
    one.mistype(1, LAPTOP)
    two.mistype(2, LAPTOP)
    got_in = isinstance(one.log_in(PIN, LAPTOP), Accepted)
    refused = two.log_in(PIN, LAPTOP).reason is Reason.GUARDED
    kept = "yes: two guesses are kept for devices that were in"
    return f"{kept}; after two mistakes no, because they are used up" if got_in and refused else ""


def fourth() -> str:
    """Her new phone."""
    refused = attacked().log_in(PIN, PHONE).reason is Reason.GUARDED
    return "no: new devices of the attacked visit wait; the desk releases it" if refused else ""


def fifth() -> str:
    """Bob's phone."""
    got_in = isinstance(attacked().log_in("555555", PHONE, BOB), Accepted)
    return "yes: his visit has a bucket of its own" if got_in else ""


def sixth() -> str:
    """Guesses at nobody, with the address of her phone."""
    morning = Morning()
    for n in range(100):
        morning.mistype(1, PHONE, f"nobody{n}@example.com")
    got_in = isinstance(morning.log_in(PIN, PHONE), Accepted)
    return "yes: such guesses cost nothing" if got_in else ""


def seventh() -> str:
    """The same wrong PIN again and again."""
    morning = Morning()
    for _ in range(50):
        morning.log_in("111111", PHONE)
    return f"{morning.left(1)}: the same wrong PIN counts once"


def eighth() -> str:
    """A visit that was revoked."""
    return f"{Morning(revoked_at=NINE).mistype(100)}: whether it was revoked makes no difference"


def ninth() -> str:
    """A visit of tomorrow."""
    morning = Morning(**TOMORROW)
    answer = morning.log_in(PIN, PHONE)
    silent = not isinstance(answer, Accepted) and not answer.is_explained
    return f"an ordinary reject; {morning.left(1)}, because his visit does not count today" * silent


def tenth() -> str:
    """Devices that the desk released; the fifth one is more than a desk can."""
    morning = Morning()
    morning.mistype(20)
    looked_at = []
    for n in range(1, 6):
        device = f"02-00-00-00-00-0{n}"
        released = Act(
            kind=Kind.RELEASE, at=morning.now.timestamp(), writer="desk", serial=n, host="desk",
            visit_id=1, device=device.lower().replace("-", ":"),
        )  # fmt: skip
        morning.guard.apply([released])
        looked_at.append(morning.mistype(9, device))
    all_of_four = f"{sum(looked_at)} of four devices; then the visit needs a new PIN"
    return f"{looked_at[0]}, and {all_of_four}"


@pytest.mark.parametrize(
    ("number", "answer"),
    list(enumerate([first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth], 1)),
)
def test_the_page_answers_it(number: int, answer: Callable[[], str]) -> None:
    """A reader understands the guard from one page."""
    lines = PAGE.read_text().splitlines()
    assert any(line.startswith(f"{number}. ") for line in lines)
    assert f"| {number} | {answer()} |" in lines
