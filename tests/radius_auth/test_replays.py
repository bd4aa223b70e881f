"""Records that were answered before."""

from __future__ import annotations

from radius_auth.replays import Replays


def authenticator(number: int) -> bytes:
    """One that nobody else has."""
    return number.to_bytes(16)


def test_what_was_told_is_known_again() -> None:
    """By its NAS entry: another one has another secret."""
    replays = Replays()
    replays.add(1, authenticator(1))
    assert (1, authenticator(1)) in replays
    assert (1, authenticator(2)) not in replays
    assert (2, authenticator(1)) not in replays


def test_a_flood_of_one_pushes_out_nobody_else() -> None:
    """Of each entry the newest are remembered."""
    replays = Replays(of_one=3, of_all=5)
    replays.add(1, authenticator(0))
    for number in range(1, 100):
        replays.add(2, authenticator(number))
        replays.add(2, authenticator(number))
    assert (1, authenticator(0)) in replays
    assert [(2, authenticator(number)) in replays for number in (96, 97, 99)] == [False, True, True]


def test_memory_is_bounded() -> None:
    """Whoever was not heard of for longest is forgotten as a whole."""
    replays = Replays(of_one=3, of_all=5)
    for entry in range(1, 4):
        replays.add(entry, authenticator(1))
        replays.add(entry, authenticator(2))
    assert (1, authenticator(1)) not in replays
    assert (3, authenticator(2)) in replays
