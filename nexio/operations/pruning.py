"""Deletes many rows, a few in each transaction, so that nobody waits for long.

The rows are searched in transactions that only read: those may take long.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, delete, inspect, select, true, update

from nexio.network.event_log import newest_event
from nexio.network.session_updates import wait_for_accounting
from nexio.store.batches import batch_of
from nexio.store.groups import in_groups
from nexio.store.tables import (
    AccessTokenRow,
    AuditRow,
    AuthEventRow,
    CheckInRow,
    DeviceRow,
    GuardActRow,
    MemberPassRow,
    MemberRow,
    OutboxRow,
    PassCodeRow,
    PinRow,
    RemovedRow,
    Row,
    VisitRow,
    WifiSessionRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute

    from nexio.store.engine import Reading, Store, Writing

    Which = Callable[[Reading], ColumnElement[bool]]
    """The rows to delete, as of the time of a transaction."""

FOUND_AT_ONCE: Final = 10_000
"""Rows per search: their numbers are held in memory."""

VISITS_PER_TRANSACTION: Final = 100
"""A visit has rows in ten other tables."""

EACH: Final = true()
"""No further condition: all given rows."""

LONGEST_REST: Final = 0.1
"""Seconds of pause after each transaction: other writers to SQLite get a turn."""


def prune(store: Store, table: type[Row], by: InstrumentedAttribute[Any], which: Which) -> int:
    """Delete rows of a table, a few in each transaction.

    Args:
        store: the store.
        table: of the rows; each has a number.
        by: a column with an index; rows are deleted in its order.
        which: evaluated again in each transaction that deletes.

    Returns:
        The number of deleted rows.
    """
    (number,) = inspect(table).primary_key
    count, seen = 0, None
    while True:
        with store.read() as look:
            query = select(number, by).where(which(look))
            query = query if seen is None else query.where(by >= seen)
            found = look.session.execute(query.order_by(by).limit(FOUND_AT_ONCE)).all()
        for group in in_groups([row[0] for row in found]):
            began = time.monotonic()
            with store.write() as work:
                gone = delete(table).where(number.in_(group), which(work))
                count += work.session.connection().execute(gone).rowcount
            rest(began)
        if len(found) < FOUND_AT_ONCE:
            return count
        seen = found[-1][1]


def prune_visits(store: Store, which: Which) -> int:
    """Delete visits with everything that refers to them; return their number."""
    count = 0
    while True:
        with store.read() as look:
            past = select(VisitRow.id).where(which(look)).order_by(VisitRow.id)
            visits = look.session.scalars(past.limit(FOUND_AT_ONCE)).all()
            newest = newest_event(look)
            decisions = _decisions_of(look, past.limit(FOUND_AT_ONCE)) if visits else {}
        for start in range(0, len(visits), VISITS_PER_TRANSACTION):
            began = time.monotonic()
            with store.write() as work:
                these = visits[start : start + VISITS_PER_TRANSACTION]
                group = forget_visits(work, these, which(work), decided_after=newest)
                for numbers in in_groups(
                    [each for visit in group for each in decisions.get(visit, ())]
                ):
                    work.session.execute(delete(AuthEventRow).where(AuthEventRow.id.in_(numbers)))
            count += len(group)
            rest(began)
        if len(visits) < FOUND_AT_ONCE:
            return count


def _decisions_of(work: Reading, visits: Select[int]) -> dict[int | None, list[int]]:
    """The numbers of the decisions about each visit, found in one search: there is no index."""
    decisions: defaultdict[int | None, list[int]] = defaultdict(list)
    of_visits = select(AuthEventRow.visit_id, AuthEventRow.id)
    for visit, number in work.session.execute(of_visits.where(AuthEventRow.visit_id.in_(visits))):
        decisions[visit].append(number)
    return decisions


def rest(began: float) -> None:
    """Let others write for as long as a transaction that began then has taken."""
    time.sleep(min(time.monotonic() - began, LONGEST_REST))


def forget_visits(
    work: Writing,
    visits: Sequence[int],
    which: ColumnElement[bool] = EACH,
    *,
    decided_after: int = 0,
) -> Sequence[int]:
    """Delete visits with everything that refers to them.

    It waits for transactions that write about one of them at this moment, and they wait for it.
    Locks are taken in the same order as everywhere, so that nothing deadlocks: accounting, visits
    as the desk does, tokens as the code that gives a device its slot.

    Args:
        work: the transaction; it must not have changed a Wi-Fi session before.
        visits: their numbers.
        which: only those of them.
        decided_after: decisions about them up to this number are deleted elsewhere.

    Returns:
        The numbers of the deleted visits.
    """
    wait_for_accounting(work)
    them = select(VisitRow.id).where(VisitRow.id.in_(visits), which).order_by(VisitRow.id)
    visits = work.session.scalars(them.with_for_update(of=VisitRow, key_share=True)).all()
    if not visits:
        return visits
    tokens = select(AccessTokenRow.id).where(AccessTokenRow.visit_id.in_(visits))
    work.session.execute(tokens.order_by(AccessTokenRow.visit_id).with_for_update()).all()
    batch = batch_of(work.session)
    work.session.add_all(RemovedRow(kind="visit", object_id=id_, batch=batch) for id_ in visits)
    replaced = update(VisitRow).where(VisitRow.replaces_id.in_(visits))
    work.session.execute(replaced.values(replaces_id=None))
    # Sessions before the tokens that they refer to.
    hanging = (
        WifiSessionRow, AccessTokenRow, PinRow, CheckInRow, OutboxRow, GuardActRow, DeviceRow,
    )  # fmt: skip
    for table in hanging:
        work.session.execute(delete(table).where(table.visit_id.in_(visits)))
    decided = AuthEventRow.visit_id.in_(visits) & (AuthEventRow.id > decided_after)
    work.session.execute(delete(AuthEventRow).where(decided))
    of_visits = (AuditRow.subject == "visit") & AuditRow.subject_id.in_(visits)
    work.session.execute(delete(AuditRow).where(of_visits))
    work.session.execute(delete(VisitRow).where(VisitRow.id.in_(visits)))
    return visits


def forget_members(work: Writing, members: Sequence[int]) -> None:
    """Delete members whom no visit names as its host, with everything that refers to them."""
    about_passes = (AuditRow.subject == "pass") & AuditRow.details["member"].as_integer().in_(
        members
    )
    of_members = (AuditRow.subject == "member") & AuditRow.subject_id.in_(members)
    work.session.execute(delete(AuditRow).where(of_members | about_passes))
    passes = select(MemberPassRow.id).where(MemberPassRow.member_id.in_(members))
    work.session.execute(delete(PassCodeRow).where(PassCodeRow.pass_id.in_(passes)))
    for table in (MemberPassRow, PinRow, CheckInRow, OutboxRow):
        work.session.execute(delete(table).where(table.member_id.in_(members)))
    work.session.execute(delete(MemberRow).where(MemberRow.id.in_(members)))
