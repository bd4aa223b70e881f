"""Find a visit or member by part of a name, if only one matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from nexio.errors import Refused
from nexio.input.names import full_name, quoted, search_key
from nexio.input.zones import show
from nexio.locations.locations import get_location
from nexio.reception.visits import (
    Visit,
    find_visits_by_email,
    get_visit,
    no_such_visit,
    visits_of,
)
from nexio.store.groups import in_groups
from nexio.store.planning import prefer_indexes
from nexio.store.tables import MemberRow, VisitRow, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nexio.locations.locations import Location
    from nexio.reception.members import Member
    from nexio.store.engine import Reading

LISTED: Final = 8
"""Number of matches that are listed; the rest is only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVisit:
    """A visit, and whether it was found by name, which is a guess."""

    visit: Visit
    by_name: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMember:
    """A member, and whether they were found by name, which is a guess."""

    member: Member
    by_name: bool


def look_for_visit(work: Reading, which: str, location_name: str | None) -> FoundVisit:
    """The visit with that number, e-mail or login; else the only one with that text in its name.

    By name, it finds only visits that are neither deleted nor over.

    Raises:
        NotFound: no such visit.
        Refused: there are several; the message lists them.
    """
    if parse_number(which) is None and "@" not in which:
        location = get_location(work, location_name)
        if not find_visits_by_email(work, location, which):
            found = find_visits_by_name(work, location, which)
            if not found:
                raise no_such_visit(f"of {quoted(which)}")
            return FoundVisit(visit=only_visit(found, which), by_name=True)
    return FoundVisit(visit=get_visit(work, which, location_name), by_name=False)


def find_visits_by_name(work: Reading, location: Location, words: str) -> list[Visit]:
    """The visits whose name contains the words, by arrival; only exact matches if there are any."""
    query = (
        select(VisitRow)
        .where(
            VisitRow.location_id == location.id,
            VisitRow.deleted_at.is_(None),
            VisitRow.closes_at > work.now,
        )
        .order_by(VisitRow.expected_arrival, VisitRow.id)
    )
    prefer_indexes(work.session)
    columns = VisitRow.id, VisitRow.first_name, VisitRow.last_name
    named = work.session.execute(query.with_only_columns(*columns))
    numbers = _matching(((number, full_name(*names)) for number, *names in named), words)
    rows = [
        row
        for group in in_groups(numbers)
        for row in work.session.scalars(query.where(VisitRow.id.in_(group)))
    ]
    return visits_of(work, rows)


def only_visit(found: list[Visit], which: str) -> Visit:
    """The only visit of the list.

    Raises:
        Refused: there are several; the message lists them.
    """
    if len(found) > 1:
        several = [
            f"{each.id} {each.name} ({show(each.expected_arrival, each.location.zone)})"
            for each in found
        ]
        raise _ambiguous(which, "visits", several)
    return found[0]


def look_for_member(work: Reading, which: str, location_name: str | None) -> FoundMember:
    """The member with that number or e-mail; else the only one with that text in their name.

    Raises:
        NotFound: no such member.
        Refused: there are several; the message lists them.
    """
    from nexio.reception import members  # noqa: PLC0415 (who looks for a visit needs none)

    number = parse_number(which)
    if number is not None:
        known = members.find_member(work, number)
    else:
        location = get_location(work, location_name)
        known = members.find_member_by_email(work, location, which)
        if known is None:
            return FoundMember(member=_member_by_name(work, location, which), by_name=True)
    if known is None:
        raise members.no_such_member(which)
    return FoundMember(member=known, by_name=False)


def is_member_alone(work: Reading, which: str, location_name: str | None) -> bool:
    """Whether an e-mail or a part of a name matches a member, and no visit."""
    from nexio.reception import members  # noqa: PLC0415 (who looks for a visit needs none)

    if parse_number(which) is not None:
        return False
    location = get_location(work, location_name)
    if find_visits_by_email(work, location, which) or find_visits_by_name(work, location, which):
        return False
    by_email = members.find_member_by_email(work, location, which) is not None
    return by_email or bool(_numbers_by_name(work, location, which))


def _member_by_name(work: Reading, location: Location, words: str) -> Member:
    from nexio.reception import members  # noqa: PLC0415 (who looks for a visit needs none)

    numbers = _numbers_by_name(work, location, words)
    found = [each for each in (members.find_member(work, number) for number in numbers) if each]
    if not found:
        raise members.no_such_member(words)
    if len(found) > 1:
        raise _ambiguous(words, "members", [f"{each.id} {each.name}" for each in found])
    return found[0]


def _numbers_by_name(work: Reading, location: Location, words: str) -> list[int]:
    columns = MemberRow.id, MemberRow.first_name, MemberRow.last_name
    here = MemberRow.location_id == location.id, MemberRow.removed_at.is_(None)
    named = work.session.execute(select(*columns).where(*here).order_by(MemberRow.id))
    return _matching(((number, full_name(*names)) for number, *names in named), words)


def _matching(names: Iterable[tuple[int, str]], words: str) -> list[int]:
    """The numbers of the names that contain the words, in any spelling; exact matches win.

    Compared in Python: the databases disagree on upper and lower case, each by its own locale.
    """
    wanted = " ".join(search_key(words).split())
    keys = [(number, search_key(name)) for number, name in names]
    found = [(number, key) for number, key in keys if wanted and wanted in key]
    whole = [number for number, key in found if key == wanted]
    return whole or [number for number, _ in found]


def _ambiguous(which: str, what: str, several: list[str]) -> Refused:
    more = len(several) - LISTED
    listed = several[:LISTED] + ([f"and {more} more"] if more > 0 else [])
    return Refused(f"{quoted(which)} fits several {what}: {', '.join(listed)}", "Say the number.")
