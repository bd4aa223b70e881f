"""Debian's PgBouncer in transaction mode, in front of a PostgreSQL of the tests.

It fails, and never skips, if PgBouncer is not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Self

import psycopg

from tests.support.postgresql import SUPERUSER

if TYPE_CHECKING:
    from tests.support.postgresql import PostgreSQL

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
PORT = 6432
"""It names the Unix socket, which is in the folder of PostgreSQL."""

START_SECONDS = 30.0

CONFIGURATION = """
[databases]
* = host={folder} user={user}
[pgbouncer]
pool_mode = transaction
default_pool_size = 4
server_login_retry = 1
auth_type = any
listen_port = {port}
unix_socket_dir = {folder}
"""
"""As docs/network-engineers.md says; a pool of few connections mixes the transactions well."""


class PgBouncer:
    """A running pooler; leaving the context ends it.

    Args:
        postgresql: what it is in front of.
    """

    def __init__(self, postgresql: PostgreSQL) -> None:
        self._folder = postgresql.folder

    def __enter__(self) -> Self:
        path = self._folder / "pgbouncer.ini"
        path.write_text(
            CONFIGURATION.format(folder=self._folder, user=SUPERUSER, port=PORT), encoding="ascii"
        )
        user = SUPERUSER if os.geteuid() == 0 else None  # it refuses root
        with (self._folder / "pgbouncer.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, path],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        self._wait_until_it_answers()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def url(self, url: str) -> str:
        """The URL of the same database by way of the pooler."""
        return f"{url}&port={PORT}"

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(
                    host=str(self._folder), port=PORT, user=SUPERUSER, dbname="postgres"
                ).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        message = f"PgBouncer does not start:\n{(self._folder / 'pgbouncer.log').read_text()}"
        raise RuntimeError(message)
