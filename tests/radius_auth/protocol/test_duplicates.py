"""Duplicate detection (RFC 5080 section 2.2.2); a model of all of it is in the next file."""

import pytest

from radius_auth.protocol.duplicates import Duplicates, Key, Repeat, Ticket

KEY: Key = (3, ("192.0.2.1", 40000), 7)
ONE, OTHER = b"1" * 16, b"2" * 16


def admitted(
    duplicates: Duplicates, now: float, authenticator: bytes = ONE, *, signed: bool = True
) -> Ticket:
    """Admit a request that must be new."""
    ticket = duplicates.admit(KEY, authenticator, now, signed=signed)
    assert isinstance(ticket, Ticket)
    return ticket


def test_a_request_in_progress_is_dropped() -> None:
    """Must 14: equal and still in progress: drop."""
    duplicates = Duplicates()
    ticket = admitted(duplicates, 0.0)

    assert duplicates.admit(KEY, ONE, 1.0, signed=True) == Repeat(reply=None)
    assert duplicates.is_current(ticket)


def test_an_answered_request_gets_the_same_octets() -> None:
    """Must 14: equal and answered: the same octets again."""
    duplicates = Duplicates()
    assert duplicates.keep_reply(admitted(duplicates, 0.0), b"reply", 1.0)

    assert duplicates.admit(KEY, ONE, 2.0, signed=True) == Repeat(reply=b"reply")
    assert duplicates.admit(KEY, ONE, 3.0, signed=True) == Repeat(reply=b"reply")


def test_another_authenticator_replaces_a_request_in_progress() -> None:
    """Must 14: the replaced request is answered no more, the new one is."""
    duplicates = Duplicates()
    replaced = admitted(duplicates, 0.0)
    current = admitted(duplicates, 0.5, OTHER)

    assert not duplicates.is_current(replaced)
    assert not duplicates.keep_reply(replaced, b"old", 1.0)
    assert duplicates.keep_reply(current, b"new", 1.0)
    assert duplicates.admit(KEY, OTHER, 1.5, signed=True) == Repeat(reply=b"new")
    assert len(duplicates) == 1


def test_a_request_that_is_released_is_new_again() -> None:
    """Must 14: what got no answer is processed at the next try."""
    duplicates = Duplicates()
    duplicates.release(admitted(duplicates, 0.0))

    assert duplicates.keep_reply(admitted(duplicates, 1.0), b"reply", 1.0)
    assert len(duplicates) == 1


def test_a_request_that_was_replaced_releases_nothing() -> None:
    """It is the newer one that waits."""
    duplicates = Duplicates()
    replaced, current = admitted(duplicates, 0.0), admitted(duplicates, 0.5, OTHER)
    duplicates.release(replaced)

    assert duplicates.is_current(current)


@pytest.mark.parametrize("first", [True, False])
def test_without_a_signature_it_replaces_nothing_that_waits(first: bool) -> None:
    """Must 14: anybody could have forged it, so both are answered, and each repeat by itself."""
    duplicates = Duplicates()
    waiting = admitted(duplicates, 0.0, signed=first)
    newcomer = admitted(duplicates, 0.5, OTHER, signed=False)

    assert duplicates.admit(KEY, ONE, 0.6, signed=first) == Repeat(reply=None)
    assert duplicates.admit(KEY, OTHER, 0.6, signed=False) == Repeat(reply=None)
    assert duplicates.keep_reply(newcomer, b"new", 0.7)
    assert duplicates.keep_reply(waiting, b"old", 1.0)
    assert duplicates.admit(KEY, ONE, 1.5, signed=first) == Repeat(reply=b"old")
    assert duplicates.admit(KEY, OTHER, 1.5, signed=False) == Repeat(reply=b"new")


def test_without_a_signature_it_makes_no_reply_forgotten() -> None:
    """Must 14: a forged copy must not let the NAS's own repeat be run twice."""
    duplicates = Duplicates()
    duplicates.keep_reply(admitted(duplicates, 0.0), b"old", 0.0)

    admitted(duplicates, 0.5, OTHER, signed=False)

    assert duplicates.admit(KEY, ONE, 1.0, signed=True) == Repeat(reply=b"old")


def test_a_copy_without_its_signature_is_a_repeat() -> None:
    """Must 14: the authenticators are equal, whatever was taken away."""
    duplicates = Duplicates()
    admitted(duplicates, 0.0)

    assert duplicates.admit(KEY, ONE, 0.5, signed=False) == Repeat(reply=None)


def test_a_signed_request_replaces_one_that_is_not() -> None:
    """Must 14: the NAS itself has begun something new."""
    duplicates = Duplicates()
    replaced = admitted(duplicates, 0.0, signed=False)
    admitted(duplicates, 0.5, OTHER)

    assert not duplicates.is_current(replaced)


def test_requests_without_a_signature_are_bounded() -> None:
    """Must 14: any number of forged ones takes no more room than two generations."""
    duplicates = Duplicates(limit=3)
    for number in range(20):
        admitted(duplicates, 0.0, bytes([number]) * 16, signed=False)
        assert len(duplicates) <= 6


def test_another_authenticator_replaces_an_answered_request() -> None:
    """Must 14: an Identifier that comes round again is a new request."""
    duplicates = Duplicates()
    duplicates.keep_reply(admitted(duplicates, 0.0), b"old", 0.0)

    admitted(duplicates, 1.0, OTHER)
    assert len(duplicates) == 1


def test_a_request_is_answered_once() -> None:
    """Must 14: nothing is run twice, so nothing is answered twice."""
    duplicates = Duplicates()
    ticket = admitted(duplicates, 0.0)

    assert duplicates.keep_reply(ticket, b"reply", 0.0)
    assert not duplicates.keep_reply(ticket, b"another", 0.0)
    assert duplicates.admit(KEY, ONE, 0.0, signed=True) == Repeat(reply=b"reply")


def test_key_is_socket_source_and_identifier() -> None:
    """Must 14: another socket, port or Identifier is another request."""
    duplicates = Duplicates()
    admitted(duplicates, 0.0)

    for key in (
        (4, ("192.0.2.1", 40000), 7),
        (3, ("192.0.2.1", 40001), 7),
        (3, ("192.0.2.2", 40000), 7),
        (3, ("192.0.2.1", 40000), 8),
    ):
        assert isinstance(duplicates.admit(key, ONE, 0.0, signed=True), Ticket)


def test_a_reply_is_kept_for_its_lifetime() -> None:
    """Must 14: kept 5 to 30 seconds, counted from the answer."""
    for answered in (2.0, 4.999, 5.0, 9.0):
        duplicates = Duplicates(lifetime=5.0)
        duplicates.keep_reply(admitted(duplicates, 0.0), b"reply", answered)

        kept = duplicates.admit(KEY, ONE, answered + 4.999, signed=True)
        assert kept == Repeat(reply=b"reply")
        admitted(duplicates, answered + 10.0)


def test_a_request_that_is_never_answered_is_forgotten() -> None:
    """Must 14: an entry in progress does not live for ever either."""
    duplicates = Duplicates(lifetime=10.0)
    forgotten = admitted(duplicates, 0.0)

    assert duplicates.admit(KEY, ONE, 9.999, signed=True) == Repeat(reply=None)
    admitted(duplicates, 20.0)
    assert not duplicates.is_current(forgotten)


def key(number: int) -> Key:
    """That of a request from a port of its own."""
    return (3, ("192.0.2.1", number), 7)


def test_an_answer_keeps_nothing_that_is_old() -> None:
    """RFC 5080: at most 30 seconds; an answer begins the next generation as a request does."""
    duplicates = Duplicates()
    admitted(duplicates, 0.0)
    late = duplicates.admit((4, *KEY[1:]), OTHER, 0.0, signed=True)

    assert isinstance(late, Ticket)
    assert not duplicates.keep_reply(late, b"late", 25.0)
    admitted(duplicates, 25.0)


def test_the_cache_is_bounded() -> None:
    """Must 14: where a generation is full, the older one is forgotten; the newest are known."""
    duplicates = Duplicates(limit=3)
    for number in range(20):
        ticket = duplicates.admit(key(number), ONE, 0.0, signed=True)
        assert isinstance(ticket, Ticket)
        duplicates.keep_reply(ticket, b"reply", 0.0)
        assert len(duplicates) <= 6

    for number in (17, 18, 19):
        assert duplicates.admit(key(number), ONE, 0.0, signed=True) == Repeat(reply=b"reply")
    assert isinstance(duplicates.admit(key(0), ONE, 0.0, signed=True), Ticket)


def test_what_waits_for_its_answer_outlives_what_is_answered() -> None:
    """Must 14: a flood of others does not take a reject that is held back."""
    duplicates = Duplicates(limit=10)
    waiting = [duplicates.admit(key(number), ONE, 0.0, signed=True) for number in range(5)]
    for number in range(100, 200):
        ticket = duplicates.admit(key(number), ONE, 0.0, signed=True)
        assert isinstance(ticket, Ticket)
        duplicates.keep_reply(ticket, b"reply", 0.0)

    for ticket in waiting:
        assert isinstance(ticket, Ticket)
        assert duplicates.is_current(ticket)


def test_a_full_cache_of_requests_in_progress_forgets_the_oldest() -> None:
    """Must 14: bounded even when nothing is answered."""
    duplicates = Duplicates(limit=4)
    tickets = [duplicates.admit(key(number), ONE, 0.0, signed=True) for number in range(100)]

    assert len(duplicates) <= 8
    assert isinstance(tickets[-1], Ticket)
    assert duplicates.is_current(tickets[-1])


def test_no_reply_is_in_a_repr() -> None:
    """Must 20: nothing that might hold a secret is logged by accident."""
    assert "secret" not in repr(Repeat(reply=b"secret"))


def test_what_was_replaced_does_not_come_back_when_room_is_made() -> None:
    """Must 14: the replaced request gets no answer, and the newer one is known again."""
    duplicates = Duplicates(lifetime=10.0, limit=4)
    replaced = admitted(duplicates, 9.0)  # a generation that ends at 19
    newer = admitted(duplicates, 19.5, OTHER)

    for identifier in range(100, 104):  # more than a generation holds
        key = (KEY[0], KEY[1], identifier)
        assert isinstance(duplicates.admit(key, ONE, 19.6, signed=True), Ticket)

    assert not duplicates.is_current(replaced)
    assert duplicates.is_current(newer)
    assert duplicates.admit(KEY, OTHER, 19.7, signed=True) == Repeat(reply=None)
