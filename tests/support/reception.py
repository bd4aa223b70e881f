"""A reception desk in one line each: taps, reissues, members, and the decision of RADIUS."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from nexio.checkin import check_ins
from nexio.checkin.taps import list_taps
from nexio.network.following import Horizon
from nexio.network.news import read_all
from nexio.outbox.outbox import Template
from nexio.reception import members
from nexio.reception import reissue as reissuing
from nexio.reception.qr_codes import qr_text
from nexio.store.tables import OutboxRow
from radius_auth.decision.decide import decide
from radius_auth.decision.passwords import Pap
from radius_auth.guard import Guard
from radius_auth.replica.table import Table
from tests.support.radius import guests

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.checkin.taps import Direction, Tap
    from nexio.locations.locations import Location
    from nexio.reception.members import Member
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from radius_auth.decision.decide import Decision

Result = TypeVar("Result")


class Blind:
    """Looks on at an import, and does nothing."""

    def step(self, what: str, done: int, of: int) -> None:
        """Do nothing."""


def at(text: str) -> datetime:
    """An instant in UTC: "2026-11-20 09:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def use_pin(store: Store, location: Location, pin: str, way: Direction | None = None) -> Tap:
    """Type a PIN at a desk."""
    with store.write() as work:
        return check_ins.tap_pin(work, location, pin, way=way)


def use_qr(
    store: Store, text: str, location: Location | None = None, way: Direction | None = None
) -> Tap:
    """Scan a code, at the desk of one location or of the visit's."""
    with store.write() as work:
        return check_ins.tap_qr(work, location, text, way=way)


def qr_of(store: Store, visit: Visit) -> str:
    """The text of the visitor's QR code."""
    with store.read() as work:
        return qr_text(work, visit)


def by_hand(
    store: Store, visit: Visit, *, way: Direction | None = None, override: bool = False
) -> Tap:
    """Check a visitor in or out without a code."""
    with store.write() as work:
        return check_ins.tap_visit(work, visit.id, way=way, override=override)


def take_back(store: Store, visit: Visit) -> Tap:
    """Undo the last tap of a visit."""
    with store.write() as work:
        return check_ins.undo(work, visit.id)


def reissue(store: Store, visit: Visit) -> Visit:
    """Register a visit anew."""
    with store.write() as work:
        return reissuing.reissue(work, visit.id)


def add_member(store: Store, location: Location, **texts: str) -> Member:
    """Add Ana Reyes, or the member of the texts, without a mail."""
    said = {"first_name": "Ana", "last_name": "Reyes", "email": "ana@example.com"} | texts
    with store.write() as work:
        return members.add_member(work, location, said, send_pin=False)


def seen(store: Store, location: Location, *, open_only: bool = False) -> list[str]:
    """The list of today, or of those in the building: "in Zoë Nguyễn"."""
    with store.read() as work:
        taps = list_taps(work, location, open_only=open_only)
    return [f"{tap.direction} {tap.name}" for tap in taps]


def table_of(store: Store) -> Table:
    """What a RADIUS server that follows the store holds of it now."""
    with store.read() as work:
        table = Table(work.keyring)
        table.apply(read_all(work, Horizon()), Horizon(), work.now)
    return table


def wifi(
    store: Store, visit: Visit, pin: str | None = None, *, table: Table | None = None
) -> Decision:
    """What a RADIUS server that follows the store decides for the visit's e-mail and PIN."""
    request = guests.request(
        Pap((pin or visit.pin).encode()), visit.login, nas=guests.nas(location=visit.location)
    )
    return decide(request, table or table_of(store), Guard(), store.clock())


def mails(store: Store, template: Template | None = None) -> list[tuple[str, int | None, str]]:
    """Template, visit and state of each mail in the outbox, in order."""
    with store.read() as work:
        rows = work.session.scalars(select(OutboxRow).order_by(OutboxRow.id))
        return [
            (row.template, row.visit_id, row.state)
            for row in rows
            if template is None or row.template == template.value
        ]


def at_once(*acts: Callable[[], Result]) -> list[Result | Exception]:
    """Let several desks act at the same moment; return the result or error of each, in order."""
    start = threading.Barrier(len(acts))
    got: list[Result | Exception | None] = [None] * len(acts)

    def run(number: int) -> None:
        start.wait(timeout=30)
        try:
            got[number] = acts[number]()
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            got[number] = error

    desks = [threading.Thread(target=run, args=[number]) for number in range(len(acts))]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    return [result for result in got if result is not None]
