"""What the guard against guessing looks like from the network."""

from radius_auth.protocol.packet import Attribute, read_packet
from tests.support.radius.access_requests import access_request
from tests.support.radius.guests import PIN, visit
from tests.support.radius.responder import LONGEST_DELAY, Server

HERE: dict[int, list[bytes]] = {Attribute.CALLING_STATION_ID: [b"02-00-00-AB-CD-EF"]}


def guess(number: int, *, identifier: int = 7) -> bytes:
    """A wrong PIN from one device."""
    password = f"11111{number}".encode()
    return access_request(password=password, identifier=identifier, attributes=HERE)


def test_a_refused_guess_looks_like_a_wrong_one() -> None:
    """R11, Must 15: held as long, nothing in it; also where the PIN is right."""
    server = Server(visit())
    for number in range(6):
        server.receive(guess(number, identifier=number))
        server.wait(5)

    assert server.receive(access_request(password=PIN.encode(), attributes=HERE)) is None
    assert server.wait(0.999999) == []
    ((reply, _),) = server.wait(LONGEST_DELAY)

    assert [kind for kind, _ in read_packet(reply).attributes] == [Attribute.MESSAGE_AUTHENTICATOR]
    assert server.reasons() == ["wrong PIN"] * 6 + ["too many guesses"]


def test_a_guess_that_was_replaced_counts() -> None:
    """Parallel guesses under one Identifier do not slip by."""
    server = Server(visit())
    for number in range(7):
        server.receive(guess(number))
    server.wait(LONGEST_DELAY)

    assert sorted(server.reasons()) == ["too soon"] * 6 + ["wrong PIN"]


def test_who_waits_for_the_reject_can_try_again_at_once() -> None:
    """The first typing errors cost no wait."""
    server = Server(visit())
    for number in range(3):
        server.receive(guess(number, identifier=number))
        server.wait(LONGEST_DELAY)

    assert server.receive(access_request(attributes=HERE)) is not None


def test_a_late_accept_counts_no_guess() -> None:
    """Visitors who are registered while they wait."""
    server = Server()
    for number in range(9):
        server.table.put([])
        datagram = access_request(identifier=number, attributes=HERE)
        assert server.receive(datagram) is None
        server.table.put([visit()])
        assert [reply[0] for reply, _ in server.wait(LONGEST_DELAY)] == [2]
        server.table.put([visit(email="jo@example.com")])

    assert server.reasons() == ["valid"] * 9
