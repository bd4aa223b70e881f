"""Finds whom a word of the command line means, where it is a part of a name.

A command that changes nothing uses the only match. A command that changes something asks first; a
script, where nobody can be asked, is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.errors import Refused
from nexio.input.names import quoted
from nexio.input.zones import show
from nexio_cli.terminal import options, places

if TYPE_CHECKING:
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading


def visit_to_show(work: Reading, which: str, location_name: str | None) -> Visit:
    """The visit that a word means, for a command that changes nothing.

    Raises:
        NotFound: no such visit.
        Refused: there are several; the message lists them.
    """
    from nexio.reception.finding import look_for_visit

    return look_for_visit(work, which, location_name).visit


def login_to_explain(work: Reading, which: str, location_name: str | None) -> str:
    """The login of the only visitor whose name has the word in it; else the word.

    Raises:
        Refused: there are several visitors; the message lists their visits.
    """
    from nexio.reception.finding import find_visits_by_name, only_visit
    from nexio.reception.visits import is_login

    if _is_exact(which) or is_login(work, which):
        return which
    locations = places.chosen_locations(work, location_name, everywhere=location_name is None)
    found = [each for place in locations for each in find_visits_by_name(work, place, which)]
    logins = {each.login for each in found}
    return (
        which if not found else logins.pop() if len(logins) == 1 else only_visit(found, which).login
    )


def visit_to_change(which: str, location_name: str | None) -> str:
    """The number or e-mail of the visit that a word means; a guess is confirmed by a question.

    Raises:
        NotFound: no such visit.
        Refused: there are several, or it is a guess and there is nobody to ask.
        click.Abort: the answer is no.
    """
    from nexio.reception.finding import look_for_visit

    if _is_exact(which):
        return which
    with options.reading() as work:
        found = look_for_visit(work, which, location_name)
    visit = found.visit
    if found.by_name:
        when = show(visit.expected_arrival, visit.location.zone)
        _confirm_guess(which, f"visit {visit.id}, {visit.name}", f", expected {when}")
    return str(visit.id)


def visits_to_change(visits: tuple[str, ...], location_name: str | None) -> tuple[str, ...]:
    """The same for several."""
    return tuple(visit_to_change(which, location_name) for which in visits)


def visit_or_member_to_change(
    which: str, location_name: str | None
) -> tuple[str | None, str | None]:
    """A visit or else a member, where a word may mean either.

    Raises:
        NotFound, Refused, click.Abort: as of :func:`visit_to_change`, if it is no member.
    """
    from nexio.reception.finding import is_member_alone

    with options.reading() as work:
        is_member = is_member_alone(work, which, location_name)
    if is_member:
        return None, member_to_change(which, location_name)
    return visit_to_change(which, location_name), None


def member_to_change(which: str, location_name: str | None) -> str:
    """The same for a member."""
    from nexio.reception.finding import look_for_member

    if _is_exact(which):
        return which
    with options.reading() as work:
        found = look_for_member(work, which, location_name)
    if found.by_name:
        _confirm_guess(which, f"member {found.member.id}, {found.member.name}")
    return str(found.member.id)


def _is_exact(which: str) -> bool:
    """Whether it is a number or an e-mail, and so is looked up in the transaction of the change."""
    return "@" in which or (which.isascii() and which.isdigit())


def _confirm_guess(which: str, whom: str, more: str = "") -> None:
    refusal = f"{quoted(which)} is no number and no e-mail; it is in the name of {whom}"
    ask = options.ask_or_refuse
    ask(f"Do you mean {whom}{more}?", Refused(refusal, "Give the number: a script does not guess."))
