"""``nexio-radiusd``: the parent, which holds the sockets and supervises the other processes.

Workers answer logins, each on sockets of its own; a companion does everything else.  A process
that ends unexpectedly is replaced.  The sockets stay open meanwhile, so that the kernel queues
the requests of that moment for its successor.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.configuration import Configuration
from nexio.errors import NexioError
from nexio.log_lines import TEXT_LINE, formatter_of
from nexio.metrics.place import listen as listen_for_monitor
from nexio.network.server_identity import RADIUSD, Identity, host_name
from nexio.server_options import with_config
from nexio.service_manager import READY, STOPPING, notify, watchdog_seconds
from nexio.streams import open_closed
from radius_auth.guard.siblings import forget_worker, shared_memory
from radius_auth.server.heartbeat import Heartbeat
from radius_auth.server.options import Options, parse_options
from radius_auth.server.sockets import all_addresses, listen, listen_together

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("nexio-radiusd")

RESTART_SECONDS = 0.5
"""Seconds between the end of a process and the start of its successor."""

RETRY_SECONDS = 5.0
"""The same if it ended before it was ready."""

HANDLED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""Signals that the parent handles."""

Work = Callable[[Callable[[], None], bool], None]
"""The main function of a process; its arguments: what to call when it is ready, and whether it
replaces another process."""


class Child:
    """One process, and its successors.

    Args:
        name: for the log.
        comm: its name in lists of processes.
        work: its main function.
    """

    def __init__(self, name: str, comm: str, work: Work) -> None:
        self.name = name
        self._comm = comm
        self._work = work
        self.process = 0
        self.ready = -1
        """A file descriptor that becomes readable when it is ready, or has ended."""

        self.has_worked = self.works = False
        self.starts_at = 0.0

    def start(self, leave: Callable[[], None]) -> None:
        """Start the process.

        Args:
            leave: releases in the child what belongs to the parent alone.
        """
        self.works = False
        self.ready, write = os.pipe()
        # A signal between the fork and `leave` would be handled as the parent's.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_SIGNALS)
        self.process = os.fork()
        if self.process == 0:
            os.close(self.ready)
            leave()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os._exit(self._live(write))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(write)

    def look(self) -> None:
        """Read whether it is ready."""
        if os.read(self.ready, 1):
            self.works = self.has_worked = True
        os.close(self.ready)
        self.ready = -1

    def send_signal(self, number: int) -> None:
        """Forward a signal."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process, number)

    def end(self) -> None:
        """Note that the process has ended."""
        if self.ready >= 0:
            self.look()
        self.process = 0  # from now on another process may have its number
        wait = RESTART_SECONDS if self.works else RETRY_SECONDS
        self.starts_at, self.works = time.monotonic() + wait, False

    def _live(self, write: int) -> int:
        with contextlib.suppress(OSError):  # it is only a name
            Path("/proc/self/comm").write_text(self._comm, "ascii")
        gc.disable()  # until all is loaded

        def notify_parent() -> None:
            os.write(write, b"\1")
            os.close(write)

        try:
            self._work(notify_parent, self.has_worked)
        except NexioError as error:
            return _report(error)
        except Exception:
            log.exception("the %s failed", self.name)
            return 1
        return 0


class Parent:
    """Supervises a companion and the workers.

    Args:
        options: how they run.
        configuration: where the store is.
    """

    def __init__(self, options: Options, configuration: Configuration) -> None:
        self._options = options
        self._configuration = configuration
        with contextlib.ExitStack() as stack:
            addresses = options.listen or all_addresses()
            self._sockets = [
                list(
                    map(
                        stack.enter_context,
                        listen_together(each, options.auth_port, options.workers),
                    )
                )
                for each in addresses
            ]
            self._accounting = [
                stack.enter_context(listen(each, options.acct_port)) for each in addresses
            ]
            self._door = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            self._door.bind("")  # a name that the kernel chooses, and that no file has
            self._door.listen(2 * options.workers)
            place = options.metrics_listen
            self._metrics = (
                None if place is None else stack.enter_context(listen_for_monitor(place))
            )
            self._opened = stack.pop_all()
        self._started_at = utc_now()
        self._memory = shared_memory(options.workers)
        self._life = os.pipe()
        every = watchdog_seconds()
        self._heartbeat = None if every is None else Heartbeat(options.workers, every / 2)
        self._companion = Child("companion", "nexio-companion", self._accompany)
        self._workers = [
            Child("worker", "nexio-worker", self._worker(index)) for index in range(options.workers)
        ]
        self._children = [self._companion, *self._workers]
        self._stopping = self._is_announced = False
        self._code = 0

    def run(self) -> int:
        """Run the processes until a signal ends them.

        Returns:
            The exit code of a process that could not start, else 0.
        """
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in HANDLED_SIGNALS:
            signal.signal(number, self._handle_signal)
        # The process that started us may have blocked signals.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        while not self._is_over():
            self._start_due()
            with selectors.DefaultSelector() as selector:
                selector.register(wake_read, selectors.EVENT_READ)
                for child in self._children:
                    if child.ready >= 0:
                        selector.register(child.ready, selectors.EVENT_READ)
                for key, _ in selector.select(self._until_next()):
                    if key.fd == wake_read:
                        os.read(wake_read, 4096)
                    else:
                        self._look(key.fd)
            self._reap()
            self._stop_some()
            if self._heartbeat is not None and self._is_announced:
                self._heartbeat.beat(i for i, each in enumerate(self._workers) if each.works)
        return self._code

    def close(self) -> None:
        """Close the sockets."""
        self._opened.close()

    def _is_over(self) -> bool:
        return self._stopping and not any(child.process for child in self._children)

    def _start_due(self) -> None:
        for child in self._children:
            if not child.process and not self._stopping and child.starts_at <= time.monotonic():
                child.start(self._leave)

    def _until_next(self) -> float | None:
        if self._stopping:
            return 1.0
        due = [child.starts_at for child in self._children if not child.process]
        waits = [each - time.monotonic() for each in due]
        if self._heartbeat is not None and self._is_announced:
            waits.append(self._heartbeat.until_next())
        return max(0.0, min(waits)) if waits else None

    def _look(self, descriptor: int) -> None:
        for child in self._children:
            if child.ready == descriptor:
                child.look()
                if child.works and child is not self._companion and self._is_announced:
                    self._announce()
        if not self._is_announced and all(child.works for child in self._children):
            self._is_announced = True
            self._announce()

    def _announce(self) -> None:
        auth = [each[0] for each in self._sockets]
        log.info("answering on %s, accounting on %s", _places(auth), _places(self._accounting))
        if self._options.metrics_listen is not None:
            log.info("metrics on http://%s/metrics", self._options.metrics_listen)
        notify(READY)

    def _reap(self) -> None:
        for child in self._children:
            if not child.process:
                continue
            process, status = os.waitpid(child.process, os.WNOHANG)
            if not process:
                continue
            child.end()
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                continue
            if not child.has_worked:
                self._code, self._stopping = code, True
                continue
            if child in self._workers:
                index = self._workers.index(child)
                forget_worker(self._memory, self._options.workers, index)
            log.error("the %s ended with code %d and is replaced", child.name, code)

    def _stop_some(self) -> None:
        """Stop the workers first: the companion takes their last decisions."""
        if not self._stopping:
            return
        living = [child for child in self._workers if child.process] or [self._companion]
        for child in living:
            # Repeatedly: the first may come before it can handle it.
            child.send_signal(signal.SIGTERM)

    def _leave(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.close(self._life[1])  # open in the parent alone: its death closes the pipe

    def _accompany(self, ready: Callable[[], None], replaces: bool) -> None:  # noqa: FBT001
        from radius_auth.companion.monitor import Monitor  # noqa: PLC0415
        from radius_auth.companion.myself import Myself  # noqa: PLC0415 (for it alone)
        from radius_auth.companion.process import Companion  # noqa: PLC0415
        from radius_auth.protocol.discards import Discards  # noqa: PLC0415
        from radius_auth.server.accounting import accounting  # noqa: PLC0415

        discards, path = Discards(), self._configuration.home / "spool" / "accounting.db"
        companion = Companion(
            self._door,
            self._life[0],
            self._configuration,
            Myself(self._identity(), self._started_at, path),
            "radiusd.db",
            self._options.max_staleness,
            lambda follower, open_store: accounting(
                self._accounting, self._options, follower, path, open_store, discards
            ),
            None if self._metrics is None else Monitor(self._metrics, path, discards),
        )
        signal.signal(signal.SIGTERM, lambda *_: companion.stop())
        signal.signal(signal.SIGHUP, lambda *_: companion.reload())
        companion.run(ready, replaces=replaces)

    def _identity(self) -> Identity:
        """The identity of this server on its host: its port, with its address if it has one."""
        first = self._sockets[0][0]
        place = _place(first) if self._options.listen else str(first.getsockname()[1])
        return Identity(RADIUSD, host_name(), place)

    def _worker(self, index: int) -> Work:
        def work(ready: Callable[[], None], replaces: bool) -> None:  # noqa: FBT001
            del replaces
            from radius_auth.guard.siblings import Siblings  # noqa: PLC0415 (as above)
            from radius_auth.server.worker import Inherited  # noqa: PLC0415
            from radius_auth.server.worker_process import serve  # noqa: PLC0415

            workers = self._options.workers
            inherited = Inherited(
                sockets=[each[index] for each in self._sockets], life=self._life[0]
            )
            heart = self._heartbeat
            beside = {} if heart is None else {heart.fileno(index): lambda: heart.answer(index)}
            siblings = Siblings(self._memory, workers, index) if workers > 1 else None
            serve(inherited, self._options, self._door.getsockname(), siblings, ready, beside)

        return work

    def _handle_signal(self, number: int, _: object) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._stopping = True
            notify(STOPPING)
        elif number == signal.SIGHUP and self._companion.has_worked:
            self._companion.send_signal(number)


def run() -> None:
    """Run the program."""
    open_closed()
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run a server.

    Returns:
        The exit code: 2 a wrong option, 5 store, key or port out of reach.
    """
    logging.basicConfig(level=logging.INFO, format=TEXT_LINE, stream=sys.stderr)
    try:
        environment = with_config(arguments, os.environ)
        options = parse_options(arguments, environment)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(formatter_of(options.log_format))
        configuration = Configuration.from_environment(environment)
        with contextlib.closing(Parent(options, configuration)) as parent:
            return parent.run()
    except NexioError as error:
        return _report(error)


def _places(opened: Sequence[socket.socket]) -> str:
    return " and ".join(map(_place, opened))


def _place(opened: socket.socket) -> str:
    host, port = opened.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _report(error: NexioError) -> int:
    log.error("%s", error)
    if error.advice:
        log.error("%s", error.advice)
    return error.exit_code
