"""Checks a deployment: key, store, clock, PINs, NAS, mail, disk."""

from __future__ import annotations

import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import case, func, select

from nexio.clock import Clock
from nexio.configuration import Configuration
from nexio.errors import NexioError
from nexio.input.names import counted
from nexio.keys.key_file import load_keys
from nexio.keys.keyring import second_missing
from nexio.keys.ownership import load_trusted_keys
from nexio.locations.locations import Location, list_locations
from nexio.locations.settings import LONGEST_PIN
from nexio.network.nas import list_nas
from nexio.network.servers import clock_words, is_clock_off, measure_clock
from nexio.reception.guessing_limits import BOUND, odds
from nexio.reception.pin_days import fullest_day
from nexio.reception.pins import count_live
from nexio.store.engine import Reading, Store
from nexio.store.schema import HEAD
from nexio.store.tables import AuthEventRow, VisitRow

CLOCK_TOLERANCE = timedelta(seconds=5)
"""How far ahead of now the newest entry may be: servers' clocks differ by a few seconds."""

ROOM_FOR_PINS = 0.25
"""No more PINs are drawn when half of them are in use (R7); this warns long before."""

LEAST_FREE = 200 * 1024 * 1024
"""Octets of free disk space; less needs action."""

LOOKED_BACK = timedelta(days=7)

ENOUGH = 10
"""How many logins without a device cause a warning: a test or two do not."""

_MAC = "__:__:__:__:__:__"
"""LIKE pattern of a MAC address in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was checked, the result, and what to do if it is not well."""

    subject: str
    well: bool
    message: str
    advice: str = ""


def look_over(configuration: Configuration, clock: Clock) -> Iterator[Finding]:
    """Check everything that can be seen from the store's side, the deepest cause first."""
    key = _key(configuration)
    yield key
    try:
        store = Store.open(configuration, clock)
    except NexioError as error:
        if key.well:
            yield trouble("store", error)
    else:
        with closing(store):
            yield well("store", f"open, version {HEAD}")
            yield from _inside(store, configuration)
    yield _disk(configuration)


def _inside(store: Store, configuration: Configuration) -> Iterator[Finding]:
    """Check the contents of the store; an unreadable value is a finding, not the end."""
    try:
        with store.read() as work:
            yield from _nas_key(work, configuration)
            yield _clock(work, store.clock)
            yield from _pins(work)
            yield from _guessing(work)
            yield from _nas(work)
            yield _mail(work, configuration)
            yield from map(bad_row, work.bad_rows.lines)
    except NexioError as error:
        yield trouble("store", error)


def trouble(subject: str, error: NexioError) -> Finding:
    """An error as a finding."""
    return unwell(subject, str(error), error.advice)


def well(subject: str, message: str) -> Finding:
    """A finding that needs no action."""
    return Finding(subject=subject, message=message, well=True)


def unwell(subject: str, message: str, advice: str) -> Finding:
    """A finding that needs action."""
    return Finding(subject=subject, message=message, advice=advice, well=False)


def _key(configuration: Configuration) -> Finding:
    try:
        load_trusted_keys(configuration)
        keys = load_keys(configuration.key_file)
    except NexioError as error:
        return trouble("key", error)
    if len(keys.keys) > 1:
        return unwell(
            "key",
            f"{configuration.key_file} holds {len(keys.keys)} keys",
            "Old keys are needed no more after a change or a restore: nexio key rotate",
        )
    return well("key", f"{configuration.key_file}, closed to others")


def _nas_key(work: Reading, configuration: Configuration) -> Iterator[Finding]:
    """Check the second key, if there is one: servers need it, reception does not."""
    if work.keyring.second is None:
        return
    path, first = configuration.nas_key_file, configuration.key_file
    if work.keyring.lacks_second:
        if work.keyring.absent is None:
            why = f"{path} is not for this user"
        elif _has_servers(work, configuration):
            yield trouble("NAS key", second_missing(work.keyring.absent))
            return
        else:
            why = f"there is no file {path} on this machine"
        yield well("NAS key", f"{why}: enough for reception, not for servers")
        return
    status, other = path.stat(), first.stat()
    if status.st_mode & other.st_mode & stat.S_IRGRP and status.st_gid == other.st_gid:
        yield unwell(
            "NAS key",
            f"the group that may read {first} may read {path} as well",
            f"Let only the servers read it: chgrp GROUP {path}, or chmod 600 {path}",
        )
        return
    if len(load_keys(path).keys) > 1:
        advice = "Old keys are needed no more after a change or a restore: nexio key rotate"
        yield unwell("NAS key", f"{path} holds more than one key", advice)
        return
    yield well("NAS key", f"{path}, closed to others")


def _has_servers(work: Reading, configuration: Configuration) -> bool:
    """Whether servers run on this machine: with SQLite all do, else one has saved its table."""
    if work.session.connection().dialect.name == "sqlite":
        return True
    return any((configuration.home / "spool").glob("*.table"))


def _clock(work: Reading, clock: Clock) -> Finding:
    """Compare the clock with PostgreSQL's, and with the newest entries: time goes forward."""
    there = measure_clock(work, clock)
    advice = "Wi-Fi begins and ends by it: set it, and let NTP keep it (timedatectl)."
    if there is not None and is_clock_off(there):
        words = f"this machine's clock is {clock_words(there)} the database's"
        return unwell("clock", words, advice)
    newest = max(
        work.session.scalar(select(func.max(VisitRow.registered_at))) or work.now,
        work.session.scalar(select(func.max(AuthEventRow.at))) or work.now,
    )
    off = newest - work.now
    if off > CLOCK_TOLERANCE:
        return unwell(
            "clock",
            f"this machine's clock is off by {int(off.total_seconds())} seconds",
            advice,
        )
    return well("clock", "agrees with the store")


def _pins(work: Reading) -> Iterator[Finding]:
    for location in list_locations(work):
        length = location.settings.pin_length
        live, total = count_live(work, location, length), 10**length
        message = f"{live} of {total} are in use at {location.name}"
        if live <= total * ROOM_FOR_PINS:
            yield well("PINs", message)
        else:
            advice = f"Use longer ones: nexio settings set pin-length={length + 1}"
            yield unwell("PINs", message, advice)


def _guessing(work: Reading) -> Iterator[Finding]:
    """Check that the chance of guessing on a day is within the bound that PINs are drawn for."""
    for location in list_locations(work):
        fullest = fullest_day(work, location)
        if fullest is None:
            yield well("guessing", f"there is no PIN to guess at {location.name}")
            continue
        message = (
            f"a chance of {odds(fullest.chance)} a day at most at {location.name}"
            f" (on {fullest.day}, with {counted(fullest.pins, 'PIN')})"
        )
        if fullest.chance <= BOUND:
            yield well("guessing", message)
        else:
            yield unwell("guessing", message, _longer_pins(location, fullest.day))


def _longer_pins(location: Location, day: date) -> str:
    """Advise longer PINs.  One of today or tomorrow counts anyway: somebody may have tried it."""
    length = location.settings.pin_length + 1
    longer = f"nexio settings set pin-length={min(length, LONGEST_PIN)} makes new PINs longer"
    return (
        f"{odds(BOUND)} is the limit. {longer}; a reissue replaces short ones from the day after"
        f" tomorrow on: nexio visitor list --date {day}, nexio visitor reissue VISIT"
    )


def _nas(work: Reading) -> Iterator[Finding]:
    serving = Counter(nas.location.id for nas in list_nas(work))
    for location in list_locations(work):
        if count := serving[location.id]:
            yield well("NAS", f"{location.name} has {count}")
        elif location.settings.visitor_tokens:
            yield unwell(
                "NAS",
                f"no access point asks for the guests of {location.name}",
                "Add it with: nexio nas add NAME ADDRESS --location …",
            )
    for nas in list_nas(work):
        if not nas.takes_disconnects:
            message = f"{nas.name} ends no session when it is asked to (--disconnect none)"
            yield well("NAS", f"{message}: who is on stays until the end granted at the login")
    for name in nas_that_name_no_device(work):
        yield unwell(
            "NAS",
            f"{name} does not say which device asks",
            "Let it send the MAC address in Calling-Station-Id: without it, whoever guesses"
            " at a visit keeps all of that guest's devices out.",
        )


def nas_that_name_no_device(work: Reading) -> list[str]:
    """The NAS that sent no MAC address in Calling-Station-Id during the last week.

    There, the guard cannot distinguish one guest from another.
    """
    named = func.sum(case((AuthEventRow.device.like(_MAC), 1), else_=0))
    query = (
        select(AuthEventRow.nas)
        .where(AuthEventRow.at > work.now - LOOKED_BACK, AuthEventRow.location_id.is_not(None))
        .group_by(AuthEventRow.nas)
        .having(named == 0, func.count() >= ENOUGH)
        .order_by(AuthEventRow.nas)
    )
    return list(work.session.scalars(query))


def bad_row(line: str) -> Finding:
    """A line of :class:`~nexio.store.bad_rows.BadRows` as a finding."""
    advice = "Find all of them with 'nexio db check', and repair or remove them."
    return unwell("row", line, advice)


def _mail(work: Reading, configuration: Configuration) -> Finding:
    from nexio.mail.condition import look_at_mail  # noqa: PLC0415 (most importers do not need it)

    try:
        message = look_at_mail(work, configuration)
    except NexioError as error:
        return trouble("mail", error)
    return well("mail", message)


def _disk(configuration: Configuration) -> Finding:
    folder = next(
        each for each in (configuration.home, *configuration.home.parents) if each.exists()
    )
    free = shutil.disk_usage(folder).free
    message = f"{free // 1024**2} MiB free at {configuration.home}"
    if free < LEAST_FREE:
        return unwell(
            "disk",
            message,
            "Make room: a full disk stops registrations and loses decisions.",
        )
    return well("disk", message)
