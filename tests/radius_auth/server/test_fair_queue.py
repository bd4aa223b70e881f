"""A queue in which each NAS has a turn."""

from __future__ import annotations

from radius_auth.server.fair_queue import FairQueue


def test_each_has_a_turn() -> None:
    """However much one sends, another one comes next; each in its own order."""
    queue: FairQueue[int] = FairQueue(100, 1_000)
    for number in range(100):
        assert queue.put("flood", number)
    assert queue.put("lobby", 1000)
    assert queue.put("lobby", 1001)
    assert queue.put("bar", 2000)

    assert queue.take(6) == [0, 1000, 2000, 1, 1001, 2]
    assert len(queue) == 97
    assert queue.take(1_000) == list(range(3, 100))
    assert queue.take(1) == []
    assert not queue


def test_there_is_room_for_so_much() -> None:
    """Of one, and of all together; what was taken makes room."""
    queue: FairQueue[int] = FairQueue(2, 3)
    assert [queue.put("flood", number) for number in range(3)] == [True, True, False]
    assert queue.put("lobby", 9)
    assert not queue.put("bar", 9)
    assert queue.take(2) == [0, 9]
    assert queue.put("flood", 3)
    assert queue.take(9) == [1, 3]
