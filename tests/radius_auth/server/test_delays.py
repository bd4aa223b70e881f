"""Replies that wait for their time."""

from hypothesis import given
from hypothesis import strategies as st

from radius_auth.server.delays import DelayedReplies


def test_nothing_is_due_before_its_time() -> None:
    """Must 15: a reject waits at least the reject delay."""
    replies: DelayedReplies[str] = DelayedReplies()
    replies.push(11.0, "reject")

    assert list(replies.pop_due(10.999)) == []
    assert list(replies.pop_due(11.0)) == ["reject"]
    assert len(replies) == 0


def test_the_next_time_is_known() -> None:
    """Must 15: the server sleeps no longer than until the next reply is due."""
    replies: DelayedReplies[str] = DelayedReplies()
    assert replies.next_due() is None

    replies.push(12.0, "later")
    replies.push(11.0, "sooner")

    assert replies.next_due() == 11.0
    assert list(replies.pop_due(11.5)) == ["sooner"]
    assert replies.next_due() == 12.0


def test_it_says_when_it_is_full() -> None:
    """Must 15: bounded; whoever pushes looks first, and there is room again afterwards."""
    delayed: DelayedReplies[str] = DelayedReplies(limit=2)
    full = []
    for due in (1.0, 2.0):
        full.append(delayed.is_full)
        delayed.push(due, "reject")
    full.append(delayed.is_full)
    assert list(delayed.pop_due(1.0)) == ["reject"]
    full.append(delayed.is_full)

    assert full == [False, False, True, False]


def test_items_are_never_compared() -> None:
    """Must 15: items due at the same time keep their order, whatever they are."""
    replies: DelayedReplies[object] = DelayedReplies()
    first, second = object(), object()
    replies.push(1.0, first)
    replies.push(1.0, second)

    assert list(replies.pop_due(1.0)) == [first, second]


def test_a_reply_may_be_pushed_while_others_are_taken_out() -> None:
    """Must 15: sending one reply does not lose another."""
    replies: DelayedReplies[int] = DelayedReplies()
    replies.push(1.0, 1)
    taken = []
    for item in replies.pop_due(2.0):
        taken.append(item)
        if item < 3:
            replies.push(float(item + 1), item + 1)

    assert taken == [1, 2]
    assert replies.next_due() == 3.0


@given(st.lists(st.floats(0, 100)), st.floats(0, 100))
def test_what_is_due_comes_out_sorted(times: list[float], now: float) -> None:
    """Must 15: everything due comes out, earliest first, and nothing else."""
    replies: DelayedReplies[float] = DelayedReplies()
    for due in times:
        replies.push(due, due)

    assert list(replies.pop_due(now)) == sorted(due for due in times if due <= now)
    assert len(replies) == sum(due > now for due in times)
