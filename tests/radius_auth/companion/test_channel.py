"""Messages over a socket: whole, in order, and never waited for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from radius_auth.companion.channel import Channel, Closed, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    """Both ends of a connection."""
    one, other = map(Channel, socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))
    yield one, other
    one.close()
    other.close()


def test_messages_come_whole_and_in_order(ends: tuple[Channel, Channel]) -> None:
    """However the socket cuts them."""
    one, other = ends
    sent = [(n, "zoë", b"\0" * (n * 999), None, 0.5, [(1, 2)]) for n in range(100)]
    one.send(*(encoded(*each) for each in sent))

    came: list[object] = []
    while len(came) < len(sent):
        came += other.receive()
        one.flush()
    assert came == sent
    assert not one.is_backed_up


def test_what_the_other_does_not_take_waits(ends: tuple[Channel, Channel]) -> None:
    """Sending returns at once; nothing is lost."""
    one, other = ends
    for number in range(100):
        one.send(encoded(number, bytes(50_000)))
    assert one.is_backed_up

    came = 0
    while came < 100:
        came += sum(1 for _ in other.receive())
        one.flush()
    assert list(other.receive()) == []


def test_a_message_that_cannot_be_taken_does_not_come_again(
    ends: tuple[Channel, Channel],
) -> None:
    """What comes behind it is taken, with what comes next."""
    one, other = ends
    one.send(*(encoded(number) for number in range(3)))

    def take(taken: list[object]) -> None:
        for message in other.receive():
            taken.append(message)
            if message == (1,):
                raise LookupError

    taken: list[object] = []
    with pytest.raises(LookupError):
        take(taken)
    one.send(encoded(3))
    take(taken)
    assert taken == [(0,), (1,), (2,), (3,)]


def test_an_end_that_is_gone_is_noticed(ends: tuple[Channel, Channel]) -> None:
    """In both directions."""
    one, other = ends
    one.close()
    with pytest.raises(Closed):
        list(other.receive())
    with pytest.raises(Closed):
        other.send(encoded(1))
