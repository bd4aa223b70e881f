"""List guests whom the Wi-Fi refused and has not admitted since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from nexio.input.names import full_name
from nexio.store.tables import AuthEventRow, VisitRow

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading

MOST: Final = 500
"""Limit to the newest: somebody who guesses names may be refused under thousands of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A guest who was refused and has not been admitted since."""

    user_name: str
    """As sent, masked; may be empty."""

    device: str | None
    visit_id: int | None
    name: str | None
    """Name of the visitor; None if no visit is known, or it was erased."""

    nas: str
    reason: str
    """Of the last refusal."""

    at: datetime
    """Time of the last refusal."""

    count: int
    """Refusals of that name and device, including those before an accept in between."""


def list_refusals(
    work: Reading, location: Location, since: datetime, leave_out: Collection[str] = ()
) -> list[Refusal]:
    """The refusals since then at a location or at an unknown one, the latest first.

    Args:
        work: the read transaction.
        location: of the NAS.
        since: the earliest time.
        leave_out: reasons that are not about a guest.
    """
    here = (AuthEventRow.location_id == location.id) | AuthEventRow.location_id.is_(None)
    names = VisitRow.first_name, VisitRow.last_name
    columns = [getattr(AuthEventRow, name) for name in _COLUMNS]
    latest = func.max(AuthEventRow.at).label("at")
    rows = work.session.execute(
        select(*columns, latest, func.count(), *names)
        .join(VisitRow, VisitRow.id == AuthEventRow.visit_id, isouter=True)
        .where(AuthEventRow.at >= since, here, AuthEventRow.outcome == "reject")
        .where(AuthEventRow.reason.not_in(leave_out))
        .group_by(*columns, *names)
        .order_by(latest.desc())
        .limit(MOST)
    )
    people: dict[tuple[int | None, str, str | None], Refusal] = {}
    for *values, at, count, first_name, last_name in rows:
        name = None if first_name is None else full_name(first_name, last_name)
        known_values = dict(zip(_COLUMNS, values, strict=True))
        each = Refusal(**known_values, name=name, at=at, count=count)
        key = (each.visit_id, each.user_name.casefold(), each.device)
        known = people.setdefault(key, replace(each, count=0))
        people[key] = replace(known, count=known.count + each.count)
    visits = _last_accepts(work, since, AuthEventRow.visit_id)
    devices = _last_accepts(work, since, AuthEventRow.device)
    return [
        each
        for each in people.values()
        if not any(
            later is not None and later >= each.at
            for later in (visits.get(each.visit_id), devices.get(each.device))
        )
    ]


def _last_accepts(
    work: Reading, since: datetime, column: InstrumentedAttribute[Any]
) -> dict[Any, datetime]:
    """The last accept of each visit, or of each device."""
    latest = func.max(AuthEventRow.at)
    rows = work.session.execute(
        select(column, latest)
        .where(AuthEventRow.at >= since, AuthEventRow.outcome == "accept", column.is_not(None))
        .group_by(column)
    )
    return {key: at for key, at in rows}  # noqa: C416 (a row is a tuple to us, not to mypy)


_COLUMNS: Final = ("user_name", "device", "visit_id", "nas", "reason")
