"""``nexio person``."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click

from nexio.errors import NexioError, NotFound, Unreachable
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nexio.network.sessions import WifiSession
    from nexio.operations.people import Erased, Person
    from nexio.store.engine import Store
    from nexio_cli.terminal.json_types import ErasedJson, HeldJson

SETTLED = 1.0
"""Seconds in which no server of this machine has written anything about the person."""

PATIENCE = 5.0
"""Seconds to wait for that, and for access points to report the end of a session."""

PAUSE = 0.1


@click.group(cls=once.Group)
def command() -> None:
    """Export or erase all that is held about a person.

    EMAIL means all visits and members of this e-mail, at all locations, with what hangs on them:
    check-ins, devices, sessions, decisions, mail, guesses and the audit. Of a visitor without an
    e-mail, say the login.
    """


@command.command()
@click.argument("email")
@options.as_json
def export(email: str, *, as_json: bool) -> None:
    """Print all that is held about EMAIL as JSON, also without --json.

    PINs are not in it, nor what they are looked up by. The audit notes that somebody exported
    data, and not whose.
    """
    from nexio.operations.people import export_person, get_person

    del as_json
    with options.writing() as work:
        exported = export_person(work, get_person(work, email))
    output.print_json(cast("HeldJson", exported))


@command.command()
@click.argument("email")
@options.yes
@options.as_json
@click.pass_context
def erase(context: click.Context, email: str, *, yes: bool, as_json: bool) -> None:
    """Erase all that is held about EMAIL, for good.

    nexio revokes the PINs and tokens, asks access points to end the sessions, and then removes
    everything in one transaction. No mail goes out. Visits of others that the person registered
    as a member stay; where a host or a note of theirs names the person, it says (erased). The
    audit notes how much was erased, and not who. Somebody who is in the building is refused:
    check them out first.

    On SQLite it then writes the file anew, so that nothing is left in free pages or in the WAL;
    on PostgreSQL it vacuums. It does the same with what the servers of this machine keep in the
    folder spool of NEXIO_HOME. At the end it says what remains, and where.

    Exit code 5 means that an access point has not said that a session is over: its next report
    brings the name back, so run it again then. It may always be run again.
    """
    from nexio.operations.people import (
        end_access,
        erase_person,
        get_person,
        open_sessions,
        refuse_inside,
    )
    from nexio.store.wiping import wipe

    with options.opened() as store:
        try:
            with store.read() as work:
                person = get_person(work, email)
                refuse_inside(work, person)
                on = open_sessions(work, person)
        except NotFound:
            if yes:  # perhaps the files could not be written anew the last time
                wipe(store.engine)
            raise
        options.confirm(_question(person, on), yes=yes)
        with store.write() as work:
            on = end_access(work, person)
        _disconnect(store, on)
        still_on = _still_on(store, person)
        remains = _erase_spools(person)
        with store.write() as work:
            erased = erase_person(work, get_person(work, email))
        remains = [*wipe(store.engine), *remains, *_elsewhere()]
    _print(erased, still_on, remains, as_json=as_json)
    if still_on:
        context.exit(Unreachable.exit_code)


def _question(person: Person, on: Sequence[WifiSession]) -> str:
    from nexio.input.names import counted

    parts = [counted(len(person.visits), "visit"), counted(len(person.members), "member")]
    if on:
        parts.append(f"{counted(len(on), 'session')} on the Wi-Fi now")
    return f"Erase all about {person.email} for good ({', '.join(parts)})?"


def _disconnect(store: Store, sessions: Sequence[WifiSession]) -> None:
    """Ask the access points, once each; a server may have asked at the same moment."""
    from nexio.network.endings import record_disconnect
    from nexio.network.nas import list_nas
    from nexio.network.sessions import name_as_sent
    from radius_auth.disconnecting.disconnect import attributes_of, disconnect, peer_of
    from radius_auth.disconnecting.ending import TIMEOUT

    for session in sessions:
        with store.read() as work:
            entries = list_nas(work)
            name = name_as_sent(work, session)
        with suppress(NexioError, OSError, ValueError):  # then it is still on, below
            peer = peer_of(entries, session, TIMEOUT)
            answer = disconnect(peer, attributes_of(session, name, store.clock()))
            with store.write() as work:
                record_disconnect(work, session.id, answer.outcome.value, answer.error_cause)


def _still_on(store: Store, person: Person) -> list[WifiSession]:
    """Wait for the reports of the ends; what is still open then."""
    from nexio.operations.people import open_sessions

    until = time.monotonic() + PATIENCE
    while True:
        with store.read() as work:
            on = open_sessions(work, person)
        acknowledged = [each for each in on if each.disconnect and each.disconnect.outcome == "ack"]
        if not acknowledged or time.monotonic() > until:
            return on
        time.sleep(PAUSE)


def _erase_spools(person: Person) -> list[str]:
    """Let the servers of this machine tell what they know, and erase what is left of it.

    Returns:
        What remains, in words.
    """
    from radius_auth.guard.host_journal import HostJournal, guard_path
    from radius_auth.recording.erasing import damaged_in, erase, remove_tables, spools_of

    home = options.configuration().home
    spools, remains = spools_of(home / "spool"), []
    _wait_for_spools(spools, person)
    for path in spools:
        try:
            remains += erase(path, person.is_about)
        except NexioError as error:
            remains.append(f"{error}; it may hold decisions about the person")
    try:
        remove_tables(home / "spool")
    except OSError as error:
        remains.append(f"{error.filename} cannot be removed ({error.strerror}): it has visits")
    if guard_path(home).exists():
        try:
            remains += HostJournal(guard_path(home)).erase(person.visits, person.devices)
        except NexioError as error:
            remains.append(f"{error}; it may hold devices of the person")
    return [*remains, *(f"nobody can say what is in {each}" for each in damaged_in(home / "spool"))]


def _wait_for_spools(spools: Sequence[Path], person: Person) -> None:
    from radius_auth.recording.erasing import holds

    started = held_at = time.monotonic()
    while spools and time.monotonic() < min(held_at + SETTLED, started + PATIENCE):
        with suppress(NexioError):  # said when it is erased
            if any(holds(path, person.is_about) for path in spools):
                held_at = time.monotonic()
        time.sleep(PAUSE)


def _elsewhere() -> list[str]:
    """Where else the person may be."""
    backups = sorted((options.configuration().home / "backups").glob("*.db"))
    named = f": {', '.join(map(str, backups))}" if backups else ""
    servers = (
        "servers on other machines: run 'nexio housekeeping' there, or remove the files in the"
        " folder spool of their NEXIO_HOME while they do not run"
    )
    sent = "mail that was sent, the logs of the system and of mail servers, and exported files"
    return [f"backups that were made before{named}", servers, sent]


def _print(
    erased: Erased, still_on: Sequence[WifiSession], remains: Sequence[str], *, as_json: bool
) -> None:
    counts: dict[str, Any] = asdict(erased)
    numbers = [each.id for each in still_on]
    shape = {**counts, "open_sessions": numbers, "remains": [*remains]}
    words = ", ".join(f"{name}: {count}" for name, count in counts.items())
    output.print_answer(cast("ErasedJson", shape), f"Erased. {words}.", as_json=as_json)
    for each in remains if not as_json else ():
        output.say(f"Not erased: {each}.")
    output.warn(
        f"{each.nas} has not said that the session S{each.id} is over: its next report brings the"
        " name back. Run this again when it is."
        for each in still_on
    )
