"""Records that were answered before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radius_auth.recording.replays import ReplayFile, Replays

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def authenticator(number: int) -> bytes:
    """One that nobody else has."""
    return number.to_bytes(16)


def test_what_was_told_is_known_again() -> None:
    """By its NAS entry: another one has another secret."""
    replays = Replays()
    replays.add([(1, authenticator(1))])
    assert (1, authenticator(1)) in replays
    assert (1, authenticator(2)) not in replays
    assert (2, authenticator(1)) not in replays


def test_a_flood_of_one_pushes_out_nobody_else() -> None:
    """Of each entry the newest are remembered."""
    replays = Replays(of_one=3, of_all=5)
    replays.add([(1, authenticator(0))])
    for number in range(1, 100):
        replays.add([(2, authenticator(number)), (2, authenticator(number))])
    assert (1, authenticator(0)) in replays
    assert [(2, authenticator(number)) in replays for number in (96, 97, 99)] == [False, True, True]


def test_memory_is_bounded() -> None:
    """Whoever was not heard of for longest is forgotten as a whole."""
    replays = Replays(of_one=3, of_all=5)
    for entry in range(1, 4):
        replays.add([(entry, authenticator(1)), (entry, authenticator(2))])
    assert (1, authenticator(1)) not in replays
    assert (3, authenticator(2)) in replays


def test_they_are_known_after_a_restart(sqlite_file: None, tmp_path: Path) -> None:
    """The newest, as many as are kept."""
    path = tmp_path / "spool" / "replays.db"
    before = Replays(ReplayFile(path, most=3))
    for number in range(5):
        before.add([(1, authenticator(number))])
        before.save()
    after = Replays(ReplayFile(path))
    assert [(1, authenticator(number)) in after for number in range(5)] == [False] * 2 + [True] * 3


def test_without_a_file_they_are_known_in_memory(
    sqlite_file: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once, also of a file that is something else; nothing fails for it."""
    (tmp_path / "spool").write_text("in the way")
    (tmp_path / "replays.db").write_text("something else " * 100)
    for path in (tmp_path / "spool" / "replays.db", tmp_path / "replays.db"):
        caplog.clear()
        replays = Replays(ReplayFile(path))
        for number in range(3):
            replays.add([(1, authenticator(number))])
            replays.save()
        assert (1, authenticator(2)) in replays
        assert [each.split(":")[0] for each in caplog.messages] == [
            "replays are known in memory alone"
        ]
