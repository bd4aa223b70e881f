"""The desks, which are browsers of reception: how one logs in, is recognised and is revoked.

The command line prints a link, which one browser exchanges for a credential.  The store keeps
digests of both only, so a copy of it logs nobody in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, delete, select

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.input.names import parse_text, search_key
from nexio.locations.locations import location_of
from nexio.store import audit
from nexio.store.signing import sign
from nexio.store.tables import DeskRow, LocationRow

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Writing

GOOD_FOR: Final = timedelta(minutes=10)
"""A link opens one browser within this time."""

LASTS: Final = timedelta(days=30)
"""A login ends this long after its link was made, in any case."""

IDLE: Final = timedelta(days=3)
"""It also ends this long after its page was last open: a weekend is shorter."""

SEEN_EVERY: Final = timedelta(minutes=1)
"""How often the store notes that a desk is still there."""

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A browser of reception, without its credential."""

    id: int
    name: str
    location: Location
    linked_at: datetime
    seen_at: datetime
    seen_from: str | None
    """The address of its last request."""

    @property
    def ends_at(self) -> datetime:
        """When it has to log in again, if its page stays open until then."""
        return self.linked_at + LASTS


def issue_link(work: Writing, location: Location, name: str | None = None) -> tuple[Desk, str]:
    """Make a link that lets one browser be a desk of a location.

    Returns:
        The desk, and the secret of its link, which only this call returns.

    Raises:
        InvalidValue: the name cannot be used.
        Refused: the name is taken.
    """
    work.session.execute(delete(DeskRow).where(~_is_good(work)))
    name = _free_name(work, location) if name is None else _own_name(work, name)
    secret = secrets.token_urlsafe(16)
    row = DeskRow(
        location=work.session.get_one(LocationRow, location.id),
        name=name,
        name_key=search_key(name),
        link_digest=_digest(work, "link", secret),
        linked_at=work.now,
        seen_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    audit.record(work, "link", "desk", row.id, {"name": name, "location": location.name})
    return _desk_of(row), secret


def open_link(work: Writing, secret: str, address: str) -> str | None:
    """Log a browser in with the secret of a link, which works once.

    Returns:
        The browser's credential; None if the link is not valid, or no longer.
    """
    link = DeskRow.link_digest == _digest(work, "link", secret)
    found = select(DeskRow).where(link, _is_good(work)).with_for_update(of=DeskRow)
    row = work.session.scalar(found)
    if row is None:
        return None
    credential = secrets.token_urlsafe(32)
    row.link_digest, row.credential_digest = None, _digest(work, "credential", credential)
    row.seen_at, row.seen_from = work.now, address
    audit.record(work, "open", "desk", row.id, {"name": row.name})
    return credential


def is_link(work: Reading, secret: str) -> bool:
    """Whether :func:`open_link` is worth a transaction."""
    link = DeskRow.link_digest == _digest(work, "link", secret)
    return work.session.scalar(select(DeskRow.id).where(link, _is_good(work))) is not None


def is_open(work: Reading, desk: Desk) -> bool:
    """Whether a desk that was found a moment ago is still logged in."""
    return work.session.scalar(select(DeskRow.id).where(DeskRow.id == desk.id)) is not None


def find_desk(work: Reading, credential: str) -> Desk | None:
    """The desk that holds a credential; None if the login has expired or was revoked."""
    held = DeskRow.credential_digest == _digest(work, "credential", credential)
    row = work.session.scalar(select(DeskRow).where(held, _is_good(work)))
    return None if row is None else _desk_of(row)


def note_seen(work: Writing, number: int, address: str) -> None:
    """Note that a desk made a request just now."""
    row = work.session.get(DeskRow, number)
    if row is not None:
        row.seen_at, row.seen_from = work.now, address


def was_seen_recently(desk: Desk, address: str, now: datetime) -> bool:
    """Whether :func:`note_seen` would add nothing new."""
    return now < desk.seen_at + SEEN_EVERY and desk.seen_from == address


def list_desks(work: Reading, location: Location | None = None) -> list[Desk]:
    """The logged-in desks of a location, or of all locations, by name."""
    query = select(DeskRow).where(DeskRow.link_digest.is_(None), _is_good(work))
    if location is not None:
        query = query.where(DeskRow.location_id == location.id)
    return [_desk_of(row) for row in work.session.scalars(query.order_by(DeskRow.name_key))]


def get_desk(work: Reading, name: str) -> Desk:
    """The desk of that name, even if nobody has opened its link yet.

    Raises:
        NotFound: there is none.
    """
    named = DeskRow.name_key == search_key(name)
    row = work.session.scalar(select(DeskRow).where(named, _is_good(work)))
    if row is None:
        raise NotFound(f"there is no desk {name!r}", "See: nexio desk list")
    return _desk_of(row)


def revoke_desk(work: Writing, desk: Desk) -> None:
    """Revoke a desk: its credential is invalid from now on."""
    work.session.execute(delete(DeskRow).where(DeskRow.id == desk.id))
    audit.record(work, "revoke", "desk", desk.id, {"name": desk.name})


def _is_good(work: Reading) -> ColumnElement[bool]:
    unopened = DeskRow.link_digest.is_not(None) & (DeskRow.linked_at > work.now - GOOD_FOR)
    in_use = (DeskRow.linked_at > work.now - LASTS) & (DeskRow.seen_at > work.now - IDLE)
    return unopened | (DeskRow.link_digest.is_(None) & in_use)


def _own_name(work: Reading, text: str) -> str:
    name = parse_text(text, "a desk's name", LONGEST_NAME)
    if not name:
        raise InvalidValue("a desk's name is empty", "Leave --name out, and it gets one.")
    if _is_taken(work, name):
        raise Refused(f"there is a desk {name!r} already", "Choose another name, or revoke it.")
    return name


def _free_name(work: Reading, location: Location) -> str:
    number = 1
    while _is_taken(work, name := f"{location.name} {number}"):
        number += 1
    return name


def _is_taken(work: Reading, name: str) -> bool:
    same = select(DeskRow.id).where(DeskRow.name_key == search_key(name))
    return work.session.scalar(same) is not None


def _digest(work: Reading, what: str, secret: str) -> bytes:
    return sign(work, f"desk {what} {secret}")


def _desk_of(row: DeskRow) -> Desk:
    return Desk(
        id=row.id,
        name=row.name,
        location=location_of(row.location),
        linked_at=row.linked_at,
        seen_at=row.seen_at,
        seen_from=row.seen_from,
    )
