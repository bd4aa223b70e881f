"""The real program with a real store, asked by Debian's radclient."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from nexio.network.nas import remove_nas
from nexio.reception.tokens import revoke_token
from nexio.reception.visits import delete_visit
from radius_auth.protocol.packet import Code
from radius_auth.server.sockets import all_addresses, listen
from tests.support.people import set_up
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.desk import Desk, ask_until, desk_with, seconds_left
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import Reply, radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration

# One server for what needs none of its own


@pytest.fixture(scope="module")
def radiusd(desk: Desk) -> Iterator[Radiusd]:
    """A server of that desk, on all addresses."""
    with Radiusd(desk.configuration) as server:
        yield server
        assert server.stop() == 0


@pytest.mark.parametrize("method", ["User-Password", "CHAP-Password"])
def test_a_guest_gets_on(desk: Desk, radiusd: Radiusd, method: str) -> None:
    """R1, R12, Must 9: with what is left of the window, Class and a signature."""
    visit = desk.register()

    before = seconds_left(visit)
    reply = radclient(radiusd.port, visit.email, visit.pin, method=method)
    after = seconds_left(visit)

    assert reply.code == "Access-Accept"
    assert after <= reply.session_timeout <= before
    assert visit.token is not None
    class_ = f"nexio/{desk.location.id}/{visit.id}/{visit.token.id}"
    assert reply.attributes["Class"] == f"0x{class_.encode().hex()}"
    assert "Message-Authenticator" in reply.attributes


def test_what_a_guest_types_is_forgiven(desk: Desk, radiusd: Radiusd) -> None:
    """R8: case of the e-mail, blanks and dashes in the PIN."""
    visit = desk.register()
    typed = f" {visit.pin[:3]}-{visit.pin[3:]} "

    assert radclient(radiusd.port, visit.email.upper(), typed).code == "Access-Accept"


def test_before_the_window(desk: Desk, radiusd: Radiusd) -> None:
    """R1 and R11: "not yet", with the time."""
    visit = desk.register("+2h")

    reply = radclient(radiusd.port, visit.email, visit.pin)

    assert reply.code == "Access-Reject"
    assert (reply.words or "").startswith("Your Wi-Fi access starts at ")


def test_after_the_window(desk: Desk, radiusd: Radiusd) -> None:
    """R1 and R11: "ended", with the time."""
    visit = desk.register_earlier(hours=3)

    reply = radclient(radiusd.port, visit.email, visit.pin)

    assert reply.code == "Access-Reject"
    assert (reply.words or "").startswith("Your Wi-Fi access ended at ")


def test_without_a_token(desk: Desk, radiusd: Radiusd) -> None:
    """R3 and R11: registered while token generation was off."""
    set_up(desk.store, desk.location, "visitor-tokens=off")
    visit = desk.register()
    set_up(desk.store, desk.location, "visitor-tokens=on")

    reply = radclient(radiusd.port, visit.email, visit.pin)

    assert reply.code == "Access-Reject"
    assert reply.words == "Your visit does not include Wi-Fi. Please ask at the reception desk."


def test_a_wrong_pin_and_an_unknown_user_look_the_same(desk: Desk, radiusd: Radiusd) -> None:
    """R11: a reject without words."""
    visit = desk.register()

    wrong = radclient(radiusd.port, visit.email, "wrong")
    unknown = radclient(radiusd.port, "nobody@example.com", visit.pin)

    assert wrong.code == unknown.code == "Access-Reject"
    assert set(wrong.attributes) == set(unknown.attributes) == {"Message-Authenticator"}


def test_deleted_while_it_runs(desk: Desk, radiusd: Radiusd) -> None:
    """R13: the guest was on, and may not on again."""
    visit = desk.register()
    assert radclient(radiusd.port, visit.email, visit.pin).code == "Access-Accept"
    with desk.store.write() as work:
        delete_visit(work, visit.id)

    reply = ask_until("Access-Reject", lambda: radclient(radiusd.port, visit.email, visit.pin))

    assert reply.words == "This visit was cancelled."


def test_revoked_while_it_runs(desk: Desk, radiusd: Radiusd) -> None:
    """R4: the token of a visit that goes on."""
    visit = desk.register()
    assert radclient(radiusd.port, visit.email, visit.pin).code == "Access-Accept"
    with desk.store.write() as work:
        revoke_token(work, visit.id)

    reply = ask_until("Access-Reject", lambda: radclient(radiusd.port, visit.email, visit.pin))

    assert reply.words == "Your Wi-Fi access was ended. Please ask at the reception desk."


def test_a_nas_comes_and_goes_while_it_runs(desk: Desk, radiusd: Radiusd) -> None:
    """Must 1 and R19: silence for a stranger, who is logged; an answer once it is known."""
    visit = desk.register()

    def ask() -> Reply:
        return radclient(
            radiusd.port,
            visit.email,
            visit.pin,
            tries=1,
            timeout=1,
            Packet_Src_IP_Address="127.0.0.7",
        )

    assert ask().code == "silence"
    radiusd.wait_for_line("no answer to 127.0.0.7: no NAS of that address")

    desk.add_nas("127.0.0.7")
    assert ask_until("Access-Accept", ask).code == "Access-Accept"

    with desk.store.write() as work:
        remove_nas(work, "127.0.0.7")
    assert ask_until("silence", ask).code == "silence"


# This machine may have no IPv6.
@pytest.mark.parametrize("host", ["127.0.0.2", "::1"][: len(all_addresses())])
def test_the_reply_comes_from_the_address_that_was_asked(
    desk: Desk, radiusd: Radiusd, host: str
) -> None:
    """Must 10: on a server that listens on all addresses; radclient drops any other reply."""
    visit = desk.register()

    reply = radclient(radiusd.port, visit.email, visit.pin, host=host)

    assert (reply.code, reply.source) == ("Access-Accept", host)


def test_a_second_server_on_the_same_port_says_so(desk: Desk, radiusd: Radiusd) -> None:
    """Exit 5, one line of what is wrong and one of what to do."""
    second = Radiusd(desk.configuration, "--auth-port", str(radiusd.port))

    assert second.wait() == 5
    wrong, remedy = second.stderr.splitlines()
    assert f"cannot listen on 0.0.0.0 port {radiusd.port}: Address already in use" in wrong
    assert "choose another --auth-port" in remedy


# Starting


def test_without_a_store_it_does_not_start(programs: None, tmp_path: Path) -> None:
    """Exit 5, and how to make one."""
    server = Radiusd(configuration_of(tmp_path / "nothing"))

    assert server.wait() == 5
    wrong, remedy = server.stderr.splitlines()
    assert "there is no store at" in wrong
    assert "nexio init" in remedy


def test_a_wrong_option_is_exit_2(programs: None, tmp_path: Path) -> None:
    """The command line was wrong."""
    server = Radiusd(configuration_of(tmp_path / "nothing"), "--auth-port", "radius")

    assert server.wait() == 2
    assert "'radius' is not a port" in server.stderr


# Ending


@pytest.fixture
def own_desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk whose server may be ended."""
    with desk_with(sqlite_configuration) as made:
        yield made


@pytest.fixture
def asking() -> Iterator[socket.socket]:
    """A NAS's socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(PATIENCE)
        yield made


def test_sigterm_answers_what_was_taken(own_desk: Desk, asking: socket.socket) -> None:
    """Held rejects go out, decisions are stored, exit 0 within 3 s."""
    visit = own_desk.register(pin="4829130571")
    pin = visit.pin.encode()
    with Radiusd(own_desk.configuration, "--reject-delay", "0.8") as server:
        there = ("127.0.0.1", server.port)
        rejected = access_request(visit.email, b"a wrong password", identifier=1)
        masked = access_request(visit.pin, pin, identifier=2)
        accepted = access_request(visit.email, pin, identifier=3)
        for datagram in (rejected, masked, accepted):
            asking.sendto(datagram, there)
        # Taken in order: once this is here, the two before it are held.
        assert verified(accepted, asking.recv(4096)).code == Code.ACCESS_ACCEPT

        began = time.monotonic()
        server.signal(signal.SIGTERM)
        replies = sorted((asking.recv(4096), asking.recv(4096)), key=lambda reply: reply[1])
        code = server.wait()
        ended = time.monotonic()

    assert code == 0
    assert ended - began < 3
    assert verified(rejected, replies[0]).code == Code.ACCESS_REJECT
    assert verified(masked, replies[1]).code == Code.ACCESS_REJECT
    assert sorted(own_desk.reasons()) == ["unknown user", "valid", "wrong PIN"]
    assert_nothing_leaked(own_desk, server, visit.pin)


def assert_nothing_leaked(desk: Desk, server: Radiusd, pin: str) -> None:
    """Must 20: neither on stderr nor in any file of the server's."""
    kept = [path for path in desk.configuration.home.rglob("*") if path.is_file()]
    assert any("spool" in path.parts for path in kept)
    written = b"".join(path.read_bytes() for path in kept) + server.stderr.encode()
    for secret in (pin.encode(), b"a wrong password", SECRET):
        assert secret not in written


@pytest.mark.parametrize(("right", "answered"), [(True, 6), (False, 2)])
def test_must_14_five_copies_at_once_and_one_late(
    own_desk: Desk, asking: socket.socket, right: bool, answered: int
) -> None:
    """Must 14: one decision; the same octets each time, none while a reject is held back."""
    visit = own_desk.register()
    password = visit.pin if right else "wrong"
    datagram = access_request(visit.email, password.encode(), identifier=1)
    last = access_request(visit.email, visit.pin.encode(), identifier=2)
    with Radiusd(own_desk.configuration) as server:
        there = ("127.0.0.1", server.port)
        for _ in range(5):
            asking.sendto(datagram, there)
        replies = [asking.recv(4096)]
        for late in (datagram, last):
            asking.sendto(late, there)
        while (reply := asking.recv(4096))[1] == datagram[1]:
            replies.append(reply)
        assert server.stop() == 0

    assert verified(last, reply).code == Code.ACCESS_ACCEPT
    assert len(replies) == answered
    assert set(replies) == {replies[0]}
    outcome = Code.ACCESS_ACCEPT if right else Code.ACCESS_REJECT
    assert verified(datagram, replies[0]).code == outcome
    assert len(own_desk.reasons()) == 2


def test_ctrl_c_ends_it_too(own_desk: Desk) -> None:
    """Parent and worker both hear it, and end in peace."""
    with Radiusd(own_desk.configuration) as server:
        os.kill(server.worker(), signal.SIGINT)
        server.signal(signal.SIGINT)
        server.signal(signal.SIGINT)

        assert server.wait() == 0
        assert "Traceback" not in server.stderr


def test_a_home_that_everybody_may_write_to_ends_it(own_desk: Desk) -> None:
    """Exit 5 and the command that closes it; nothing is answered."""
    own_desk.configuration.home.chmod(0o777)
    server = Radiusd(own_desk.configuration)
    assert server.wait() == 5
    assert f"chmod o-w {own_desk.configuration.home}" in server.stderr
    assert "answering on" not in server.stderr


def test_signals_that_were_ignored_or_blocked_end_it(own_desk: Desk) -> None:
    """A shell ignores SIGINT in the background; a supervisor may block some, or ignore SIGCHLD."""
    visit = own_desk.register()
    shell = ("env", "--ignore-signal=INT,HUP,TERM,CHLD", "--block-signal=INT,HUP,TERM,CHLD")
    with Radiusd(own_desk.configuration, started_by=shell) as server:
        server.signal(signal.SIGHUP)
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        os.kill(server.worker(), signal.SIGKILL)
        server.wait_for_line("answering on", times=2)

        server.signal(signal.SIGINT)  # the parent ends the others by SIGTERM

        assert server.wait() == 0
        assert "Traceback" not in server.stderr


def test_a_killed_worker_is_replaced(own_desk: Desk, asking: socket.socket) -> None:
    """The parent keeps the socket, and what came to it meanwhile."""
    visit = own_desk.register()
    with Radiusd(own_desk.configuration) as server:
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        killed = server.worker()
        os.kill(killed, signal.SIGKILL)
        server.wait_for_line("the worker ended with code -9 and is replaced")

        datagram = access_request(visit.email, visit.pin.encode())
        asking.sendto(datagram, ("127.0.0.1", server.port))  # once: nobody repeats it

        assert verified(datagram, asking.recv(4096)).code == Code.ACCESS_ACCEPT
        server.wait_for_line("answering on", times=2)
        assert server.worker() != killed
        assert server.stop() == 0

    # The first decision may have been younger than what a crash may lose.
    assert own_desk.reasons() in (["valid"], ["valid", "valid"])


def test_on_postgresql(postgresql_configuration: Configuration) -> None:
    """The same there, from the first guest to the log."""
    with desk_with(postgresql_configuration) as desk:
        visit = desk.register()
        with Radiusd(postgresql_configuration) as server:
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            newcomer = desk.register()
            ask_until("Access-Accept", lambda: radclient(server.port, newcomer.email, newcomer.pin))
            with desk.store.write() as work:
                revoke_token(work, visit.id)
            ask_until("Access-Reject", lambda: radclient(server.port, visit.email, visit.pin))
            assert server.stop() == 0

            reasons = desk.reasons()
            assert (reasons[0], reasons[-1]) == ("valid", "revoked")
            assert "Traceback" not in server.stderr


def test_a_worker_ends_with_its_parent(own_desk: Desk) -> None:
    """A killed parent leaves no worker behind that holds the port."""
    with Radiusd(own_desk.configuration) as server:
        server.signal(signal.SIGKILL)

        # Its standard error ends when the last process that could write to it has.
        assert server.wait() == -signal.SIGKILL
        listen("127.0.0.1", server.port).close()


def test_it_ends_between_two_workers(own_desk: Desk) -> None:
    """SIGTERM just after a crash starts no other worker."""
    with Radiusd(own_desk.configuration) as server:
        os.kill(server.worker(), signal.SIGKILL)
        server.wait_for_line("is replaced")

        assert server.stop() == 0
        assert server.stderr.count("answering on") == 1
