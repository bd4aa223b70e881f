"""The endpoint for a monitor: ``GET /metrics``, answered in its own threads."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 8
"""Further connections are closed: a monitor makes one request every few seconds."""

SILENCE_SECONDS: Final = 5.0
"""How long a client may stay silent."""

LONGEST_SECONDS: Final = 10.0
"""A slower client is disconnected: it holds a connection that others wait for."""

PATH: Final = "/metrics"


class Endpoint:
    """Answers a monitor.

    Args:
        opened: the listening socket; it stays open for a successor.
        collectors: the metrics.
    """

    def __init__(self, opened: socket.socket, collectors: Iterable[Collector]) -> None:
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        for each in collectors:
            registry.register(each)
        self._server = _Server(opened, registry)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="nexio-metrics", daemon=True
        )

    def start(self) -> None:
        """Begin, until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for running answers."""
        self._server.shutdown()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, opened: socket.socket, registry: CollectorRegistry) -> None:
        super().__init__(opened.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = opened
        self.registry = registry
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or close the connection if there are too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the place for another connection."""
        cut = threading.Timer(LONGEST_SECONDS, _cut_off, (request,))
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: a monitor went away; our own failures are in the log."""


def _cut_off(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended meanwhile
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SILENCE_SECONDS
    server_version = "nexio"
    sys_version = ""
    error_content_type = "text/plain;charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def do_GET(self) -> None:
        """Send all metrics."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        encode, kind = choose_encoder(self.headers.get("Accept", ""))
        try:
            body = encode(self.server.registry)
        except Exception:
            log.exception("the metrics cannot be told")
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name there
        """Log nothing: a monitor sends requests all day."""
