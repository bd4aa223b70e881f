"""A store of version 0013 is brought up: tablets may deliver what they noted."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.checkin.offline_taps import list_offline_taps, public_key
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock


OLD = "0013", rows_of_0002


def test_nothing_else_changes(old: Configuration, clock: Clock) -> None:
    """Each row has what it had; no tap waits, and there is a key for them."""
    done = upgrade(old)
    assert done.version == "0013"
    done.check_rows()
    with closing(Store.open(old, clock)) as store, store.read() as work:
        assert list_offline_taps(work) == []
        assert len(public_key(work)) == 88
