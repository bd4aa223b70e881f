"""Tells the desk in words what a check-in or check-out means for the Wi-Fi."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from nexio.checkin.taps import Direction, Tap
from nexio.input.zones import show
from nexio.languages import mark
from nexio.reception.tokens import Token, TokenState, token_of
from nexio.store.engine import Reading
from nexio.store.tables import VisitRow

ENDED: Final = mark("The Wi-Fi ended with the check-out.")


def wifi_words(work: Reading, tap: Tap) -> tuple[str, ...]:
    """Sentences about the visitor's Wi-Fi as it is now; commands to type are not marked.

    Returns:
        An empty tuple for a member, and for a visitor who leaves and whose Wi-Fi does not go on.
    """
    row = work.session.get(VisitRow, tap.id) if tap.kind == "visitor" else None
    if row is None:
        return ()
    token = None if row.token is None else token_of(row.token, work.now)
    ended_by_check_out = any(stay.ended_wifi for stay in row.check_ins)
    if tap.direction is Direction.IN:
        return _in_words(tap, token, ended_by_check_out=ended_by_check_out)
    if ended_by_check_out:
        return (ENDED,)
    if token is not None and token.state is TokenState.VALID and token.valid_until is not None:
        until = show(token.valid_until, tap.location.zone)
        return (mark("The Wi-Fi goes on until %(time)s.", time=until),)
    return ()


def wifi_words_after_undo(work: Reading, taken: Tap) -> tuple[str, ...]:
    """The same for a visitor who is in again because a check-out was taken back."""
    if taken.direction is Direction.IN:
        return ()
    return wifi_words(work, replace(taken, direction=Direction.IN))


def _in_words(tap: Tap, token: Token | None, *, ended_by_check_out: bool) -> tuple[str, ...]:
    if token is None:
        return (mark("No Wi-Fi: the visit has no access token."),)
    if token.state is TokenState.REVOKED:
        return _revoked_words(tap.id, ended_by_check_out=ended_by_check_out)
    if token.valid_from is None or token.valid_until is None:
        return (mark("The Wi-Fi starts with the check-in."),)
    zone = tap.location.zone
    if token.state is TokenState.UPCOMING:
        return (mark("Wi-Fi from %(time)s on.", time=show(token.valid_from, zone)),)
    until = show(token.valid_until, zone)
    if token.state is TokenState.VALID:
        return (mark("Wi-Fi until %(time)s.", time=until),)
    return (
        mark("No Wi-Fi: it ended at %(time)s.", time=until),
        f"Longer with: nexio token extend {tap.id} --by 1h",
    )


def _revoked_words(visit_id: int, *, ended_by_check_out: bool) -> tuple[str, ...]:
    reissue = f"nexio visitor reissue {visit_id} (a new PIN)"
    if not ended_by_check_out:
        return (mark("No Wi-Fi: it was revoked."), f"Give it again with: {reissue}")
    return (
        mark("No Wi-Fi: the check-out ended it."),
        f"Was that a mistake? Type twice: nexio checkin undo {visit_id}. Else: {reissue}",
    )
