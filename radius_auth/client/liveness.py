"""Checks the RADIUS server on this machine: does it answer, and does it follow the store?"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from nexio.network.nas import list_nas
from nexio.operations.health import Finding, unwell, well
from radius_auth.client.client import NoAnswer, send_status_server
from radius_auth.protocol.status import parse_status
from radius_auth.replica.nas_index import NasIndex

if TYPE_CHECKING:
    from nexio.store.engine import Reading
    from radius_auth.protocol.statistics import Counts
    from radius_auth.replica.nas_index import Client

HERE = "127.0.0.1"
SUBJECT = "RADIUS server"
TIMEOUT_SECONDS = 2.0
OLD_SECONDS = 60
"""How long a server may not follow the store before it counts as trouble."""


def find_server(work: Reading, port: int) -> Finding:
    """Ask the server on this machine with a Status-Server."""
    if work.keyring.lacks_second:
        return well(SUBJECT, "not asked: whoever runs this has no key to the secrets of NAS")
    return _ask(NasIndex(list_nas(work)).find(HERE), port)


def _ask(client: Client | None, port: int) -> Finding:
    if client is None:
        return _unwell(
            "no NAS stands for this machine, so the server cannot be asked",
            f"Add one with: nexio nas add this-machine {HERE}",
        )
    try:
        words = send_status_server(HERE, port, client.secret, timeout=TIMEOUT_SECONDS)
    except NoAnswer:
        return _silent(port)
    status = parse_status(words)
    if status is None:
        return _unwell(f"another server answers on port {port}", "Stop it, or use another port.")
    if status.followed_seconds > OLD_SECONDS:
        return _unwell(
            f"it has not followed the store for {status.followed_seconds} seconds",
            "See its log for the reason; until then it decides by what it knew.",
        )
    if trouble := _trouble_recording(status.counts):
        return trouble
    message = f"answers on port {port} and follows the store ({status.visits} visits known)"
    return well(SUBJECT, message)


def _trouble_recording(counts: Counts | None) -> Finding | None:
    """What keeps decisions out of the log; None also where the server does not report it."""
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
