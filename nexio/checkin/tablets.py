"""The tablets at the doors: how one is paired with its location, recognised and revoked.

A tablet has a secret and shows a code derived from it, which changes.  The desk types the code;
the tablet polls every few seconds and gets a credential in exchange.  So opening the page writes
nothing into the store, and a code is of no use to others who have seen it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.input.names import parse_text, search_key
from nexio.locations.locations import location_of
from nexio.store import audit
from nexio.store.signing import sign
from nexio.store.tables import LocationRow, TabletRow

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Writing

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 section 6.1: no vowels, so that it spells no word, and no letters that look alike."""

LENGTH: Final = 8
"""Letters of a code: 1 in 25,600,000,000."""

CHANGES: Final = timedelta(minutes=10)
"""How long a code is shown; it stays valid for as long again."""

OFFERED: Final = timedelta(seconds=30)
"""How long a tablet has to pick up the desk's offer; it polls every few seconds."""

SEEN_EVERY: Final = timedelta(minutes=1)
"""How often the store notes that a tablet is still there."""

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tablet:
    """A tablet, without its credential."""

    id: int
    name: str
    location: Location
    paired_at: datetime
    seen_at: datetime | None
    seen_from: str | None
    """The address of its last request."""


def new_secret() -> str:
    """A new secret or credential for a tablet: 256 bits."""
    return secrets.token_urlsafe(32)


def code_of(work: Reading, secret: str, *, before: int = 0) -> str:
    """The code that a tablet shows, such as ``WDJB-MJHT``.

    Args:
        work: the store, whose key signs the code: nobody can find another secret with that code.
        secret: of the tablet.
        before: 1 gives the code that it showed before this one.
    """
    number = int(work.now.timestamp() // CHANGES.total_seconds()) - before
    rest = int.from_bytes(sign(work, f"tablet code {number} {secret}"))
    letters = ""
    for _ in range(LENGTH):
        rest, letter = divmod(rest, len(LETTERS))
        letters += LETTERS[letter]
    return f"{letters[:4]}-{letters[4:]}"


def offer(work: Writing, location: Location, code: str, name: str | None = None) -> Tablet:
    """Offer a location to the tablet that shows a code; it has :data:`OFFERED` to answer.

    Raises:
        InvalidValue: not a code, or the name cannot be used.
        Refused: the name is taken.
    """
    code = parse_code(code)
    overdue = TabletRow.code.is_not(None) & (TabletRow.paired_at <= work.now - OFFERED)
    work.session.execute(delete(TabletRow).where(overdue | (TabletRow.code == code)))
    row = _new(work, location, name)
    row.code = code
    work.session.add(row)
    work.session.flush()
    return _tablet_of(row)


def withdraw(work: Writing, number: int) -> bool:
    """Take back an offer that no tablet has answered; return whether there was one."""
    row = work.session.get(TabletRow, number, with_for_update={"of": TabletRow})
    if row is None or row.code is None:
        return False
    work.session.delete(row)
    return True


def is_paired(work: Reading, number: int) -> bool:
    """Whether a tablet has answered an offer."""
    code = select(TabletRow.code.is_(None)).where(TabletRow.id == number)
    return bool(work.session.scalar(code))


def answer(work: Writing, secret: str) -> str | None:
    """Give a tablet its credential if the desk has typed the code that it shows.

    Returns:
        The credential, which only this call returns; None if the desk has not.
    """
    codes = [code_of(work, secret), code_of(work, secret, before=1)]
    since = TabletRow.paired_at > work.now - OFFERED
    offered = select(TabletRow).where(TabletRow.code.in_(codes), since)
    offered = offered.with_for_update(of=TabletRow)
    row = work.session.scalar(offered)
    if row is None:
        return None
    return _pair(work, row)


def pair_at_once(work: Writing, location: Location) -> str:
    """Pair another tablet with a location without a code, and return its credential."""
    return _pair(work, _new(work, location, None))


def is_offered(work: Reading, secret: str) -> bool:
    """Whether :func:`answer` is worth a transaction."""
    codes = [code_of(work, secret), code_of(work, secret, before=1)]
    return work.session.scalar(select(TabletRow.id).where(TabletRow.code.in_(codes))) is not None


def find_tablet(work: Reading, credential: str) -> Tablet | None:
    """The tablet that holds a credential; None if there is none, or it was revoked."""
    digest = _digest(work, credential)
    row = work.session.scalar(select(TabletRow).where(TabletRow.credential_digest == digest))
    return None if row is None else _tablet_of(row)


def note_seen(work: Writing, number: int, address: str) -> None:
    """Note that a tablet made a request just now."""
    row = work.session.get(TabletRow, number)
    if row is not None:
        row.seen_at, row.seen_from = work.now, address


def was_seen_recently(tablet: Tablet, address: str, now: datetime) -> bool:
    """Whether :func:`note_seen` would add nothing new."""
    at = tablet.seen_at
    return at is not None and now < at + SEEN_EVERY and tablet.seen_from == address


def list_tablets(work: Reading, location: Location | None = None) -> list[Tablet]:
    """The tablets of a location, or of all locations, by name."""
    query = select(TabletRow).where(TabletRow.code.is_(None)).order_by(TabletRow.name_key)
    if location is not None:
        query = query.where(TabletRow.location_id == location.id)
    return [_tablet_of(row) for row in work.session.scalars(query)]


def get_tablet(work: Reading, name: str) -> Tablet:
    """The tablet of that name.

    Raises:
        NotFound: there is none.
    """
    named = (TabletRow.name_key == search_key(name)) & TabletRow.code.is_(None)
    row = work.session.scalar(select(TabletRow).where(named))
    if row is None:
        raise NotFound(f"there is no tablet {name!r}", "See: nexio kiosk list")
    return _tablet_of(row)


def revoke_tablet(work: Writing, name: str) -> Tablet:
    """Revoke a tablet: its credential is invalid from now on.

    Raises:
        NotFound: there is none of that name.
    """
    tablet = get_tablet(work, name)
    work.session.execute(delete(TabletRow).where(TabletRow.id == tablet.id))
    audit.record(work, "revoke", "tablet", tablet.id, {"name": tablet.name})
    return tablet


def parse_code(text: str) -> str:
    """Read a code as somebody types it: in any case, with or without the dash.

    Raises:
        InvalidValue: it is not a code.
    """
    letters = "".join(each for each in text.upper() if each not in " -")
    if len(letters) != LENGTH or not set(letters) <= set(LETTERS):
        raise InvalidValue(
            "this is not the code of a tablet",
            "It is on the tablet's screen: eight letters, such as WDJB-MJHT.",
        )
    return f"{letters[:4]}-{letters[4:]}"


def _pair(work: Writing, row: TabletRow) -> str:
    credential = new_secret()
    row.code, row.credential_digest = None, _digest(work, credential)
    row.paired_at = work.now
    work.session.add(row)
    details = {"name": row.name, "location": row.location.name}
    work.session.flush()
    audit.record(work, "pair", "tablet", row.id, details)
    return credential


def _new(work: Writing, location: Location, name: str | None) -> TabletRow:
    name = _free_name(work, location) if name is None else _own_name(work, name)
    return TabletRow(
        location=work.session.get_one(LocationRow, location.id),
        name=name,
        name_key=search_key(name),
        paired_at=work.now,
    )


def _own_name(work: Reading, text: str) -> str:
    name = parse_text(text, "a tablet's name", LONGEST_NAME)
    if not name:
        raise InvalidValue("a tablet's name is empty", "Leave --name out, and it gets one.")
    if _is_taken(work, name):
        raise Refused(f"there is a tablet {name!r} already", "Choose another name.")
    return name


def _free_name(work: Reading, location: Location) -> str:
    number = 1
    while _is_taken(work, name := f"{location.name} {number}"):
        number += 1
    return name


def _is_taken(work: Reading, name: str) -> bool:
    same = select(TabletRow.id).where(TabletRow.name_key == search_key(name))
    return work.session.scalar(same) is not None


def _digest(work: Reading, credential: str) -> bytes:
    return sign(work, f"tablet credential {credential}")


def _tablet_of(row: TabletRow) -> Tablet:
    return Tablet(
        id=row.id,
        name=row.name,
        location=location_of(row.location),
        paired_at=row.paired_at,
        seen_at=row.seen_at,
        seen_from=row.seen_from,
    )
