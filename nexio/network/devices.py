"""Devices of visits: which hold a slot of a token's limit (R18), and which are remembered (R22).

A slot is taken in the store, with the token's row locked: so the limit is exact, however many
servers ask at once.  Each change stamps the token, so that servers follow it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, tuple_

from nexio.errors import NotFound
from nexio.network.events import BY_PIN, UNCOUNTED
from nexio.store import audit
from nexio.store.batches import batch_of
from nexio.store.groups import in_groups
from nexio.store.tables import (
    AccessTokenRow,
    AuthEventRow,
    DeviceRow,
    LocationRow,
    VisitRow,
    WifiSessionRow,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from nexio.network.events import Decided
    from nexio.store.engine import Reading, Writing

Asked = tuple[int, str]
"""The number of a visit, and a device that asks for a slot of it."""

_REASON: Final = 7
"""Index of the reason in a decision."""

CLOCKS: Final = timedelta(days=1)
"""How far a server's clock may be behind ours."""

_MAC: Final = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_LOCAL: Final = 0x02
"""IEEE 802: this bit of the first octet marks an address that no manufacturer assigned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that logged in with a visit's PIN."""

    mac: str
    first_at: datetime
    last_at: datetime
    """Its last login or accounting report."""

    holds_slot: bool
    """Whether it counts toward the limit, or is remembered if there is no limit."""

    freed_at: datetime | None

    @property
    def is_randomised(self) -> bool:
        """Whether its address is random: phones change theirs about every two weeks."""
        return bool(int(self.mac[:2], 16) & _LOCAL)


def known_slots(work: Reading, asked: Collection[Asked]) -> dict[Asked, bool]:
    """Whether each device has a slot (True) or none is left (False).

    A device that is missing in the result has to take a slot.
    """
    limits, held = _read(work, {visit_id for visit_id, _ in asked})
    known = {}
    for visit_id, mac in asked:
        if mac in held[visit_id]:
            known[visit_id, mac] = True
        elif not _has_room(limits.get(visit_id, 0), held[visit_id]):  # 0: erased meanwhile
            known[visit_id, mac] = False
    return known


def take_slots(work: Writing, asked: Collection[Asked]) -> dict[Asked, bool]:
    """Give slots, in the order of the requests, while a visit has free ones."""
    visits = sorted({visit_id for visit_id, _ in asked})  # locked in one order by all servers
    tokens = {visit_id: _lock(work, visit_id) for visit_id in visits}
    limits, held = _read(work, visits)
    taken: dict[Asked, bool] = {}
    for visit_id, mac in asked:
        token = tokens[visit_id]
        has_one = mac in held[visit_id]
        if token is not None and not has_one and _has_room(limits[visit_id], held[visit_id]):
            _hold(work, token, mac, work.now)
            held[visit_id].add(mac)
            has_one = True
        taken[visit_id, mac] = has_one
    return taken


def note_devices(work: Writing, decisions: Iterable[Decided]) -> None:
    """Give a slot to devices that were admitted without one.

    The store was unreachable at the login, or the location remembers devices (R22).  A device that
    was freed after its login stays free.
    """
    here = select(LocationRow.id).where(LocationRow.remember_devices)
    remembering = frozenset(work.session.scalars(here))
    if not remembering:  # a server records thousands of decisions at once, hardly any uncounted
        decisions = [each for each in decisions if each[_REASON] == UNCOUNTED]
    logins: dict[Asked, tuple[float, bool]] = {}
    for at, _, device, _, location_id, visit_id, outcome, reason, *_ in decisions:
        if outcome != "accept" or visit_id is None or device is None or not _MAC.fullmatch(device):
            continue
        is_uncounted = reason == UNCOUNTED
        # MAC authentication remembers no device: the server may not know yet of a freed slot.
        if is_uncounted or (reason == BY_PIN and location_id in remembering):
            before, was = logins.get((visit_id, device), (at, False))
            logins[visit_id, device] = max(at, before), is_uncounted or was
    for group in in_groups(sorted(logins)):
        key = tuple_(DeviceRow.visit_id, DeviceRow.mac)
        rows = work.session.scalars(select(DeviceRow).where(key.in_(group)))
        known = {(row.visit_id, row.mac): row.freed_at for row in rows}
        for each in group:
            at, is_uncounted = logins[each]
            then = datetime.fromtimestamp(at, UTC)
            freed_at = known.get(each)
            is_new = each not in known or (freed_at is not None and freed_at < then)
            token = _lock(work, each[0]) if is_new else None
            # Under a limit all other devices have asked for their slot.
            if token is not None and (is_uncounted or token.max_devices is None):
                _hold(work, token, each[1], then)


def free_device(work: Writing, visit_id: int, mac: str) -> None:
    """Free the slot of a device, or forget it if it is remembered.

    Raises:
        NotFound: it holds no slot.
    """
    token = _lock(work, visit_id)
    row = work.session.get(DeviceRow, (visit_id, mac), populate_existing=True)
    if token is None or row is None or row.freed_at is not None:
        raise NotFound(
            f"visit {visit_id} has no device {mac} that counts or is remembered",
            f"See its devices with: nexio visitor devices {visit_id}",
        )
    row.freed_at = work.now
    _stamp(work, token)
    audit.record(work, "free-device", "visit", visit_id)


def list_devices(work: Reading, visit_id: int) -> list[Device]:
    """The devices of a visit by their first use, as far back as the log reaches."""
    uses: defaultdict[str, list[datetime]] = defaultdict(list)
    event, session = AuthEventRow, WifiSessionRow
    registered = select(VisitRow.registered_at).where(VisitRow.id == visit_id)
    since = (work.session.scalar(registered) or work.now) - CLOCKS
    logins = select(event.device, func.min(event.at), func.max(event.at)).where(
        event.at > since, event.visit_id == visit_id, event.outcome == "accept"
    )
    sessions = select(session.device, func.min(session.started_at), func.max(session.heard_at))
    for query in (
        logins.group_by(event.device),
        sessions.where(session.visit_id == visit_id).group_by(session.device),
    ):
        for mac, first, last in work.session.execute(query):
            if mac is not None and _MAC.fullmatch(mac):
                uses[mac] += [first, last]
    rows = {row.mac: row for row in _rows_of(work, visit_id)}
    for row in rows.values():
        uses[row.mac].append(row.first_at)
    devices = [
        Device(
            mac=mac,
            first_at=min(times),
            last_at=max(times),
            holds_slot=mac in rows and rows[mac].freed_at is None,
            freed_at=rows[mac].freed_at if mac in rows else None,
        )
        for mac, times in uses.items()
    ]
    return sorted(devices, key=lambda device: (device.first_at, device.mac))


def _rows_of(work: Reading, visit_id: int) -> list[DeviceRow]:
    return list(work.session.scalars(select(DeviceRow).where(DeviceRow.visit_id == visit_id)))


def _read(
    work: Reading, visits: Collection[int]
) -> tuple[dict[int, int | None], defaultdict[int, set[str]]]:
    """The limits of the visits that have a token, and the devices that hold a slot."""
    limits: dict[int, int | None] = {}
    held: defaultdict[int, set[str]] = defaultdict(set)
    tokens = select(AccessTokenRow.visit_id, AccessTokenRow.max_devices)
    holding = select(DeviceRow.visit_id, DeviceRow.mac).where(DeviceRow.freed_at.is_(None))
    for group in in_groups(list(visits)):
        limits_found = work.session.execute(tokens.where(AccessTokenRow.visit_id.in_(group)))
        limits.update((visit_id, most) for visit_id, most in limits_found)
        for visit_id, mac in work.session.execute(holding.where(DeviceRow.visit_id.in_(group))):
            held[visit_id].add(mac)
    return limits, held


def _has_room(most: int | None, held: set[str]) -> bool:
    return most is None or len(held) < most


def _lock(work: Writing, visit_id: int) -> AccessTokenRow | None:
    """Lock a visit's token, if any; no other transaction gives or frees its slots meanwhile."""
    return work.session.scalar(
        select(AccessTokenRow)
        .where(AccessTokenRow.visit_id == visit_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _hold(work: Writing, token: AccessTokenRow, mac: str, at: datetime) -> None:
    row = work.session.get(DeviceRow, (token.visit_id, mac), populate_existing=True)
    if row is None:
        work.session.add(DeviceRow(visit_id=token.visit_id, mac=mac, first_at=at))
    else:
        row.freed_at = None
    _stamp(work, token)


def _stamp(work: Writing, token: AccessTokenRow) -> None:
    """Mark the token as changed, so that servers follow it."""
    token.batch = batch_of(work.session)
    work.session.flush()
