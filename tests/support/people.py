"""Visitors, tokens and settings in one line each."""

from __future__ import annotations

import io
from contextlib import closing
from itertools import chain, repeat
from typing import TYPE_CHECKING

from nexio.locations import locations
from nexio.locations.settings import parse_changes
from nexio.reception.importing import Wishes, import_visits
from nexio.reception.registration import Repetition
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import read_registration
from nexio.reception.tokens import revoke_token
from nexio.reception.visits import delete_visit, find_visit
from nexio.store.engine import Store
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
