"""The endpoint that a monitor asks, over real sockets."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nexio.metrics.endpoint import MOST_CONNECTIONS, Endpoint
from nexio.metrics.place import Place, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric


class Numbers(Collector):
    """One number, or a fault."""

    fails = False

    def collect(self) -> Iterator[Metric]:
        """Tell it."""
        if self.fails:
            raise RuntimeError
        yield GaugeMetricFamily("nexio_here", "Here.", 7)


@contextmanager
def answering(numbers: Numbers) -> Iterator[int]:
    """The port of an endpoint."""
    with closing(listen(Place("127.0.0.1", 0))) as opened:
        endpoint = Endpoint(opened, [numbers])
        endpoint.start()
        yield opened.getsockname()[1]
        endpoint.stop()


def ask(
    port: int, path: str = "/metrics", method: str = "GET", **headers: str
) -> tuple[int, str, str]:
    """Status, type and text of an answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request(method, path, headers=headers)
        answer = client.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()


@pytest.fixture
def numbers() -> Numbers:
    """What is told."""
    return Numbers()


def test_both_formats(numbers: Numbers) -> None:
    """OpenMetrics for who asks for it, else the older text."""
    with answering(numbers) as port:
        status, kind, text = ask(port, Accept="application/openmetrics-text; version=1.0.0")
        assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
        assert text.endswith("# EOF\n")
        status, kind, older = ask(port)
        assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert all("nexio_here 7.0" in each for each in (text, older))
    assert "process_start_time_seconds" in text


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 404), ("/metrics/", "GET", 404), ("/metrics", "POST", 501)],
)
def test_nothing_else(numbers: Numbers, path: str, method: str, status: int) -> None:
    """No page, no form."""
    with answering(numbers) as port:
        assert ask(port, path, method)[0] == status
        assert ask(port)[0] == 200


def test_a_fault_is_told(numbers: Numbers, caplog: pytest.LogCaptureFixture) -> None:
    """To the monitor and to the log; the next answer may be well."""
    with answering(numbers) as port:
        numbers.fails = True
        assert ask(port)[0] == 500
        numbers.fails = False
        assert ask(port)[0] == 200
    assert caplog.messages == ["the metrics cannot be told"]


def test_who_says_little_is_cut_off(numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only who says nothing: all of a request has a time."""
    monkeypatch.setattr("nexio.metrics.endpoint.LONGEST_SECONDS", 0.3)
    with (
        answering(numbers) as port,
        socket.create_connection(("127.0.0.1", port), timeout=30) as slow,
        suppress(ConnectionError),
    ):
        slow.settimeout(0.05)
        ended = False
        while not ended:
            slow.sendall(b"G")
            with suppress(TimeoutError):
                ended = slow.recv(100) == b""


def test_who_says_nothing_keeps_nobody_out(numbers: Numbers) -> None:
    """As many as that are let in; further ones are closed, and the end waits for none of them."""
    with answering(numbers) as port:
        silent = [
            socket.create_connection(("127.0.0.1", port)) for _ in range(MOST_CONNECTIONS - 1)
        ]
        assert ask(port)[0] == 200
        silent.append(socket.create_connection(("127.0.0.1", port)))
        with socket.create_connection(("127.0.0.1", port)) as last:
            last.settimeout(30)
            assert last.recv(1) == b""
    for each in silent:
        each.close()
