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
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.old_rows import rows_of_0001
from tests.support.old_stores import upgrade
from tests.support.reception import use_qr

if TYPE_CHECKING:
    from nexio.configuration import Configuration

SIGNING_KEY = b"signing key"
"""What ``rows_of_0001`` seals."""


OLD = "0004", rows_of_0001


def sent_by_0004(visit_id: int) -> str:
    """The text of a code as version 0004 made it: without an edition."""
    body = f"NEXIO1:{visit_id}"
    signature = hmac.digest(SIGNING_KEY, body.encode(), "sha256")[:15]
    return f"{body}:{base64.b32encode(signature).decode()}"


def test_codes_that_were_sent_stay_good(old: Configuration, clock: Clock) -> None:
    """Until the visit changes: then they are of an older mail."""
    done = upgrade(old)
    assert done.version == "0004"
    assert [row["qr_edition"] for row in done.after["visit"]] == [1, 1, 1]
    with closing(Store.open(old, clock)) as store:
        assert use_qr(store, sent_by_0004(1)).direction is Direction.IN
        with store.write() as work:
            edit_visit(work, 3, {"email": "new@example.com"})
        with pytest.raises(Refused, match="a newer mail was sent"):
            use_qr(store, sent_by_0004(3))
