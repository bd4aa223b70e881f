"""Tries to use key, store and spool, as FreeRADIUS's user and in a Python of its own.

``nexio freeradius check`` starts this with the packages that the plugin would load (see
``rights.py``).  It prints its findings as JSON.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nexio.configuration import Configuration, read_environment
from nexio.errors import NexioError
from nexio.keys.ownership import load_trusted_keys
from nexio.network.events import AuthEvent
from nexio.operations.health import Finding, trouble, well
from nexio.store.engine import Store
from radius_auth.recording.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def main(environment: str, *, spool: bool) -> None:
    """Try, and print the findings.

    Args:
        environment: the file that says where the store is.
        spool: whether to make the spool too: whoever makes it owns it.
    """
    print(json.dumps([asdict(each) for each in _try_all(Path(environment), spool=spool)]))  # noqa: T201


def _try_all(environment: Path, *, spool: bool) -> Iterator[Finding]:
    try:
        configuration = Configuration.from_environment(read_environment(environment))
    except NexioError as error:
        yield trouble("environment", error)
        return
    yield _try("key", str(configuration.key_file), lambda: load_trusted_keys(configuration))
    store = _try("store", "it can be opened", lambda: _open_to_write(configuration))
    yield store
    if spool and store.well:  # making a spool makes the folder of a store that is not there
        path = configuration.home / "spool" / "freeradius.db"
        yield _try("spool", str(path), lambda: Spool(path, AuthEvent).make())


def _open_to_write(configuration: Configuration) -> None:
    """Open the store as the plugin does, which writes decisions into it."""
    with closing(Store.open(configuration)) as store, store.write():
        pass


def _try(subject: str, message: str, act: Callable[[], object]) -> Finding:
    try:
        act()
    except NexioError as error:
        return trouble(subject, error)
    return well(subject, message)
