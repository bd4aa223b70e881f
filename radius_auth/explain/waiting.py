"""Lists the waits of the guard, with the devices that guessed and those that were refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from nexio.input.addresses import email_key
from nexio.network.event_log import list_repeated
from nexio.reception.visits import find_visit
from radius_auth.decision.devices import mac_of
from radius_auth.decision.reasons import Reason
from radius_auth.guard.desk import Tried, guard_in, waits, with_refused

if TYPE_CHECKING:
    from nexio.network.event_log import Repeated
    from nexio.store.engine import Reading
    from radius_auth.guard.desk import Wait

MOST_REFUSED: Final = 20
"""How many refused devices to show for one visit: those that tried last."""

LOOKED_AT: Final = 10_000
"""How many refused devices of a day to read."""


def list_waits(work: Reading) -> list[Wait]:
    """The visits where somebody has to wait, and such locations where the PIN alone logs in."""
    guard = guard_in(work, work.now)
    found = waits(guard, work.now)
    if not found:
        return []
    a_day_ago = work.now - timedelta(days=1)
    refused = list_repeated(work, Reason.GUARDED, a_day_ago, limit=LOOKED_AT)
    return [with_refused(guard, each, _at(work, each, refused), work.now) for each in found]


def _at(work: Reading, wait: Wait, refused: list[Repeated]) -> list[Tried]:
    """The devices that were refused at a visit or a location."""
    visit = None if wait.visit_id is None else find_visit(work, wait.visit_id)
    if wait.visit_id is None:
        there = [each for each in refused if each.location_id == wait.location_id]
    elif visit is None:
        there = []
    else:
        key = email_key(visit.email)
        there = [each for each in refused if email_key(each.user_name) == key]
    tried = [_tried(each) for each in there]
    latest = list(dict.fromkeys(each.device for each in tried))[:MOST_REFUSED]
    return [each for each in tried if each.device in latest]


def _tried(refused: Repeated) -> Tried:
    return Tried(
        device=mac_of((refused.device or "").encode()),
        nas=refused.nas,
        at=refused.at,
        guesses=0,
        was_in=False,
        until=None,
        refused=refused.count,
    )
