"""``nexio-radiusd``: the parent, which holds the sockets and minds the worker.

A worker that ends without being told to is replaced; its sockets stay open meanwhile, so that
the kernel keeps the requests of that moment for its successor.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from nexio.configuration import Configuration
from nexio.errors import NexioError
from nexio.streams import open_closed
from radius_auth.server.options import Options, parse_options
from radius_auth.server.sockets import all_addresses, listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

log = logging.getLogger("nexio-radiusd")

RESTART_SECONDS = 1.0
"""Between the end of a worker and its successor."""


class Parent:
    """Minds one worker.

    Args:
        options: how it runs.
        configuration: where the store is.
    """

    def __init__(self, options: Options, configuration: Configuration) -> None:
        self._options = options
        self._configuration = configuration
        with contextlib.ExitStack() as stack:
            self._sockets = _open_sockets(stack, options, options.auth_port)
            self._accounting = _open_sockets(stack, options, options.acct_port)
            self._opened = stack.pop_all()
        self._worker = 0
        self._stopping = False
        self._life = os.pipe()

    def run(self) -> int:
        """Run workers until told to end.

        Returns:
            The exit code: that of a worker which could not even start, else 0.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        # Whoever started us may have signals blocked, or ignore the end of children.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        has_answered = False
        while True:
            was_ready, code = self._mind_worker()
            has_answered = has_answered or was_ready
            if self._stopping:
                return 0
            if not has_answered:
                return code
            log.error("the worker ended with code %d and is replaced", code)
            if not self._pause():
                return 0

    def close(self) -> None:
        """Give the sockets back."""
        self._opened.close()

    def _pause(self) -> bool:
        """Let a moment pass between two workers; whether another one is still wanted."""
        time.sleep(RESTART_SECONDS)
        return not self._stopping

    def _mind_worker(self) -> tuple[bool, int]:
        """Start a worker and wait for its end: whether it got to answer, and its exit code."""
        read, write = os.pipe()
        self._worker = os.fork()
        if self._worker == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.close(read)
            os.close(self._life[1])  # open in the parent alone: its death closes the pipe
            os._exit(self._work(write))
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            was_ready = bool(pipe.read(1))
        if self._stopping:
            self._pass_on(signal.SIGTERM)  # the first one may have come before it could listen
        _, status = os.waitpid(self._worker, 0)
        self._worker = 0  # its number may be another process's from now on
        return was_ready, os.waitstatus_to_exitcode(status)

    def _work(self, ready: int) -> int:
        """The worker's whole life; its exit code."""
        from radius_auth.server.serving import serve  # noqa: PLC0415 (the parent stays small)
        from radius_auth.server.worker import Inherited  # noqa: PLC0415

        def tell_parent() -> None:
            os.write(ready, b"\1")
            os.close(ready)
            log.info(
                "answering on %s, accounting on %s",
                _places(self._sockets),
                _places(self._accounting),
            )

        try:
            inherited = Inherited(
                sockets=self._sockets, accounting=self._accounting, life=self._life[0]
            )
            serve(inherited, self._options, self._configuration, tell_parent)
        except NexioError as error:
            return _tell(error)
        except Exception:
            log.exception("the worker failed")
            return 1
        return 0

    def _pass_on(self, number: int, _: object = None) -> None:
        self._stopping = self._stopping or number != signal.SIGHUP
        if self._worker:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._worker, number)


def run() -> None:
    """The program."""
    open_closed()
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run a server.

    Returns:
        The exit code: 2 a wrong option, 5 store, key or port out of reach.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    try:
        options = parse_options(arguments, os.environ)
        configuration = Configuration.from_environment(os.environ)
        with contextlib.closing(Parent(options, configuration)) as parent:
            return parent.run()
    except NexioError as error:
        return _tell(error)


def _open_sockets(stack: contextlib.ExitStack, options: Options, port: int) -> list[socket.socket]:
    """One for each address, which the stack closes.

    Raises:
        PortUnusable: one cannot be opened.
    """
    return [
        stack.enter_context(listen(address, port)) for address in options.listen or all_addresses()
    ]


def _places(opened: Sequence[socket.socket]) -> str:
    return " and ".join(map(_place, opened))


def _place(opened: socket.socket) -> str:
    host, port = opened.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tell(error: NexioError) -> int:
    log.error("%s", error)
    if error.advice:
        log.error("%s", error.advice)
    return error.exit_code
