"""``nexio-webd``: granian's parent process, which supervises a worker and replaces it at SIGHUP."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import signal
import socket
import ssl
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from nexio.configuration import Configuration
from nexio.errors import InvalidValue, NexioError, Unreachable
from nexio.log_lines import TEXT_LINE, formatter_of
from nexio.server_options import JSON, TEXT, with_config
from nexio.service_manager import STOPPING, notify, notify_reloading
from nexio.store.engine import Store
from nexio.store.patience import Patience
from nexio.streams import open_closed
from nexio_web.limits import HEADER_SECONDS, MOST_HEAD_OCTETS
from nexio_web.options import Options, parse_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from granian.server.mp import WorkerProcess
    from starlette.types import ASGIApp

log = logging.getLogger("nexio-webd")

OVERLAP_SECONDS: Final = 5.0
"""At SIGHUP the old worker goes on answering for this long, until the new one does."""

KILL_SECONDS: Final = 10
"""How long a worker that has to end may take to finish its requests."""

_LOGGING: Final = {
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "generic"}},
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
"""Makes granian log where we do, not to stdout."""

_FORMATTERS: Final = {
    TEXT: {"generic": {"format": TEXT_LINE}},
    JSON: {"generic": {"()": "nexio.log_lines.JsonLines"}},
}


class PortUnusable(Unreachable):
    """We cannot listen on that address and port."""


class Parent(MPServer):
    """Supervises the worker; if a new certificate is unusable, the old one stays in use."""

    def __init__(self, options: Options) -> None:
        self._options = options
        super().__init__(
            "nexio-webd",
            address=options.listen,
            port=options.port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=round(HEADER_SECONDS * 1000), max_buffer_size=MOST_HEAD_OCTETS
            ),
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig={**_LOGGING, "formatters": _FORMATTERS[options.log_format]},
            ssl_cert=options.tls_cert,
            ssl_key=options.tls_key,
            respawn_failed_workers=True,
            respawn_interval=OVERLAP_SECONDS,
            workers_kill_timeout=KILL_SECONDS,
        )
        self._signals, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        threading.Thread(target=self._obey, daemon=True).start()

    def _spawn_worker(self, *args: Any, **kwargs: Any) -> WorkerProcess:
        """Let one thread wait for a worker: with two, one may see an ended worker as running."""
        worker: WorkerProcess = super()._spawn_worker(*args, **kwargs)
        watcher = threading.Thread(target=worker._watcher)  # noqa: SLF001 (no public way)
        worker._watch = watcher.start  # type: ignore[method-assign]  # noqa: SLF001
        worker.join = watcher.join  # type: ignore[method-assign]
        return worker

    def _respawn_workers(self, *args: Any, **kwargs: Any) -> None:
        """Replace workers, and let granian's loop look again if something came meanwhile.

        That loop reads its flags first and then clears the event that wakes it.
        """
        super()._respawn_workers(*args, **kwargs)
        if self.interrupt_signal or self.reload_signal or self.interrupt_children:
            self.main_loop_interrupt.set()

    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        """Do nothing: :meth:`_obey` acts."""

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        """Do nothing: :meth:`_obey` acts."""

    def _obey(self) -> None:
        """Act on signals, one after the other, outside the thread that receives them.

        That thread may hold the lock that granian's own handlers take.  If a signal arrives just
        before it waits, it notices that signal only when the next one comes.  So Python writes the
        number of each signal into a pipe, which is read here.
        """
        while True:
            for number in os.read(self._signals, 1):
                if number == signal.SIGHUP:
                    self._reload_worker()
                else:
                    self._end()

    def _end(self) -> None:
        notify(STOPPING)
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]

    def _reload_worker(self) -> None:
        try:
            require_certificate(self._options)
        except NexioError as error:
            log.error("%s; the old one is used on", error)  # noqa: TRY400 (no fault of ours)
        else:
            log.info("starting anew, as SIGHUP says")
            notify_reloading()  # the new worker reports that it is ready
            super().signal_handler_reload()  # type: ignore[no-untyped-call]


def run() -> None:
    """Run the program."""
    open_closed()
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run a server.

    Returns:
        The exit code: 2 for a wrong option, 5 for a store, key or port that is unreachable.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to restart yet
    logging.basicConfig(level=logging.INFO, format=TEXT_LINE, stream=sys.stderr)
    try:
        environment = with_config(arguments, os.environ)
        options = parse_options(arguments, environment)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(formatter_of(options.log_format))
        configuration = Configuration.from_environment(environment)
        require_certificate(options)
        Store.open(configuration).close()  # reports a problem before any request is answered
        _hold_port(options)
        answer_monitor(options, configuration)
    except NexioError as error:
        log.error("%s", error)  # noqa: TRY400 (no fault of ours)
        if error.advice:
            log.error("%s", error.advice)  # noqa: TRY400
        return error.exit_code
    # With fork, a worker that replaces another one would be forked from a process with threads.
    multiprocessing.set_start_method("spawn", force=True)
    parent = Parent(options)
    parent.on_startup(lambda: log.info("answering on %s", _place(options)))
    try:
        parent.serve(target_loader=partial(_in_worker, options, configuration), wrap_loader=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def answer_monitor(options: Options, configuration: Configuration) -> None:
    """Answer a monitor until the process ends, if that is configured.

    Raises:
        MetricsPortUnusable: we cannot listen on that address and port.
    """
    if options.metrics_listen is None:
        return
    from nexio.metrics.endpoint import Endpoint  # noqa: PLC0415 (loaded only if needed)
    from nexio.metrics.place import listen  # noqa: PLC0415
    from nexio.metrics.store_numbers import StoreNumbers  # noqa: PLC0415

    patience = Patience.of_a_server()
    numbers = StoreNumbers(lambda: Store.open(configuration, patience=patience))
    Endpoint(listen(options.metrics_listen), [numbers]).start()
    numbers.start()
    log.info("metrics on http://%s/metrics", options.metrics_listen)


def _in_worker(options: Options, configuration: Configuration) -> ASGIApp:
    """Serve, and exit without finalizing Python: granian's threads would panic."""
    from nexio_web.application import application  # noqa: PLC0415 (only a worker needs it)

    atexit.register(os._exit, 0)
    return application(options, configuration)


def require_certificate(options: Options) -> None:
    """Check that TLS works.

    Raises:
        InvalidValue: the certificate or its key cannot be used.
    """
    if options.tls_cert is None or options.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask for it, on a terminal or in stdin, and wait.
        context.load_cert_chain(options.tls_cert, options.tls_key, password="")
    except OSError as error:  # ssl.SSLError is one
        raise InvalidValue(
            f"the certificate {options.tls_cert} or its key cannot be used: {error.strerror}",
            "Both are PEM, and the key is the certificate's, without a passphrase.",
        ) from error


def _hold_port(options: Options) -> None:
    """Reserve the port for this process: granian would share it with another process.

    Only the kernel can decide between two processes that start at the same moment: of two sockets
    without SO_REUSEPORT, the one that listens first wins.  It then stops listening and stays bound:
    our workers' sockets, which have SO_REUSEPORT, may bind to the port, but no other socket like
    it.
    """
    family = socket.AF_INET6 if ":" in options.listen else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections may linger
    try:
        held.bind((options.listen, options.port))
        held.listen()
    except OSError as error:
        raise PortUnusable(
            f"cannot listen on {_place(options)}: {error.strerror}",
            "Another program may have the port, or the address is not this machine's.",
        ) from error
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.shutdown(socket.SHUT_RD)
    held.detach()  # until the process ends


def _place(options: Options) -> str:
    scheme = "http" if options.tls_cert is None else "https"
    host = f"[{options.listen}]" if ":" in options.listen else options.listen
    return f"{scheme}://{host}:{options.port}"


if __name__ == "__main__":
    run()
