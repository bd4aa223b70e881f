"""``nexio session``."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from nexio.errors import NotFound, Refused, Unreachable
from nexio.input.durations import format_duration
from nexio.input.zones import show
from nexio_cli.terminal import finding, once, options, output
from nexio_cli.terminal.session_view import answer_words, end_words
from nexio_cli.terminal.shapes import session_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.locations.locations import Location
    from nexio.network.sessions import SessionFilter, WifiSession
    from nexio.store.engine import Reading
    from radius_auth.disconnecting.disconnect import DisconnectReply
    from radius_auth.protocol.pyrad_codec import Peer

HEADER = (
    *("session", "visitor", "e-mail", "device", "NAS", "since", "last heard"),
    *("time", "in", "out", "end"),
)

TIMEOUT = 3.0
"""Seconds after each of three transmissions."""

WATCHED_EVERY = 2.0
"""Seconds."""

_MINUTE = 60
_KILO, _UNITS = 1000, ("kB", "MB", "GB", "TB")


@click.group(cls=once.Group)
def command() -> None:
    """See who is on the Wi-Fi, and ask an access point to end a session."""


@command.command("list")
@click.argument("visit", metavar="[VISIT]", required=False)
@click.option("--open", "open_only", is_flag=True, help="Only those that are not over.")
@click.option("--watch", is_flag=True, help="On a terminal: show it anew every 2 seconds.")
@options.last
@click.option(
    "--after",
    metavar="ID",
    type=click.IntRange(1, options.LARGEST_ID),
    help="The sessions that began after that one; --limit shows the first of them.",
)
@options.location_or_all
@options.as_json
def list_(
    visit: str | None,
    last: int,
    after: int | None,
    location_name: str | None,
    *,
    open_only: bool,
    watch: bool,
    as_json: bool,
) -> None:
    """List sessions on the Wi-Fi in the order in which they began, as accounting reports them.

    VISIT is a number, or an e-mail for all visits of it, whatever became of them. "in" is what
    came from the device, "out" what went to it. A session without a visitor shows the
    User-Name: the access point did not give back the Class of the login. "in" and "out" are
    empty where it has not told any octets. A session whose access point has gone silent is
    closed as lost, or earlier by hand: see 'nexio session close'.
    """
    from nexio.network.sessions import SessionFilter

    if watch and (as_json or not sys.stdout.isatty()):
        raise click.UsageError("'--watch' is for a terminal, without '--json'.")

    def look() -> None:
        which = SessionFilter(open_only=open_only, limit=last, after=after)
        shown = _listed(visit, which, location_name)
        if watch:
            click.clear()
        output.print_list(
            shown,
            lambda each: session_json(*each),
            HEADER,
            lambda each: _row(*each),
            _nothing(visit, open_only=open_only),
            as_json=as_json,
            only_wide=("e-mail", "NAS", "last heard", "in", "out"),
        )

    look()
    with options.until_ctrl_c():
        while watch:
            time.sleep(WATCHED_EVERY)
            look()


def _nothing(visit: str | None, *, open_only: bool) -> str:
    if open_only:
        return "Nobody is on the Wi-Fi, as far as access points have told."
    if visit is not None:
        return f"{visit} has no sessions."
    return "No sessions. They come from access points that send accounting to port 1813."


def _listed(
    visit: str | None, which: SessionFilter, location_name: str | None
) -> list[tuple[WifiSession, Location | None]]:
    """Sessions, each with its location."""
    from nexio.locations.locations import get_location, list_locations
    from nexio.network.sessions import list_sessions

    with options.reading() as work:
        location = get_location(work, location_name) if location_name is not None else None
        if visit is None:
            which = replace(which, location=location)
        else:
            about = _about(work, visit, location_name)
            which = replace(which, visit_id=about.visit_id, email=about.email)
        sessions = list_sessions(work, which)
        places = {each.id: each for each in list_locations(work)}
    return [(session, places.get(session.location_id or 0)) for session in sessions]


@command.command()
@click.argument("which", metavar="[VISIT|SESSION]", required=False)
@click.option("--device", metavar="MAC", help="All open sessions of this device.")
@click.option("--nas", metavar="NAME", help="All open sessions at this NAS.")
@click.option(
    "--past-end",
    is_flag=True,
    help="All whose visitor may not be on any more; what nexio-radiusd does by itself.",
)
@click.option(
    "--watch", is_flag=True, help="With --past-end: go on until Ctrl-C, beside FreeRADIUS."
)
@click.option(
    "--timeout",
    default=TIMEOUT,
    show_default=True,
    type=click.FloatRange(0.01, 60),
    metavar="SECONDS",
    help="How long to wait after each of three transmissions.",
)
@options.location
@options.yes
@options.as_json
@click.pass_context
def disconnect(
    context: click.Context,
    which: str | None,
    timeout: float,
    location_name: str | None,
    *,
    device: str | None,
    nas: str | None,
    past_end: bool,
    watch: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask access points to end a session (S7), or all open ones of a visit, a device or a NAS.

    nexio sends a Disconnect-Request (RFC 5176) three times at most, and waits after each. Exit
    code 4 means that an access point refused, 5 that one did not answer. The session ends when
    its Accounting Stop arrives.

    The visitor can log in again: run 'nexio token revoke' first.
    """
    from nexio.locations.locations import list_locations
    from nexio.network.nas import list_nas
    from nexio.network.sessions import name_as_sent
    from radius_auth.disconnecting.disconnect import peer_of

    if len([each for each in (which, device, nas, past_end or None) if each is not None]) != 1:
        raise click.UsageError("Give one of VISIT, SESSION, '--device', '--nas' and '--past-end'.")
    if watch and not past_end:
        raise click.UsageError("'--watch' needs '--past-end'.")
    if past_end:
        context.exit(_exit_code(_end_by_itself(watch=watch, yes=yes, as_json=as_json)))
    which = which and _exactly(which, location_name)
    with options.reading() as work:
        sessions = _chosen(work, which, location_name) if which else _open_ones(work, device, nas)
        entries = list_nas(work)
        peers = [peer_of(entries, session, timeout) for session in sessions]
        names = [name_as_sent(work, session) for session in sessions]
        places = {each.id: each for each in list_locations(work)}
    options.confirm(f"End {_whose(sessions)}?", yes=yes)
    answers, shapes = [], []
    for session, peer, name in zip(sessions, peers, names, strict=True):
        answer, after = _ask(session, peer, name)
        answers.append(answer)
        shapes.append(session_json(after, places.get(after.location_id or 0)))
        if not as_json:
            output.print_headline(answer_words(after, answer.outcome, answer.error_cause, peer))
    if as_json:
        output.print_json(shapes)
    context.exit(_exit_code(answers))


@command.command()
@click.argument("which", metavar="VISIT|SESSION")
@options.location
@options.yes
@options.as_json
def close(which: str, location_name: str | None, *, yes: bool, as_json: bool) -> None:
    """Close a session (S7), or all open ones of a visit, that are over in truth.

    For an access point that is gone, or that never said that a session ended. Nothing is sent to
    it; where it reports the session again, the session is open again.
    """
    from nexio.locations.locations import list_locations
    from nexio.network.endings import close_session
    from nexio.network.sessions import sessions_of

    which = _exactly(which, location_name)
    with options.reading() as work:
        sessions = _chosen(work, which, location_name)
    options.confirm(f"Close {_whose(sessions)}?", yes=yes)
    with options.writing() as work:
        for each in sessions:
            close_session(work, each.id)
        work.session.flush()
        after = sessions_of(work, [each.id for each in sessions])
        places = {each.id: each for each in list_locations(work)}
    if as_json:
        output.print_json([session_json(each, places.get(each.location_id or 0)) for each in after])
    for each in () if as_json else after:
        output.print_headline(
            f"S{each.id} on {each.device or each.session_id} at {each.nas} is closed."
        )


def _is_session(which: str) -> bool:
    return which[:1] in {"S", "s"} and which[1:].isdecimal() and which.isascii()


def _exactly(which: str, location_name: str | None) -> str:
    """A session or a visit; a visit that is meant by a part of a name is confirmed first."""
    return which if _is_session(which) else finding.visit_to_change(which, location_name)


def _chosen(work: Reading, which: str, location_name: str | None) -> list[WifiSession]:
    """The session S7, or the open ones of a visit.

    Raises:
        NotFound: no such session or visit, or none of it is open.
        Refused: the session is over.
    """
    from nexio.network.sessions import get_session, list_sessions

    if _is_session(which):
        session = get_session(work, int(which[1:]))
        if session.ended_at is not None:
            raise Refused(f"the session S{session.id} is over", "There is nothing to end.")
        return [session]
    sessions = list_sessions(work, replace(_about(work, which, location_name), open_only=True))
    if not sessions:
        raise NotFound(f"{which} has no open session", f"See them with: nexio session list {which}")
    return sessions


def _about(work: Reading, which: str, location_name: str | None) -> SessionFilter:
    """The sessions of a visit, or of all visits of an e-mail, whatever became of them.

    Raises:
        NotFound: no such visit, and nobody was on by that name.
    """
    from nexio.network.sessions import SessionFilter, list_sessions
    from nexio.reception.visits import get_visit

    if "@" not in which:
        return SessionFilter(visit_id=finding.visit_to_show(work, which, location_name).id)
    about = SessionFilter(email=which)
    if not list_sessions(work, replace(about, limit=1)):
        get_visit(work, which, location_name)
    return about


def _open_ones(work: Reading, device: str | None, nas: str | None) -> list[WifiSession]:
    """The open sessions of a device or at a NAS.

    Raises:
        InvalidValue: no MAC address.
        NotFound: no such NAS, or nothing is open.
    """
    from nexio.network.nas import get_nas
    from nexio.network.sessions import SessionFilter, list_sessions

    if device is not None:
        mac = options.parse_mac(device)
        which, name = SessionFilter(device=mac, open_only=True), mac
    else:
        found = get_nas(work, nas or "")
        which, name = SessionFilter(nas_id=found.id, open_only=True), found.name
    sessions = list_sessions(work, which)
    if not sessions:
        raise NotFound(f"{name} has no open session", "See them with: nexio session list --open")
    return sessions


def _end_by_itself(*, watch: bool, yes: bool, as_json: bool) -> list[DisconnectReply]:
    """End what nexio-radiusd would end, once or for as long as nobody stops it."""
    from nexio.store.engine import Store
    from radius_auth.disconnecting.ending import Ended, SessionEnder

    ended: list[Ended] = []

    def tell(each: Ended) -> None:
        if not watch:
            ended.append(each)
        if not as_json:
            reply = each.reply
            about = (each.ending.session, reply.outcome, reply.error_cause, each.peer)
            output.print_headline(answer_words(*about))

    ender = SessionEnder(lambda: Store.open(options.configuration()), tell)
    options.confirm("End all sessions of visitors who may not be on any more?", yes=yes)
    if watch:
        with options.until_ctrl_c():
            ender.run()
    with options.opened() as store:
        ender.run_once(store)
    if as_json:
        _print_as_json([each.ending.session.id for each in ended])
    elif not ended:
        output.say("Nobody is on who may not be.")
    return [each.reply for each in ended]


def _print_as_json(numbers: Sequence[int]) -> None:
    from nexio.locations.locations import list_locations
    from nexio.network.sessions import get_session

    with options.reading() as work:
        places = {each.id: each for each in list_locations(work)}
        after = [get_session(work, number) for number in numbers]
    output.print_json([session_json(each, places.get(each.location_id or 0)) for each in after])


def _ask(
    session: WifiSession, peer: Peer, user_name: bytes | None
) -> tuple[DisconnectReply, WifiSession]:
    """Ask, outside of any transaction, and note what came of it."""
    from nexio.clock import utc_now
    from nexio.network.endings import record_disconnect
    from nexio.network.sessions import get_session
    from radius_auth.disconnecting.disconnect import attributes_of, disconnect

    answer = disconnect(peer, attributes_of(session, user_name, utc_now()))
    with options.writing() as work:
        record_disconnect(work, session.id, answer.outcome.value, answer.error_cause)
        work.session.flush()
        return answer, get_session(work, session.id)


def _exit_code(answers: Sequence[DisconnectReply]) -> int:
    from radius_auth.disconnecting.disconnect import DisconnectOutcome

    outcomes = {each.outcome for each in answers if not each.is_gone}
    if DisconnectOutcome.TIMEOUT in outcomes:
        return Unreachable.exit_code
    return Refused.exit_code if DisconnectOutcome.NAK in outcomes else 0


def _whose(sessions: Sequence[WifiSession]) -> str:
    who = sessions[0].name or sessions[0].user_name or sessions[0].device or "somebody"
    how_many = "the session" if len(sessions) == 1 else f"{len(sessions)} sessions"
    return f"{how_many} of {who}"


def _row(session: WifiSession, place: Location | None) -> list[str]:
    zone = place.zone if place is not None else ZoneInfo("UTC")
    return [
        f"S{session.id}",
        session.name or session.user_name,
        session.email or "",
        session.device or "",
        session.nas,
        show(session.started_at, zone),
        show(session.ended_at or session.heard_at, zone),
        _length(session.seconds),
        _traffic(session.octets_in),
        _traffic(session.octets_out),
        end_words(session, zone),
    ]


def _length(seconds: int) -> str:
    """Such as "45s", "10m" or "1d2h5m"."""
    if seconds < _MINUTE:
        return f"{seconds}s"
    return format_duration(timedelta(minutes=seconds // _MINUTE))


def _traffic(octets: int | None) -> str:
    """Such as "820 B", "1.5 MB" or "4.3 GB"; empty where the access point has not told."""
    if octets is None:
        return ""
    if octets < _KILO:
        return f"{octets} B"
    power = min(int(math.log10(octets)) // 3, len(_UNITS))
    return f"{octets / _KILO**power:.1f} {_UNITS[power - 1]}"
