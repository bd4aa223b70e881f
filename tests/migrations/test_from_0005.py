"""A store of version 0005 is brought up: old PINs stay, and count on the days of their visits."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from nexio.store.tables import PinDayRow
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.old_rows import HOUR, ZOE, rows_of_0002

if TYPE_CHECKING:
    from nexio.keys.keyring import Keyring
    from tests.support.old_stores import Upgrade

LATE = datetime(2026, 11, 20, 23, tzinfo=UTC)


def rows_of_0005(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """As before; and 40 more visits like Zoe's, whose window goes on until after midnight.

    Of those, five wait for the check-in that opens a day of Wi-Fi (R16), and one was deleted a
    moment ago.
    """
    rows = rows_of_0002(keyring)
    visit, token, pin = rows["visit"][0], rows["access_token"][0], rows["pin"][0]
    first = len(rows["visit"]) + 1
    for number in range(first, first + 40):
        digits = f"{number:06}"
        rows["visit"].append(visit | {
            "pin_sealed": keyring.seal(digits, "visit.pin"),
            "pin_digest": keyring.digest(1, digits),
            "closes_at": LATE + 2 * HOUR,
        })  # fmt: skip
        rows["access_token"].append(
            token | {"visit_id": number, "valid_from": LATE, "valid_until": LATE + 2 * HOUR}
        )
        rows["pin"].append(pin | {
            "visit_id": number,
            "digest": rows["visit"][-1]["pin_digest"],
            "free_at": LATE + 2 * HOUR,
        })  # fmt: skip
    for waiting in rows["access_token"][-5:]:
        waiting |= {"valid_from": None, "valid_until": None, "duration": 24 * 3600}
    rows["visit"][-6]["deleted_at"] = FRIDAY_MORNING
    del rows["pin"][-6]
    return rows


OLD = "0005", rows_of_0005
"""More visits on a day than 6 digits are enough for."""


def test_nothing_is_lost(upgraded: Upgrade) -> None:
    """Each row of each table has the values that it had."""
    assert upgraded.version == "0005"
    upgraded.check_rows()
    web = {"tablet", "desk", "offline_tap", "member_pass", "pass_code"}
    assert upgraded.new_tables() == web | {
        "guard_act",
        "pin_day",
        "event_batch",
        "device",
        "mail_text",
        "server",
        "nas_signature",
    }


def test_r6_old_pins_stay_and_count(upgraded: Upgrade, clock: Clock) -> None:
    """Three on Friday and 40 more, those on Saturday too, five on Sunday; also what was deleted."""
    with closing(Store.open(upgraded.configuration, clock)) as store, store.read() as work:
        assert get_visit(work, "1", None).pin == ZOE
        rows = work.session.scalars(select(PinDayRow).order_by(PinDayRow.day))
        counted = {row.day.day: (row.length, row.pins) for row in rows}
    assert counted == {20: (6, 43), 21: (6, 40), 22: (6, 5)}
