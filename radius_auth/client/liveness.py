"""Checks the RADIUS server on this machine: does it answer, and does it follow the store?"""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.input.durations import words_for
from nexio.input.names import counted
from nexio.keys.ownership import load_trusted_keys
from nexio.operations.health import Finding, unwell, well
from radius_auth.client.client import NoAnswer, send_status_server
from radius_auth.protocol.status import parse_status
from radius_auth.replica.nas_index import NasIndex
from radius_auth.replica.saved_table import Unusable, read_saved_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from nexio.network.nas_entry import Nas
    from radius_auth.protocol.statistics import Counts
    from radius_auth.protocol.status import Status
    from radius_auth.replica.saved_table import SavedTable

HERE = "127.0.0.1"
SUBJECT = "RADIUS server"
TIMEOUT_SECONDS = 2.0
OLD_SECONDS = 60
"""A server that has not followed the store for so long counts as trouble."""

REWRITTEN_WITHIN = 3.0
"""Seconds within which a server writes its table anew (``keeper.CHANGES_EVERY``)."""


def find_server(nas: Iterable[Nas], port: int) -> Finding:
    """Ask the server on this machine with a Status-Server."""
    client = NasIndex(nas).find(HERE)
    if client is None:
        return _unwell(
            "no NAS stands for this machine, so the server cannot be asked",
            f"Add one with: nexio nas add this-machine {HERE}",
        )
    if client.entries[0].secret is None:
        return well(SUBJECT, "not asked: whoever runs this has no key to the secrets of NAS")
    try:
        words = send_status_server(HERE, port, client.secret, timeout=TIMEOUT_SECONDS)
    except NoAnswer:
        return _silent(port)
    status = parse_status(words)
    if status is None:
        return _unwell(f"another server answers on port {port}", "Stop it, or use another port.")
    if trouble := _not_following(status) or _trouble_recording(status.counts):
        return trouble
    known = f"{counted(status.visits, 'visit')} known"
    age = words_for(timedelta(seconds=status.followed_seconds))
    return well(SUBJECT, f"answers on port {port} and followed the store {age} ago ({known})")


def find_tables(configuration: Configuration) -> Iterator[tuple[Finding, SavedTable | None]]:
    """Check the tables that servers of this machine store for a start without the database.

    Raises:
        NexioError: the key file cannot be used.
    """
    keyring = load_trusted_keys(configuration)
    for path in sorted((configuration.home / "spool").glob("*.table")):
        try:
            saved = _read_patiently(path, keyring)
        except Unusable as error:
            advice = "The server puts it aside when it starts, and writes another one."
            yield unwell("kept table", f"{path} {error}", advice), None
        except OSError as error:  # only the server's user may read it
            yield well("kept table", f"{path} was not looked at: {error.strerror}"), None
        else:
            if saved is not None:
                age = words_for(saved.age(utc_now()))
                visits = counted(len(saved.table), "visit")
                yield well("kept table", f"{path} has {visits}, followed {age} ago"), saved


def _read_patiently(path: Path, keyring: Keyring) -> SavedTable | None:
    """Read a table; after a key rotation a running server needs a moment to write it anew.

    Raises:
        Unusable: it is still unreadable after a while.
        OSError: it cannot be read.
    """
    until = time.monotonic() + REWRITTEN_WITHIN
    while True:
        try:
            return read_saved_table(path, keyring)
        except Unusable:
            if time.monotonic() >= until:
                raise
            time.sleep(0.1)


def _not_following(status: Status) -> Finding | None:
    seconds = status.followed_seconds
    if status.counts is not None and status.counts.from_disk:
        age = words_for(timedelta(seconds=seconds))
        return _unwell(
            f"it started without the store, and answers by the table of its disk, {age} old",
            "See its log for the reason; it follows by itself as soon as the store is back.",
        )
    if seconds > OLD_SECONDS:
        return _unwell(
            f"it has not followed the store for {seconds} seconds",
            "See its log for the reason; until then it decides by what it knew.",
        )
    return None


def _trouble_recording(counts: Counts | None) -> Finding | None:
    """Why decisions are missing in the log; None also where the server does not report it."""
    if counts is not None and counts.unrecorded:
        return _unwell(
            f"{counts.unrecorded} decisions are missing in the log since it started",
            "Neither spool nor store could take them: see its log for the reason.",
        )
    if counts is not None and counts.without_spool:
        return _unwell(
            "it cannot use its spool, so decisions wait in memory until the store has them",
            "Look at the rights on the folder spool in NEXIO_HOME and at the space on its disk.",
        )
    return None


def _silent(port: int) -> Finding:
    if is_free(HERE, port):
        return _unwell(
            f"nothing listens on port {port}", "Start it with: nexio-radiusd (--auth-port …)"
        )
    return _unwell(
        f"what listens on port {port} does not answer",
        "It may be another program, or a nexio-radiusd of another store: see its log.",
    )


def _unwell(message: str, advice: str) -> Finding:
    return unwell(SUBJECT, message, advice)


def is_free(address: str, port: int) -> bool:
    """Whether a UDP port of an IPv4 address of this machine is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
