"""Visitors, tokens and settings in one line each."""

from __future__ import annotations

import io
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, LargeBinary, Text, cast, insert, literal, select
from sqlalchemy.orm import Session

from nexio.locations import locations
from nexio.locations.settings import parse_changes
from nexio.reception.importing import Wishes, import_visits
from nexio.reception.registration import Repetition
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import read_registration
from nexio.reception.tokens import revoke_token
from nexio.reception.visits import delete_visit, find_visit
from nexio.store.columns import Instant
from nexio.store.engine import Store
from nexio.store.tables import MemberRow, PinRow
from tests.support.clocks import Clock
from tests.support.reception import Blind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit


def register(
    store: Store,
    location: Location,
    *,
    email: str = "zoe@example.com",
    arrival: str = "now",
    **texts: str,
) -> Visit:
    """Register a visitor by the location's present settings, also the same one again.

    Args:
        store: the store.
        location: the desk's.
        email: the visitor's address.
        arrival: as people say it: "now", "14:00", "tomorrow 9am".
        texts: other arguments of ``read_registration``: ``first_name``, ``host``, ``pin``, …
    """
    said = {"first_name": "Zoë", "last_name": "Nguyễn", "email": email} | texts
    with store.write() as work:
        at = locations.get_location(work, location.name)
        said["expected_arrival"] = arrival
        found = read_registration(said, work.now, at)
        return register_visitor(work, at, found, Repetition(again=True))


def register_many(
    store: Store, location: Location, number: int, arrival: str = "now", pins: Iterable[str] = ()
) -> list[Visit]:
    """Register visitors 0, 1, 2, … in one transaction, as a file is imported.

    Args:
        store: the store.
        location: the desk's.
        number: how many.
        arrival: as for :func:`register`.
        pins: of each, or drawn.
    """
    rows = [
        f"Zoë,N,visitor{each}@example.com,{arrival},{pin}"
        for each, pin in zip(range(number), chain(pins, repeat("")), strict=False)
    ]
    file = io.BytesIO("\n".join(["first name,last name,email,arrival,pin", *rows]).encode())
    imported = import_visits(store, location.name, file, Wishes(), Blind())
    assert len(imported.visits) == number, imported
    with store.read() as work:
        found = [find_visit(work, visit) for visit in imported.visits]
    return [visit for visit in found if visit]


def hold_pins(store: Store, location: Location, first: int, last: int) -> None:
    """Give new members a PIN of five digits each; on any engine in two statements."""
    count = select(literal(first).label("i")).cte("count", recursive=True)
    count = count.union_all(select(count.c.i + 1).where(count.c.i < last))
    member: dict[str, Any] = {
        "id": count.c.i,
        "location_id": literal(location.id),
        "first_name": literal("A"),
        "last_name": literal("B"),
        "email": literal("a@example.com"),
        "email_key": cast(count.c.i, Text),
        "pin_sealed": literal(b"sealed"),
        "created_at": literal(datetime(2026, 1, 1, tzinfo=UTC), Instant()),
    }
    pin: dict[str, Any] = {
        "location_id": literal(location.id),
        "digest": cast(cast(count.c.i, Text), LargeBinary),
        "length": literal(5, Integer),
        "member_id": count.c.i,
    }
    with Session(store.engine) as session:
        session.execute(insert(MemberRow).from_select(list(member), select(*member.values())))
        session.execute(insert(PinRow).from_select(list(pin), select(*pin.values())))
        session.commit()


def look_up(store: Store, visit: Visit) -> Visit:
    """The visit as the store has it now."""
    with store.read() as work:
        found = find_visit(work, visit.id)
    assert found is not None
    return found


def add_location(store: Store, name: str, zone: str = "Europe/London", *words: str) -> Location:
    """A location with some settings, such as ``"visitor-tokens=on"``."""
    with store.write() as work:
        location = locations.add_location(work, name, zone)
    return set_up(store, location, *words) if words else location


def add_harbour_house(configuration: Configuration) -> Location:
    """Harbour House: Europe/London, a token of 60 minutes for every pre-registered visitor."""
    with closing(Store.open(configuration, Clock())) as store:
        return add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")


def set_up(
    store: Store,
    location: Location,
    *words: str,
    insecure_pin_login: bool = False,
    insecure_short_pin: bool = False,
) -> Location:
    """Save settings as the command line does: ``set_up(store, location, "pin-length=8")``."""
    with store.write() as work:
        return locations.change_settings(
            work,
            location,
            parse_changes(words),
            insecure_pin_login=insecure_pin_login,
            insecure_short_pin=insecure_short_pin,
        )


def revoke(store: Store, visit: Visit) -> None:
    """End the token of a visit."""
    with store.write() as work:
        revoke_token(work, visit.id)


def delete(store: Store, visit: Visit) -> Visit:
    """Cancel a visit."""
    with store.write() as work:
        return delete_visit(work, visit.id)
