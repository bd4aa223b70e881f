"""The load generator, in C and in Python: it counts what comes, what is lost and what is wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from benchmarks.generator import programs
from benchmarks.generator.load import Generator, Load, Order, WrongReply
from benchmarks.packets import SOCKETS, accounting
from benchmarks.servers.server import Server, free_port

REQUESTS = [accounting(number, "ada@example.com", 1, number) for number in range(4 * SOCKETS)]

pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture(params=["C", "Python"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both: Python is what runs where there is no compiler."""
    language: str = request.param
    if language == "Python":
        monkeypatch.setattr(programs, "compiler", lambda: None)
    else:
        assert programs.compiler(), "this machine has no C compiler"
    return language


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each program is made once."""
    return tmp_path_factory.mktemp("generator")


@pytest.fixture
def generator(language: str, folder: Path) -> Generator:
    """The program."""
    return Generator(folder)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """For an echo."""
    return Load.prepare(REQUESTS, None, tmp_path / "load")


@contextmanager
def answering(answer: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """A server that answers what the test says; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                octets, source = server.recvfrom(4096)
                if octets == b"end":
                    return
                if (reply := answer(octets)) is not None:
                    server.sendto(reply, source)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.sendto(b"end", server.getsockname())
            thread.join()


def test_the_echo_that_proves_the_generator(
    language: str, generator: Generator, load: Load, folder: Path
) -> None:
    """As many as are asked for are sent and come back; the load begins anew at its end."""
    port = free_port()
    echo = Server(
        key="echo",
        name="echo",
        command=[*programs.make_program("echo", folder), str(port)],
        folder=folder,
        port=port,
        columns=frozenset(),
    )
    with echo:
        echo.first_answer(load)
        outcome = generator.send(load, Order(port=port, seconds=60, limit=1_000))

        assert (outcome.answers, outcome.lost) == (1_000, 0)
        assert 0 < outcome.percentile(50) <= outcome.percentile(99)
        assert echo.cpu_seconds() >= 0
        assert sum(echo.megabytes()) > 0


def test_the_clock_starts_after_the_warm_requests(generator: Generator, load: Load) -> None:
    """What is sent before is answered, too, and does not count."""
    seen: list[bytes] = []

    def note(octets: bytes) -> bytes:
        seen.append(octets)
        return octets

    with answering(note) as port:
        order = Order(port=port, seconds=60, warm=len(REQUESTS), limit=32)
        outcome = generator.send(load, order, lambda: seen.append(b"start"))

    assert sorted(seen[: len(REQUESTS)]) == sorted(REQUESTS)
    assert seen[len(REQUESTS)] == b"start"
    assert {*seen[len(REQUESTS) + 1 :]} <= {*REQUESTS}
    assert outcome.answers == 32


def test_a_rate_is_kept(generator: Generator, load: Load) -> None:
    """Neither faster nor slower, on the whole."""
    with answering(lambda octets: octets) as port:
        outcome = generator.send(load, Order(port=port, seconds=0.5, rate=200))

    assert 50 <= outcome.answers <= 101


def test_a_lost_request_is_counted(generator: Generator, load: Load) -> None:
    """The others go on."""
    with answering(lambda octets: None if octets == REQUESTS[5] else octets) as port:
        order = Order(port=port, seconds=60, limit=len(REQUESTS), patience=0.5)
        outcome = generator.send(load, order)

    assert (outcome.answers, outcome.lost) == (len(REQUESTS) - 1, 1)


def test_a_wrong_reply_ends_the_run(generator: Generator, load: Load) -> None:
    """Also one that only lacks what cannot be seen: its authenticator."""
    with answering(lambda octets: octets) as port, pytest.raises(WrongReply):
        generator.send(replace(load, code=4), Order(port=port, seconds=60, limit=16))


def test_a_reply_that_nobody_waits_for_ends_the_run(generator: Generator, load: Load) -> None:
    """An identifier that was not sent."""
    with answering(lambda octets: bytes([octets[0], 200]) + octets[2:]) as port:
        order = Order(port=port, seconds=60, limit=16)
        with pytest.raises(WrongReply):
            generator.send(load, order)
