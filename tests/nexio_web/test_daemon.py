"""The program nexio-webd: what it serves, how it starts, and what it does to a bad client."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.service_manager import READY, STOPPING, WATCHDOG
from nexio_web.daemon import Parent
from nexio_web.headers import HEADERS
from nexio_web.options import Options
from tests.support.certificates import certify, encrypted_key
from tests.support.cli.forking import run, start
from tests.support.cli.programs import Terminal
from tests.support.radius.radiusd import PATIENCE, environment_of, wait_until
from tests.support.service_manager import service_manager
from tests.support.web.webd import HERE, PROGRAM, Webd, exchange, free_port, is_listened_to, webd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from tests.support.stores import Template


@pytest.fixture(scope="module")
def server(_sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webd]:
    """A server without TLS on loopback, with an empty store, for tests that leave it as it is.

    Its command line says another port than its environment.
    """
    configuration = _sqlite_template.copy(tmp_path_factory.mktemp("webd") / "nexio")
    with webd(configuration, variables={"NEXIO_WEBD_PORT": "1"}) as running:
        yield running


@pytest.fixture
def own_server(sqlite_configuration: Configuration) -> Iterator[Webd]:
    """The same, for one test alone."""
    with webd(sqlite_configuration) as running:
        yield running


def test_it_says_that_it_is_well_and_ends_in_peace(own_server: Webd) -> None:
    """200 from /healthz; 404 elsewhere; SIGTERM ends it with 0; no word on stderr but its place."""
    assert own_server.ask("/healthz").text == "ok\n"
    assert own_server.ask("/nothing/here").status == 404
    style = own_server.ask("/static/kiosk.css")
    assert (style.status, style.headers["Cache-Control"]) == (200, "no-cache")
    again = own_server.ask("/static/kiosk.css", headers={"If-None-Match": style.headers["ETag"]})
    assert again.status == 304
    assert own_server.ask("/static/../words.py").status == 404
    assert own_server.ask("/static/%2e%2e/words.py").status == 404
    own_server.process.send_signal(signal.SIGTERM)
    assert own_server.process.wait(20) == 0
    assert own_server.stderr.count("\n") == 1
    assert f"answering on {own_server.origin}" in own_server.stderr


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/healthz"), ("GET", "/x"), ("PUT", "/healthz")]
)
def test_every_answer_has_the_headers(server: Webd, method: str, path: str) -> None:
    """Errors too; and nothing is kept by a browser or a proxy."""
    answer = server.ask(path, method)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Strict-Transport-Security"] is None
    assert "Set-Cookie" not in answer.headers


def test_a_slow_head_is_cut(server: Webd) -> None:
    """A client that sends a letter now and then is gone after ten seconds; others are served."""
    started = time.monotonic()
    with socket.create_connection((HERE, server.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        slow.settimeout(0.5)
        ended = False
        while not ended and time.monotonic() - started < 20:
            with suppress(TimeoutError, ConnectionError):
                slow.sendall(b"X")
                ended = slow.recv(100)[:12] in {b"", b"HTTP/1.1 408"}
        assert ended
        assert server.ask("/healthz").status == 200
    assert 9 < time.monotonic() - started < 16


def test_a_worker_that_dies_is_replaced(own_server: Webd) -> None:
    """The next request but one is answered."""
    (old,) = own_server.workers()
    os.kill(old, signal.SIGKILL)

    def is_well_again() -> bool:
        with suppress(OSError, http.client.HTTPException):
            return own_server.workers() != {old} and own_server.ask("/healthz").status == 200
        return False

    wait_until(is_well_again)


def test_what_systemd_is_told(sqlite_configuration: Configuration, tmp_path: Path) -> None:
    """Ready, that it lives, a reload and its end."""
    with (
        service_manager(tmp_path) as systemd,
        webd(sqlite_configuration, variables=systemd.variables) as server,
    ):
        systemd.wait_for(READY)
        systemd.wait_for(WATCHDOG)
        server.process.send_signal(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for(READY)
        server.process.terminate()
        systemd.wait_for(STOPPING)


def test_signals_that_the_main_thread_does_not_notice() -> None:
    """If one comes just before that thread waits, only its number in the pipe is seen."""
    parent = Parent(Options(listen=HERE, port=free_port()))
    wake = signal.set_wakeup_fd(-1)
    os.write(wake, bytes([signal.SIGHUP, signal.SIGTERM]))
    wait_until(lambda: parent.reload_signal and parent.interrupt_signal)


def test_a_signal_while_workers_are_replaced() -> None:
    """Granian clears the event that such a signal has set; it is set again."""
    parent = Parent(Options(listen=HERE, port=free_port()))
    signal.set_wakeup_fd(-1)

    def is_woken() -> bool:
        parent.main_loop_interrupt.clear()
        parent._respawn_workers([], None, None)  # noqa: SLF001 (granian calls it)
        return parent.main_loop_interrupt.is_set()

    assert not is_woken()
    for seen in ("interrupt_signal", "reload_signal"):
        setattr(parent, seen, True)
        assert is_woken()
        setattr(parent, seen, False)


def test_a_key_with_a_passphrase(sqlite_environment: object, tmp_path: Path) -> None:
    """It is refused: OpenSSL would ask for the passphrase on the terminal, and wait."""
    certify(tmp_path)
    certificate, key = tmp_path / "server.pem", encrypted_key(tmp_path / "key.pem")
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with Terminal((str(PROGRAM), "--port", str(free_port()), *tls)) as terminal:
        terminal.read_until(lambda shown: "without a passphrase" in shown)
        assert "Enter" not in terminal.shown


def test_tls_and_a_new_certificate(sqlite_configuration: Configuration, tmp_path: Path) -> None:
    """SIGHUP takes the new one; one that is broken leaves the old one in use."""
    first, second, broken = (tmp_path / name for name in ("first", "second", "broken"))
    for folder in (first, second):
        folder.mkdir()
        certify(folder)
    broken.write_text("no certificate")
    used = tmp_path / "used.pem"
    used.write_bytes((first / "server.pem").read_bytes())

    port = free_port()

    def ask(trusted: Path) -> int:
        context = ssl.create_default_context(cafile=trusted / "ca.pem")
        line = http.client.HTTPSConnection(HERE, port, timeout=10, context=context)
        answer = exchange(line, "/healthz")
        assert answer.headers["Strict-Transport-Security"]
        return answer.status

    def is_answered(trusted: Path) -> bool:
        with suppress(ssl.SSLError, OSError):
            return ask(trusted) == 200
        return False

    tls = ("--tls-cert", str(used), "--tls-key", str(used))
    with webd(sqlite_configuration, *tls, port=port) as server:
        wait_until(lambda: is_answered(first))
        used.write_bytes(broken.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the old one is used on" in server.stderr)
        assert ask(first) == 200
        used.write_bytes((second / "server.pem").read_bytes())
        before = server.workers()
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.workers()) == 1 and server.workers() != before)
        wait_until(lambda: is_answered(second))
        assert not is_answered(first)


def test_sighup_while_it_starts(sqlite_configuration: Configuration) -> None:
    """There is nothing to start anew, and it starts all the same."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [PROGRAM, "--port", str(port)], env=environment_of(sqlite_configuration), stderr=log
        )
        wait_until(lambda: takes_sighup(process.pid))
        for _ in range(40):  # on a slow machine the last ones end before the start does
            if is_listened_to(port) or process.poll() is not None:
                break
            process.send_signal(signal.SIGHUP)
            time.sleep(0.005)
        wait_until(lambda: process.poll() is not None or is_listened_to(port))
        assert process.poll() is None
        process.terminate()
        assert process.wait(PATIENCE) == 0


def takes_sighup(process: int) -> bool:
    """Whether SIGHUP does not end it."""
    status = dict(
        line.split(":\t") for line in Path(f"/proc/{process}/status").read_text().splitlines()
    )
    bit = 1 << (signal.SIGHUP - 1)
    return bool((int(status["SigIgn"], 16) | int(status["SigCgt"], 16)) & bit)


def ended(configuration: Configuration, *options: str) -> subprocess.CompletedProcess[str]:
    """A server that cannot start."""
    return run(PROGRAM, *options, env=environment_of(configuration), seconds=PATIENCE)


def test_what_keeps_it_from_starting(sqlite_configuration: Configuration, tmp_path: Path) -> None:
    """A port in use, no store, no certificate: one line of what is wrong, one of what to do."""
    with socket.create_server((HERE, 0)) as other:
        port = str(other.getsockname()[1])
        done = ended(sqlite_configuration, "--port", port)
        assert done.returncode == 5
        assert f"cannot listen on http://{HERE}:{port}: Address already in use" in done.stderr
    done = ended(sqlite_configuration, "--tls-cert", "/none", "--tls-key", "/none")
    assert done.returncode == 2
    assert "the certificate /none or its key cannot be used: No such file" in done.stderr
    sqlite_configuration.home.joinpath("nexio.db").unlink()
    done = ended(sqlite_configuration, "--port", str(free_port()))
    assert done.returncode == 5
    assert "Make it with 'nexio init'" in done.stderr


def test_of_two_that_start_at_once_one_has_the_port(sqlite_configuration: Configuration) -> None:
    """The other one ends, and says why; the first one's worker can be replaced."""
    port = free_port()
    started = [
        start(
            *(PROGRAM, "--port", str(port)),
            env=environment_of(sqlite_configuration),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    try:
        wait_until(lambda: sum(each.poll() is None for each in started) == 1)
        (first,) = (each for each in started if each.poll() is None)
        wait_until(lambda: is_listened_to(port))
        for each in started:
            if each is not first:
                assert each.returncode == 5
                assert each.stderr is not None
                assert f"cannot listen on http://{HERE}:{port}: Address" in each.stderr.read()
    finally:
        for each in started:
            with each:
                each.terminate()
    assert first.returncode == 0


def test_options_from_the_environment(server: Webd) -> None:
    """The command line wins over the variable."""
    assert server.ask("/healthz").status == 200
