"""A PostgreSQL server for the tests: empty, on a Unix socket, removed afterwards.

It fails, and never skips, if PostgreSQL is not installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEBIAN = Path("/usr/lib/postgresql")
SOCKETS = Path("/tmp")  # noqa: S108 (mkdtemp makes a folder of its own)
"""Not under TMPDIR: the path of a Unix socket has at most 107 bytes."""

SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30.0

DURABLE = {"listen_addresses": "", "timezone": "UTC"}
"""As PostgreSQL comes: for benchmarks."""

# Surviving a power cut only costs time here.
KILLABLE = {**DURABLE, "fsync": "off", "full_page_writes": "off"}
"""What it has committed survives that its processes are killed."""

SETTINGS = {**KILLABLE, "synchronous_commit": "off"}


class PostgreSQL:
    """One server; the context manager starts and stops it.

    Started by root, it runs as the user ``postgres``, because PostgreSQL refuses root.
    It ends when the process (Linux: the thread) that started it ends for any reason.
    """

    def __init__(self, settings: Mapping[str, str] = SETTINGS, parent: Path = SOCKETS) -> None:
        self._settings = settings
        self._parent = parent
        self._binaries = find_binaries()
        self._user = SUPERUSER if os.geteuid() == 0 else None
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """The folder of socket, data and log of the running server."""
        if self._folder is None:
            message = "this PostgreSQL is not running"
            raise RuntimeError(message)
        return self._folder

    def start(self) -> None:
        """Create the cluster, and return when the server answers."""
        self._folder = Path(tempfile.mkdtemp(prefix="nexio-pg-", dir=self._parent))
        try:
            self._create_cluster()
            self._server = self._run_server()
            self._wait_until_it_answers(self._server)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove its folder; a second call does nothing."""
        if self._server is not None:
            _end(self._server)
            self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop all of its processes for a while; their connections stay open."""
        assert self._server is not None
        server = self._server.pid
        os.kill(server, signal.SIGSTOP)
        # It may be starting another process: that one is listed once the server has stopped.
        os.waitid(os.P_PID, server, os.WSTOPPED | os.WNOWAIT)
        _signal_children(server, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal_children(server, signal.SIGCONT)
            os.kill(server, signal.SIGCONT)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop it for a while, with all connections; its data stays."""
        assert self._server is not None
        _end(self._server)
        try:
            yield
        finally:
            self._start_again()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Kill all of its processes, and start it after a while; it was made `KILLABLE`."""
        assert self._server is not None
        children = _children(self._server.pid)
        self._server.kill()
        self._server.wait()
        for each in children:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        try:
            yield
        finally:
            self._start_again()

    @contextmanager
    def reading_only(self) -> Iterator[None]:
        """Let it be a standby for a while, which takes no change."""
        assert self._server is not None
        _end(self._server)
        sign = self.folder / "data" / "standby.signal"
        sign.touch()
        if self._user is not None:
            shutil.chown(sign, self._user, self._user)
        self._start_again()
        try:
            yield
        finally:
            self.promote()

    def promote(self) -> None:
        """Let a standby be the primary, and return when it writes."""
        with self._connect() as connection:
            connection.execute("SELECT pg_promote()")

    def disconnect(self, database: str) -> None:
        """End all connections to a database."""
        with self._connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid()",
                [database],
            )

    def _start_again(self) -> None:
        self._server = self._run_server()
        self._wait_until_it_answers(self._server)

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of a database of this server."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.folder}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of ``template`` if one is named; return its URL.

        Nobody may be connected to the template.
        """
        # Without fsync, copying files is faster than logging every page of them.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        source = template or "template1"
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(source)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and disconnect its clients."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._execute(statement.format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.folder), user=SUPERUSER, dbname="postgres", autocommit=True
        )

    def _create_cluster(self) -> None:
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        initdb = self._popen(
            [
                str(self._binaries / "initdb"),
                f"--pgdata={self.folder / 'data'}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ]
        )
        if initdb.wait() != 0:
            raise RuntimeError(self._failure("initdb failed"))

    def _run_server(self) -> subprocess.Popen[bytes]:
        settings = {**self._settings, "unix_socket_directories": str(self.folder)}
        return self._popen(
            [
                *_die_with_parent(),
                str(self._binaries / "postgres"),
                "-D",
                str(self.folder / "data"),
                *(f"--{name}={value}" for name, value in settings.items()),
            ]
        )

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run a program as the right user, with its output in the log.

        In its own session: Ctrl-C in the terminal goes to pytest, which then stops us.
        """
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )

    def _wait_until_it_answers(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(self._failure("PostgreSQL does not start"))

    def _failure(self, summary: str) -> str:
        return f"{summary}:\n{(self.folder / 'log').read_text()}"


class Standby(PostgreSQL):
    """A server that follows another one and only reads, until it is promoted.

    Args:
        primary: the other one, which is running.
    """

    def __init__(self, primary: PostgreSQL) -> None:
        super().__init__(parent=primary.folder.parent)
        self._primary = primary

    def wait_for_all(self) -> None:
        """Wait until it has what the primary has."""
        with self._primary._connect() as primary, self._connect() as connection:  # noqa: SLF001
            row = primary.execute("SELECT pg_current_wal_lsn()").fetchone()
            assert row is not None
            deadline = time.monotonic() + START_SECONDS
            replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            while connection.execute(replayed, row).fetchone() != (True,):
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def _create_cluster(self) -> None:
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        copied = self._popen(
            [
                str(self._binaries / "pg_basebackup"),
                f"--pgdata={self.folder / 'data'}",
                f"--host={self._primary.folder}",
                f"--username={SUPERUSER}",
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
            ]
        )
        if copied.wait() != 0:
            raise RuntimeError(self._failure("pg_basebackup failed"))


def find_binaries() -> Path:
    """Folder of initdb and postgres: Debian's newest version, else the one in PATH."""
    candidates = [
        *sorted(DEBIAN.glob("*/bin/initdb"), key=lambda initdb: int(initdb.parts[-3]))[::-1],
        *(Path(found) for found in [shutil.which("initdb")] if found),
    ]
    if not candidates:
        message = "PostgreSQL is not installed: apt-get install postgresql"
        raise FileNotFoundError(message)
    return candidates[0].resolve().parent


def _children(process: int) -> list[int]:
    """The processes that it has started."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found]


def _signal_children(process: int, number: int) -> None:
    for child in _children(process):
        with suppress(ProcessLookupError):  # it has ended
            os.kill(child, number)


def _die_with_parent() -> list[str]:
    """Prefix that ends a command with its parent, if util-linux is installed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []


def _end(server: subprocess.Popen[bytes]) -> None:
    """Stop PostgreSQL and disconnect its clients; kill it if that takes too long."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()
