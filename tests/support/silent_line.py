"""A line for TCP that falls silent: both ends stay open, and nothing comes through any more."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class SilentLine:
    """From a port of loopback to a Unix socket, in a thread.

    Args:
        leads_to: the Unix socket.
    """

    def __init__(self, leads_to: Path) -> None:
        self._leads_to = leads_to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.is_silent = False
        """Whether what comes is dropped, and who connects hears nothing."""

        self._others: dict[socket.socket, socket.socket | None] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as self._selector, self._listener:
            self._selector.register(self._listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _ in self._selector.select(0.05):
                    if key.fileobj is self._listener:
                        self._let_in()
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._others:
                        self._pass_on(key.fileobj)
        for each in self._others:
            each.close()

    def _let_in(self) -> None:
        near, _ = self._listener.accept()
        far = None
        if not self.is_silent:
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect(str(self._leads_to))
            self._add(far, near)
        self._add(near, far)

    def _add(self, one: socket.socket, other: socket.socket | None) -> None:
        self._others[one] = other
        self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        octets, other = b"", self._others[one]
        with suppress(OSError):
            octets = one.recv(65_536)
        if self.is_silent and octets:
            return
        if octets and other is not None:
            with suppress(OSError):
                other.sendall(octets)
            return
        for each in (one, other):
            if each is not None and self._others.pop(each, each) is not each:
                self._selector.unregister(each)
                each.close()
