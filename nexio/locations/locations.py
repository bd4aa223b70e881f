"""Locations: places with a reception desk, each with its own time zone and settings."""

from __future__ import annotations

import shlex
import unicodedata
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.input import reply_settings
from nexio.input.names import counted, parse_text, quoted
from nexio.input.zones import get_zone
from nexio.locations.location import Location as Location  # noqa: PLC0414 (others import it from here)
from nexio.locations.settings import Settings, as_words, changed, key_of
from nexio.store import audit, tables
from nexio.store.engine import Reading, Writing
from nexio.store.locking import get_locked
from nexio.store.tables import LocationRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nexio.input.reply_settings import Replies, ReplySetting

FIRST_NAME = "Main"
LONGEST_NAME = 60


def add_location(work: Writing, name: str, time_zone: str) -> Location:
    """Add a location with default settings.

    Raises:
        InvalidValue: the name or the zone cannot be used.
        Refused: the name is taken.
    """
    name = _parse_name(name)
    _refuse_taken(work, name)
    row = LocationRow(
        name=name,
        name_key=_key(name),
        time_zone=get_zone(time_zone).key,
        created_at=work.now,
        **asdict(Settings()),
    )
    work.session.add(row)
    work.session.flush()
    audit.record(work, "add", "location", row.id, {"name": name, "time_zone": row.time_zone})
    return location_of(row)


def add_first_location(work: Writing, name: str | None, time_zone: str) -> Location | None:
    """Add the location that a new store starts with; return None if it exists already.

    Raises:
        InvalidValue: the name or the zone cannot be used.
        Refused: there are locations, but none of that name.
    """
    if not list_locations(work):
        return add_location(work, name or FIRST_NAME, time_zone)
    if name is not None and find_location(work, name) is None:
        raise Refused(
            "the store has a first location already",
            "Add another one with: nexio location add NAME --timezone ZONE",
        )
    return None


def edit_location(
    work: Writing,
    location: Location,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    reply: Mapping[str, Sequence[ReplySetting]] | None = None,
) -> Location:
    """Rename a location, move it to another time zone, or change its reply attributes.

    The instants of visits do not change.

    Raises:
        InvalidValue: nothing to change, or a value that cannot be used.
        Refused: the name is taken, or there are too many attributes.
    """
    if name is None and time_zone is None and not reply:
        raise InvalidValue("nothing to change", "Give --name, --timezone or --reply.")
    row = get_locked(work.session, LocationRow, location.id)
    before = _auditable(row)
    if name is not None:
        name = _parse_name(name)
        if _key(name) != row.name_key:
            _refuse_taken(work, name)
        row.name, row.name_key = name, _key(name)
    if time_zone is not None:
        row.time_zone = get_zone(time_zone).key
    if reply:
        changed_reply = reply_settings.with_changes(reply_of(row) or (), reply)
        row.reply = reply_settings.written(changed_reply)
    after = _auditable(row)
    audit.record(work, "edit", "location", row.id, {"before": before, "after": after})
    return location_of(row)


def change_settings(
    work: Writing,
    location: Location,
    changes: dict[str, Any],
    *,
    insecure_pin_login: bool = False,
    insecure_short_pin: bool = False,
) -> Location:
    """Save settings, all or nothing; ``changes`` comes from ``settings.parse_changes``.

    Raises:
        Refused: a rule refuses it (see ``settings.changed``).
    """
    row = get_locked(work.session, LocationRow, location.id)
    old = location_of(row).settings
    new = changed(
        old,
        changes,
        insecure_pin_login=insecure_pin_login,
        insecure_short_pin=insecure_short_pin,
    )
    if not insecure_pin_login:
        _refuse_short_pins(work, location, old, new)
    for field in changes:
        setattr(row, field, getattr(new, field))
    before, after = as_words(old), as_words(new)
    keys = [key_of(field) for field in changes if getattr(old, field) != getattr(new, field)]
    if keys:
        details = {key: {"before": before[key], "after": after[key]} for key in keys}
        audit.record(work, "set", "location", row.id, details)
    return location_of(row)


def zone_for_entry(location: Location) -> ZoneInfo:
    """The zone for reading times that somebody types.

    Raises:
        Refused: the zone is unknown.
    """
    if not location.knows_its_zone:
        raise Refused(
            f"{location.name} has an unknown time zone {quoted(location.time_zone)}",
            "Set it with: nexio location edit NAME --timezone ZONE",
        )
    return location.zone


def list_locations(work: Reading) -> list[Location]:
    """All locations by name."""
    return list(_by_key(work).values())


def _by_key(work: Reading) -> dict[str, Location]:
    """All locations by the key of their name."""
    locations = {}
    for row in work.session.scalars(select(LocationRow).order_by(LocationRow.name_key)):
        locations[row.name_key] = location = location_of(row)
        if not location.knows_its_zone:
            work.bad_rows.report(row, "has an unknown time zone: its times are those of UTC")
        if location.reply is None:
            work.bad_rows.report(row, "has reply attributes that nobody can read: its NAS are out")
    return locations


def find_location(work: Reading, name: str) -> Location | None:
    """The location of that name, in any case, or None."""
    key = _key(name)
    row = work.session.scalar(select(LocationRow).where(LocationRow.name_key == key))
    return None if row is None else location_of(row)


def get_location(work: Reading, name: str | None) -> Location:
    """The location of that name, or the only one if no name is given.

    Raises:
        NotFound: no such location.
        InvalidValue: no name given and several to choose from, or none at all.
    """
    known = _by_key(work)
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name is not None and _key(name) in known:
        return known[_key(name)]
    names = [location.name for location in known.values()]
    if name is None:
        raise InvalidValue(
            "which location?" if names else "there is no location yet",
            f"Say --location with one of: {', '.join(names)}"
            if names
            else "Add one with: nexio init --location NAME --timezone ZONE",
        )
    raise NotFound(f"there is no location {name!r}", f"The locations are: {', '.join(names)}")


def find_only_location(work: Reading, name: str | None) -> Location | None:
    """The location of that name; without a name, the only one, or None if there are several.

    Raises:
        NotFound: no such location.
    """
    if name is not None:
        return get_location(work, name)
    known = list_locations(work)
    return known[0] if len(known) == 1 else None


def option_for(work: Reading, location: Location) -> str:
    """The ``--location`` option for a command in a hint, if there are several locations."""
    several = len(list_locations(work)) > 1
    return f" --location {shlex.quote(location.name)}" if several else ""


def lock_location(work: Writing, location: Location) -> Location:
    """Lock a location until this transaction ends, and return it as it is now.

    Registrations take turns: two at once would not count each other (R6, R9).
    """
    return location_of(get_locked(work.session, LocationRow, location.id))


def location_of(row: LocationRow) -> Location:
    """A row as a location that does not depend on the store."""
    return Location(
        **row.fields_of(Location) | {"reply": reply_of(row)},
        settings=Settings(**row.fields_of(Settings)),
    )


def reply_of(row: LocationRow | tables.NasRow) -> Replies | None:
    """The reply attributes of a row; None if they cannot be read."""
    try:
        return reply_settings.read(row.reply)
    except ValueError:
        return None


def _auditable(row: LocationRow) -> dict[str, object]:
    return {"name": row.name, "time_zone": row.time_zone, "reply": row.reply}


def _refuse_short_pins(work: Reading, location: Location, old: Settings, new: Settings) -> None:
    """R9: where the PIN alone logs in, older PINs must be as long as the settings say, too."""
    if new.wifi_login != "pin" or (old.wifi_login, old.pin_length) == ("pin", new.pin_length):
        return
    short = work.count(
        (tables.PinRow.location_id == location.id)
        & (tables.PinRow.length < new.pin_length)
        & (tables.PinRow.free_at.is_(None) | (tables.PinRow.free_at > work.now))
    )
    if short:
        raise Refused(
            f"{counted(short, 'PIN')} in use at {location.name} {'has' if short == 1 else 'have'}"
            f" fewer than {new.pin_length} digits",
            "Wait until their visits are over, or insist with --insecure-pin-login.",
        )


def _parse_name(name: str) -> str:
    name = parse_text(name, "location name", LONGEST_NAME)
    if not name:
        raise InvalidValue("the location has no name", "Give it one, such as 'Harbour House'.")
    return name


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


def _refuse_taken(work: Reading, name: str) -> None:
    if find_location(work, name):
        raise Refused(f"there is a location {name!r} already", "Choose another name.")
