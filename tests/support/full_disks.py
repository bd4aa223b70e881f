"""A disk without room."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final

from nexio.errors import StoreUnreachable
from tests.support.radius.decisions import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.network.events import AuthEvent
    from radius_auth.recording.spool import Spool

LARGEST: Final = 1_000_000
"""Octets of a file: larger than a new store."""


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can get larger, as where the disk is full."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def fill(spool: Spool[AuthEvent]) -> list[AuthEvent]:
    """Put events into a spool until there is no room; those that it has taken."""
    taken = []
    for number in count(1):
        try:
            spool.append([event(number)])
        except StoreUnreachable:
            break
        taken.append(event(number))
    return taken
