"""Removes a location with all that belongs to it."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from nexio.errors import Refused
from nexio.input.names import counted
from nexio.locations.locations import list_locations, lock_location
from nexio.network.event_log import newest_event
from nexio.operations.pruning import forget_members, forget_visits, prune, prune_visits, rest
from nexio.store import audit
from nexio.store.groups import LARGEST_GROUP, in_groups
from nexio.store.tables import (
    AuthEventRow,
    CheckInRow,
    DeskRow,
    GuardActRow,
    LocationRow,
    MemberRow,
    NasRow,
    Row,
    TabletRow,
    VisitRow,
    WifiSessionRow,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Store, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """How much is deleted with a location."""

    visits: int
    members: int
    nas: int
    tablets: int
    desks: int

    @property
    def words(self) -> str:
        """Such as "12 past visits, 3 members, 1 NAS"; empty if there is nothing."""
        parts = [
            (self.visits, counted(self.visits, "past visit")),
            (self.members, counted(self.members, "member")),
            (self.nas, f"{self.nas} NAS"),
            (self.tablets, counted(self.tablets, "tablet")),
            (self.desks, counted(self.desks, "desk")),
        ]
        return ", ".join(words for number, words in parts if number)


def _is_live(work: Reading) -> ColumnElement[bool]:
    return VisitRow.deleted_at.is_(None) & (VisitRow.closes_at > work.now)


def contents_of(work: Reading, location: Location) -> Contents:
    """What is deleted with a location, if it can be removed.

    Raises:
        Refused: it has visits that are not over, or there is no other location.
    """
    live = work.session.scalar(
        select(func.count(VisitRow.id)).where(VisitRow.location_id == location.id, _is_live(work))
    )
    if live:
        are = "visit is" if live == 1 else "visits are"
        raise Refused(
            f"{live} {are} not over at {location.name}",
            "Wait, or delete them; see: nexio visitor list --location"
            f" {shlex.quote(location.name)}",
        )
    if len(list_locations(work)) == 1:
        raise Refused(
            f"{location.name} is the only location",
            "Add the other one first: nexio location add NAME --timezone ZONE",
        )

    def count(table: type[Row]) -> int:
        here = table.__table__.c.location_id == location.id
        return work.session.scalar(select(func.count()).select_from(table).where(here)) or 0

    return Contents(
        visits=count(VisitRow),
        members=count(MemberRow),
        nas=count(NasRow),
        tablets=count(TabletRow),
        desks=count(DeskRow),
    )


def remove_location(store: Store, location: Location) -> None:
    """Remove a location with its past visits, members, NAS, tablets, desks, mail and log.

    Tables that may have many rows come first, a few rows in each transaction, so that other
    locations need not wait.  If that is interrupted, the location still exists.

    Raises:
        Refused: as :func:`contents_of`.
    """
    with store.read() as look:
        contents_of(look, location)
        newest = newest_event(look)
    here = location.id
    prune_visits(store, lambda work: (VisitRow.location_id == here) & ~_is_live(work))
    prune(store, AuthEventRow, AuthEventRow.id, lambda _: AuthEventRow.location_id == here)
    prune(store, GuardActRow, GuardActRow.id, lambda _: GuardActRow.location_id == here)
    of_members = (CheckInRow.location_id == here) & CheckInRow.member_id.is_not(None)
    prune(store, CheckInRow, CheckInRow.in_at, lambda _: of_members)
    while _keep_sessions_elsewhere(store, here):
        pass
    with store.write() as work:
        _remove_the_rest(work, location, decided_after=newest)


def _keep_sessions_elsewhere(store: Store, here: int) -> int:
    """Take the location out of a batch of sessions here of guests of other locations.

    Returns:
        The number of sessions; 0 when there are no more.
    """
    began = time.monotonic()
    with store.write() as work:
        some = select(WifiSessionRow.id).where(WifiSessionRow.location_id == here)
        some = some.limit(LARGEST_GROUP)
        theirs = update(WifiSessionRow).where(WifiSessionRow.id.in_(some))
        changed = work.session.connection().execute(theirs.values(location_id=None)).rowcount
    rest(began)
    return changed


def _remove_the_rest(work: Writing, location: Location, decided_after: int) -> None:
    """Delete everything that is left, in one transaction."""
    lock_location(work, location)  # nobody registers a visitor meanwhile
    contents_of(work, location)
    visits = select(VisitRow.id).where(VisitRow.location_id == location.id)
    for group in in_groups(work.session.scalars(visits).all()):
        forget_visits(work, group, decided_after=decided_after)
    members = select(MemberRow.id).where(MemberRow.location_id == location.id)
    for group in in_groups(work.session.scalars(members).all()):
        forget_members(work, group)
    for nas in work.session.scalars(select(NasRow).where(NasRow.location_id == location.id)):
        work.session.delete(nas)
    here = update(WifiSessionRow).where(WifiSessionRow.location_id == location.id)
    work.session.execute(here.values(location_id=None))
    work.session.flush()
    for table in reversed(Row.metadata.sorted_tables):
        if "location_id" in table.c:
            of_it = table.c.location_id == location.id
            if table is AuthEventRow.__table__:
                of_it &= table.c.id > decided_after  # there is no index for the older ones
            work.session.execute(delete(table).where(of_it))
    work.session.expire_all()
    work.session.delete(work.session.get_one(LocationRow, location.id))
    audit.record(work, "remove", "location", location.id, {"name": location.name})
