"""Sessions on the Wi-Fi in words: how they ended, and what access points said about their end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nexio_cli.terminal import options, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.network.sessions import Disconnect, WifiSession

PATIENCE = 6.0
"""Seconds: a server notices within one, and gives up on an access point after 4.5."""

_LOOKS_EVERY = 0.2

_ENDS = {
    "reuse": "its number was used again",
    "gone": "the access point has it no more",
    "lost": "not heard of any more",
}


def end_words(session: WifiSession) -> str:
    """How it ended, or what was answered when it was to end."""
    asked = session.disconnect
    if session.ended_by == "stop":
        if asked is not None and asked.outcome == "ack" and session.terminate_cause != _BY_USER:
            return f"{asked.reason}, disconnected" if asked.reason else "disconnected"
        return cause_words("Acct-Terminate-Cause", session.terminate_cause)
    if session.ended_by is not None:
        return _ENDS.get(session.ended_by, session.ended_by)
    if asked is None:
        return "open"
    why = f"{asked.reason}, " if asked.reason else ""
    return f"open, {why}{_answer(asked, session)}"


def answer_words(
    session: WifiSession, outcome: str, error_cause: int | None, *, gone: bool = False
) -> str:
    """What its access point said when it was asked to end it: a sentence.

    Args:
        session: which.
        outcome: ``ack``, ``nak`` or ``timeout``.
        error_cause: Error-Cause of the answer.
        gone: the answer means that there is no such session (any more); so does Error-Cause 503.
    """
    from nexio.network.endings import is_gone

    name = f"S{session.id} on {session.device or session.session_id} at {session.nas}"
    if gone or is_gone(outcome, error_cause):
        return f"{name}: the access point has no such session any more. It is over."
    if outcome == "ack":
        return f"{name}: the access point ends it. It is over when accounting says so."
    if outcome == "nak":
        return f"{name}: refused by the access point, {cause_words('Error-Cause', error_cause)}."
    return f"{name}: no answer from the access point. {_SILENCE}"


def cause_words(attribute: str, number: int | None) -> str:
    """``Session-Context-Not-Found`` in words."""
    from radius_auth.protocol.pyrad_codec import value_name

    if number is None:
        return "no reason given"
    name = value_name(attribute, number)
    return f"reason {number}" if name is None else name.replace("-", " ").lower()


def tell_of_open_sessions(visit_id: int, *, wait: bool = True) -> None:
    """Say what becomes of the devices of a visitor who may not be on any more.

    Args:
        visit_id: whose.
        wait: for a server that asks the access points, a few seconds.
    """
    from nexio.network.sessions import SessionFilter, list_sessions

    with options.reading() as work:
        began = work.now
        sessions = list_sessions(work, SessionFilter(visit_id=visit_id, open_only=True))
    if not sessions:
        return
    count = len(sessions)
    for each in _wait_for_answers(sessions) if wait else ():
        asked = each.disconnect
        if asked is not None and asked.at >= began:
            gone = each.ended_by == "gone"
            output.say(answer_words(each, asked.outcome, asked.error_cause, gone=gone))
            count -= 1
    if count:
        devices = "1 device is" if count == 1 else f"{count} devices are"
        output.say(f"{devices} still on the Wi-Fi. {_WHO_ENDS_IT.format(visit_id)}")


_SILENCE = (
    "Is 'CoA' or 'dynamic authorization' on there, at that address and port, with the same secret,"
    " for the address of this server, and is its clock right? A firewall may be between."
)

_WHO_ENDS_IT = (
    "A running nexio-radiusd asks the access point to end that."
    " By hand: nexio session disconnect {}"
)

_BY_USER = 1
"""Acct-Terminate-Cause User-Request (RFC 2866 section 5.10)."""


def _wait_for_answers(sessions: Sequence[WifiSession]) -> list[WifiSession]:
    from nexio.network.sessions import sessions_of

    numbers = [each.id for each in sessions]
    deadline = time.monotonic() + PATIENCE
    while True:
        with options.reading() as work:
            found = sessions_of(work, numbers)
        if all(map(_is_answered, found)) or time.monotonic() > deadline:
            return found
        time.sleep(_LOOKS_EVERY)


def _is_answered(session: WifiSession) -> bool:
    return session.ended_at is not None or session.disconnect is not None


def _answer(asked: Disconnect, session: WifiSession) -> str:
    if asked.outcome == "nak":
        return f"disconnect refused: {cause_words('Error-Cause', asked.error_cause)}"
    if asked.outcome == "timeout":
        return "disconnect not answered"
    return "disconnect accepted" + (", but still on" if session.heard_at > asked.at else "")
