"""Sessions on the Wi-Fi in words: how they ended, and what access points answered."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.input.durations import words_for
from nexio.input.names import counted
from nexio_cli.terminal import options, output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nexio.network.sessions import Disconnect, WifiSession
    from nexio.store.engine import Reading
    from radius_auth.protocol.pyrad_codec import Peer

PATIENCE = 6.0
"""Seconds: a server notices within one, and gives up on an access point after 4.5."""

MOST_LINES = 5
"""For more sessions than that, only numbers are shown."""

_LOOKS_EVERY = 0.2
_JUST_NOW = timedelta(seconds=5)
"""A server may have asked before the command reads the store."""

_ENDS = {
    "accounting-on": "the access point restarted",
    "accounting-off": "the access point was turned off",
    "reuse": "its number was used again",
    "gone": "the access point has it no more",
    "lost": "not heard of any more",
    "closed": "closed by hand",
}

_WHY = {"ended": "time over", "not yet": "moved"}
"""Reasons that have another wording once somebody is on."""

_BY_USER = 1
"""Acct-Terminate-Cause User-Request (RFC 2866 section 5.10)."""

_BY_ADMINISTRATOR = 6
"""Admin-Reset: some say so although their ACK was lost."""

_CLOCK_MATTERS = timedelta(seconds=60)
"""NAS drop a request whose Event-Timestamp differs by so much or, more often, by 300 s."""


def end_words(session: WifiSession, zone: ZoneInfo) -> str:
    """How a session ended, or the answer to the request to end it."""
    asked = session.disconnect
    if session.ended_by == "stop":
        if asked is not None and _is_ours(asked, session):
            return f"{_why(asked, zone)}disconnected"
        return cause_words("Acct-Terminate-Cause", session.terminate_cause)
    if asked is None:
        return "open" if session.ended_by is None else _ENDS[session.ended_by]
    if session.ended_by is not None:
        return _why(asked, zone) + _ENDS[session.ended_by]
    return f"open, {_why(asked, zone)}{_answer(asked, session)}"


def _is_ours(asked: Disconnect, session: WifiSession) -> bool:
    """Whether it ended because we asked."""
    from nexio.network.endings import is_gone

    if asked.outcome == "ack":
        return session.terminate_cause != _BY_USER
    because: set[int | None] = {_BY_ADMINISTRATOR}
    if is_gone(asked.outcome, asked.error_cause):  # its ACK was lost
        because.add(None)
    return session.terminate_cause in because


def _why(asked: Disconnect, zone: ZoneInfo) -> str:
    if asked.reason is None:  # asked by an older version
        return ""
    return f"{_WHY.get(asked.reason, asked.reason)} at {asked.since.astimezone(zone):%H:%M}, "


def answer_words(
    session: WifiSession, outcome: str, error_cause: int | None, peer: Peer | None
) -> str:
    """A sentence with the access point's answer to the request to end a session.

    Args:
        session: which.
        outcome: ``ack``, ``nak`` or ``timeout``.
        error_cause: Error-Cause of its answer.
        peer: the NAS that was asked; None if it has no entry any more.
    """
    from nexio.network.endings import is_gone

    name = f"S{session.id} on {session.device or session.session_id} at {session.nas}"
    bare = peer is not None and peer.bare_nak_is_gone
    if is_gone(outcome, error_cause, bare_nak_is_gone=bare):
        return f"{name}: the access point has no such session any more. It is over."
    if outcome == "ack":
        return f"{name}: the access point ends it. It is over when accounting says so."
    if outcome == "nak":
        return f"{name}: refused by the access point, {cause_words('Error-Cause', error_cause)}."
    return f"{name}: {silence_words(session, peer)}"


def silence_words(session: WifiSession, peer: Peer | None) -> str:
    """Who does not answer, and the likely cause."""
    if peer is None:
        return (
            f"nobody could be asked, as no NAS stands for {session.source_address} any more."
            " Enter it again: nexio nas add"
        )
    source = f" from {peer.source}" if peer.source is not None else ""
    return (
        f"no answer from {peer.address}, port {peer.port}, asked{source}. {_clock(session)}"
        "Are disconnects on there ('CoA', 'dynamic authorization'), at that address and port"
        " (else: nexio nas edit NAME --disconnect-host), with the same secret, and for the"
        " address of this server (else: --disconnect-source)? Does a firewall let UDP through?"
    )


def _clock(session: WifiSession) -> str:
    """The clock of a NAS, if requests look too old or too new to it."""
    behind = timedelta(seconds=session.clock_behind or 0)
    if abs(behind) < _CLOCK_MATTERS:
        return ""
    which = "behind" if behind > timedelta() else "ahead of"
    return (
        f"Its clock is {words_for(abs(behind))} {which} ours: it drops requests, because"
        " Event-Timestamp is wrong to it. Set its clock. "
    )


def cause_words(attribute: str, number: int | None) -> str:
    """``Session-Context-Not-Found`` in words."""
    from radius_auth.protocol.pyrad_codec import value_name

    if number is None:
        return "no reason given"
    name = value_name(attribute, number)
    return f"reason {number}" if name is None else name.replace("-", " ").lower()


def report_open_sessions(visit_id: int, device: str | None = None, *, wait: bool = True) -> None:
    """Report what happens to the devices of a visitor who may not be on any more.

    Args:
        visit_id: the visit.
        device: only this device.
        wait: whether to wait some seconds for a server to ask the access points.
    """
    from nexio.network.sessions import SessionFilter, list_sessions

    with options.reading() as work:
        which = SessionFilter(visit_id=visit_id, device=device, open_only=True)
        sessions = list_sessions(work, which)
    report_sessions(sessions, f"nexio session disconnect {visit_id}", wait=wait)


def report_ended_sessions(visits: Sequence[int]) -> None:
    """The same for several visitors, without waiting."""
    from nexio.network.sessions import open_sessions_of

    with options.reading() as work:
        sessions = open_sessions_of(work, visits)
    several = len({session.visit_id for session in sessions}) > 1
    which = "--past-end" if several else sessions[0].visit_id if sessions else ""
    report_sessions(sessions, f"nexio session disconnect {which}", wait=False)


def report_sessions(sessions: Sequence[WifiSession], by_hand: str, *, wait: bool) -> None:
    """The same for sessions that were open a moment ago.

    Args:
        sessions: as they were read after the change.
        by_hand: the command that ends them.
        wait: see :func:`report_open_sessions`.
    """
    from nexio.network.nas import list_nas

    if not sessions:
        return
    with options.reading() as work:
        began = work.now
        deaf = {each.id for each in list_nas(work) if not each.takes_disconnects}
    staying = [each for each in sessions if each.nas_id in deaf]
    numbers = [each.id for each in sessions if each.nas_id not in deaf]
    found = _wait_for_answers(numbers, began) if wait and numbers else []
    answered = [each for each in found if _is_answered(each, began)]
    if len(answered) <= MOST_LINES:
        _report_each(answered)
    else:
        answers = Counter(_answer(each.disconnect, each) for each in answered if each.disconnect)
        for words, count in answers.most_common():
            output.say(f"{counted(count, 'device')}: {words}.")
    if staying:
        output.say(
            f"{_are_on(len(staying))} until the end that was granted at the login: the access"
            " point takes no disconnects (nexio nas edit --disconnect)."
        )
    if len(numbers) > len(answered):
        output.say(
            f"{_are_on(len(numbers) - len(answered))}. A running nexio-radiusd asks the access"
            f" point to end that. By hand: {by_hand}"
        )


def _are_on(count: int) -> str:
    return f"{counted(count, 'device')} {'is' if count == 1 else 'are'} still on the Wi-Fi"


def _report_each(answered: Sequence[WifiSession]) -> None:
    with options.reading() as work:
        peers = [peer_or_none(work, each) for each in answered]
    for each, peer in zip(answered, peers, strict=True):
        if each.disconnect is not None:
            asked = each.disconnect
            output.say(answer_words(each, asked.outcome, asked.error_cause, peer))


def peer_or_none(work: Reading, session: WifiSession) -> Peer | None:
    """The NAS to ask to end a session; None if it has no entry any more."""
    from nexio.errors import NotFound
    from nexio.network.nas import list_nas
    from radius_auth.disconnecting.disconnect import peer_of

    try:
        return peer_of(list_nas(work), session, 0.0)
    except NotFound:
        return None


def _wait_for_answers(numbers: Sequence[int], began: datetime) -> list[WifiSession]:
    from nexio.network.sessions import sessions_of
    from nexio.store.groups import in_groups

    deadline = time.monotonic() + PATIENCE
    while True:
        with options.reading() as work:
            found = [each for some in in_groups(numbers) for each in sessions_of(work, some)]
        if all(_is_answered(each, began) for each in found) or time.monotonic() > deadline:
            return found
        time.sleep(_LOOKS_EVERY)


def _is_answered(session: WifiSession, began: datetime) -> bool:
    """Whether it has ended, or its access point has just answered about it."""
    asked = session.disconnect
    return session.ended_at is not None or (asked is not None and asked.at > began - _JUST_NOW)


def _answer(asked: Disconnect, session: WifiSession) -> str:
    if session.ended_by == "gone":
        return _ENDS["gone"]
    if asked.outcome == "nak":
        return f"disconnect refused: {cause_words('Error-Cause', asked.error_cause)}"
    if asked.outcome == "timeout":
        return "disconnect not answered"
    on = session.ended_at is None and session.heard_at > asked.at
    return "disconnect accepted" + (", but still on" if on else "")
