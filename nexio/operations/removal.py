"""Removing a location with all that belongs to it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from nexio.errors import Refused
from nexio.input.names import counted
from nexio.locations.locations import list_locations, lock_location
from nexio.operations.housekeeping import forget_members, forget_visits
from nexio.store import audit
from nexio.store.groups import in_groups
from nexio.store.tables import (
    DeskRow,
    LocationRow,
    MemberRow,
    NasRow,
    Row,
    TabletRow,
    VisitRow,
    WifiSessionRow,
)

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """How much goes with a location."""

    visits: int
    members: int
    nas: int
    tablets: int
    desks: int

    @property
    def words(self) -> str:
        """Such as "12 past visits, 3 members, 1 NAS"; empty where there is nothing."""
        parts = [
            (self.visits, counted(self.visits, "past visit")),
            (self.members, counted(self.members, "member")),
            (self.nas, f"{self.nas} NAS"),
            (self.tablets, counted(self.tablets, "tablet")),
            (self.desks, counted(self.desks, "desk")),
        ]
        return ", ".join(words for number, words in parts if number)


def contents_of(work: Reading, location: Location) -> Contents:
    """What goes with a location, if it can be removed.

    Raises:
        Refused: it has visits that are not over, or there is no other location.
    """
    live = work.session.scalar(
        select(func.count(VisitRow.id)).where(
            VisitRow.location_id == location.id,
            VisitRow.deleted_at.is_(None),
            VisitRow.closes_at > work.now,
        )
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


def remove_location(work: Writing, location: Location) -> None:
    """Remove a location with its past visits, members, NAS, tablets, desks, mail and log.

    Raises:
        Refused: as of :func:`contents_of`.
    """
    lock_location(work, location)  # nobody registers a visitor meanwhile
    contents_of(work, location)
    visits = select(VisitRow.id).where(VisitRow.location_id == location.id)
    for group in in_groups(work.session.scalars(visits).all()):
        forget_visits(work, group)
    members = select(MemberRow.id).where(MemberRow.location_id == location.id)
    for group in in_groups(work.session.scalars(members).all()):
        forget_members(work, group)
    for nas in work.session.scalars(select(NasRow).where(NasRow.location_id == location.id)):
        work.session.delete(nas)
    # Of guests of other locations, who were on here.
    elsewhere = update(WifiSessionRow).where(WifiSessionRow.location_id == location.id)
    work.session.execute(elsewhere.values(location_id=None))
    work.session.flush()
    for table in reversed(Row.metadata.sorted_tables):
        if "location_id" in table.c:
            work.session.execute(delete(table).where(table.c.location_id == location.id))
    work.session.expire_all()
    work.session.delete(work.session.get_one(LocationRow, location.id))
    audit.record(work, "remove", "location", location.id, {"name": location.name})
