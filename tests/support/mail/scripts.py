"""Mail servers that send what a test gives them, octet for octet."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def scripted(*answers: bytes) -> Iterator[int]:
    """A server on loopback that sends these replies, one for each line that it reads."""

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as heard, suppress(ConnectionError):
            for answer in answers:
                connection.sendall(answer)
                if not heard.readline():
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@contextmanager
def hostile(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that handles each connection as a test says, until it is told to stop.

    Yields its URL.
    """
    over = threading.Event()
    threads: list[threading.Thread] = []

    def attend(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            behave(connection, over)

    def listen(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=attend, args=[connection]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threads.append(threading.Thread(target=listen, args=[listening]))
        threads[0].start()
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}?tls=none"
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
