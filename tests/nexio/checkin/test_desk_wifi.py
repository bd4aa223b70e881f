"""What a check-in and a check-out mean for the Wi-Fi, in words (R14, R16, R17)."""

from __future__ import annotations

import pytest

from nexio.checkin.desk_wifi import wifi_words
from nexio.checkin.taps import Direction, Tap
from nexio.locations.locations import Location
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from radius_auth.decision.decide import Accepted
from tests.support.clocks import Clock
from tests.support.people import register, revoke, set_up
from tests.support.reception import add_member, by_hand, reissue, take_back, use_pin, wifi

UNTIL = "Fri 20 Nov 2026 09:30 +00:00"


def words(store: Store, tap: Tap) -> str | None:
    """What the desk reads beside a tap."""
    with store.read() as work:
        return " ".join(wifi_words(work, tap)) or None


def test_r14_a_check_in_says_until_when(store: Store, location: Location, clock: Clock) -> None:
    """While the window is open, before it, and after it."""
    early = register(store, location, arrival="14:00")
    visit = register(store, location)
    tap = use_pin(store, location, visit.pin)
    assert words(store, tap) == f"Wi-Fi until {UNTIL}."
    tap = use_pin(store, location, early.pin)
    assert words(store, tap) == "Wi-Fi from Fri 20 Nov 2026 14:00 +00:00 on."
    clock.advance(hours=1)
    said = words(store, by_hand(store, visit, way=Direction.IN)) or ""
    assert said.startswith(f"No Wi-Fi: it ended at {UNTIL}.")
    assert f"nexio token extend {visit.id} --by" in said


def test_a_check_in_without_wifi_says_so(store: Store, location: Location) -> None:
    """No token, or a revoked one, with the way to a new one; members have none and need none."""
    revoked = register(store, location)
    revoke(store, revoked)
    said = words(store, use_pin(store, location, revoked.pin)) or ""
    assert said.startswith("No Wi-Fi: it was revoked.")
    assert f"nexio visitor reissue {revoked.id}" in said
    set_up(store, location, "visitor-tokens=off")
    without = register(store, location)
    tap = use_pin(store, location, without.pin)
    assert words(store, tap) == "No Wi-Fi: the visit has no access token."
    assert words(store, use_pin(store, location, without.pin, Direction.OUT)) is None
    member = add_member(store, location)
    assert words(store, use_pin(store, location, member.pin)) is None


def test_r16_a_check_in_that_opens_the_window_says_until_when(
    store: Store, location: Location
) -> None:
    """The duration runs from then on."""
    set_up(store, location, "token-starts=check-in")
    visit = register(store, location, arrival="14:00")
    assert words(store, use_pin(store, location, visit.pin)) == f"Wi-Fi until {UNTIL}."


def test_r17_a_check_out_says_whether_the_wifi_ends(store: Store, location: Location) -> None:
    """It goes on, or it ended with it."""
    visit = register(store, location)
    use_pin(store, location, visit.pin)
    tap = use_pin(store, location, visit.pin, Direction.OUT)
    assert words(store, tap) == f"The Wi-Fi goes on until {UNTIL}."
    set_up(store, location, "end-wifi-at-checkout=on")
    other = register(store, location)
    use_pin(store, location, other.pin)
    tap = use_pin(store, location, other.pin, Direction.OUT)
    assert words(store, tap) == "The Wi-Fi ended with the check-out."


@pytest.fixture
def let_in_again(store: Store, location: Location) -> Visit:
    """A visitor who was checked out by mistake, which ended the Wi-Fi, and let in again."""
    set_up(store, location, "end-wifi-at-checkout=on")
    visit = register(store, location)
    use_pin(store, location, visit.pin)
    use_pin(store, location, visit.pin, Direction.OUT)
    return visit


def test_r17_undo_gives_the_wifi_back(
    store: Store, location: Location, let_in_again: Visit
) -> None:
    """The refusal of the code names it first."""
    taken = take_back(store, let_in_again)
    assert taken.direction is Direction.OUT
    assert isinstance(wifi(store, let_in_again), Accepted)


def test_r17_who_is_let_in_again_is_told_how_to_give_the_wifi_back(
    store: Store, let_in_again: Visit
) -> None:
    """Both ways that the line names do it."""
    tap = by_hand(store, let_in_again, override=True)
    said = words(store, tap) or ""
    assert said.startswith("No Wi-Fi: the check-out ended it.")
    assert f"Type twice: nexio checkin undo {let_in_again.id}" in said
    assert f"nexio visitor reissue {let_in_again.id}" in said
    assert "\n" not in said
    assert not isinstance(wifi(store, let_in_again), Accepted)
    new = reissue(store, let_in_again)
    assert isinstance(wifi(store, new), Accepted)


def test_r17_undo_twice_gives_the_wifi_back(store: Store, let_in_again: Visit) -> None:
    """The first takes the override back, the second the check-out."""
    by_hand(store, let_in_again, override=True)
    for direction in (Direction.IN, Direction.OUT):
        assert take_back(store, let_in_again).direction is direction
    assert isinstance(wifi(store, let_in_again), Accepted)
