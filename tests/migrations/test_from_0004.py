"""A store of version 0004 is brought up: the QR codes that were sent stay good."""

from __future__ import annotations

import base64
import hmac
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.taps import Direction
from nexio.errors import Refused
from nexio.reception.changing import edit_visit
from nexio.store import schema
from nexio.store.engine import Store, connect
from tests.support.clocks import Clock
from tests.support.old_rows import rows_of_0001
from tests.support.old_stores import contents, store_of
from tests.support.reception import use_qr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

SIGNING_KEY = b"signing key"
"""What ``rows_of_0001`` seals."""


@pytest.fixture(params=["sqlite", "postgresql"])
def upgraded(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL
) -> Iterator[Configuration]:
    """A store of version 0004 with visits in it, brought up to the version of today."""
    database = postgresql if request.param == "postgresql" else None
    with store_of("0004", tmp_path / "old", database, rows_of_0001) as configuration:
        engine = connect(configuration.database_url)
        assert schema.upgrade(engine) == "0004"
        with engine.connect() as connection:
            assert schema.drift(connection) == []
        assert [row["qr_edition"] for row in contents(engine)["visit"]] == [1, 1, 1]
        engine.dispose()
        yield configuration


def sent_by_0004(visit_id: int) -> str:
    """The text of a code as version 0004 made it: without an edition."""
    body = f"NEXIO1:{visit_id}"
    signature = hmac.digest(SIGNING_KEY, body.encode(), "sha256")[:15]
    return f"{body}:{base64.b32encode(signature).decode()}"


def test_codes_that_were_sent_stay_good(upgraded: Configuration, clock: Clock) -> None:
    """Until the visit changes: then they are of an older mail."""
    with closing(Store.open(upgraded, clock)) as store:
        assert use_qr(store, sent_by_0004(1)).direction is Direction.IN
        with store.write() as work:
            edit_visit(work, 3, {"email": "new@example.com"})
        with pytest.raises(Refused, match="a newer mail was sent"):
            use_qr(store, sent_by_0004(3))
