"""A store of version 0023 is brought up: servers say who they are, and who decided what."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nexio.network.event_log import list_events, record_batches
from nexio.network.events import decided
from nexio.network.nas_signatures import read_signatures
from nexio.network.server_identity import RADIUSD, Identity
from nexio.network.servers import list_servers, server_names
from nexio.store.engine import Store
from tests.support.log_entries import batches_of
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0023", rows_of_0002
HERE = Identity(RADIUSD, "harbour-1", "1812")


def test_old_decisions_are_nobodys(old: Configuration) -> None:
    """Nothing else changes; one from now on says whose it is, by a number."""
    done = upgrade(old)
    assert done.version == "0023"
    done.check_rows()
    assert done.new_tables() == {"server", "nas_signature"}
    with closing(Store.open(old)) as store:
        with store.read() as look:
            before = list_events(look, None, limit=100)
            assert before
            assert {each.server_id for each in before} == {None}
            assert (list_servers(look), read_signatures(look)) == ([], {})
            again = decided(before[0].event)
        with store.write() as work:
            (batch,) = batches_of("one", 1, [(datetime.now(UTC).timestamp(), *again[1:])])
            record_batches(
                work, [batch.of_values(batch.record_id, "ap", batch.events, tuple(HERE))]
            )
        with store.read() as look:
            newest = list_events(look, None, limit=1)[0]
            assert newest.server_id is not None
            assert server_names(look)[newest.server_id] == "harbour-1:1812"
