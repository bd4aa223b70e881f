"""The day as rows for a pipe, and texts that the screen uses, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio.input.zones import show
from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import LOGGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.checkin.days import Person
    from nexio.checkin.today import Today
    from nexio.network.refusals import Refusal
    from nexio.outbox.outbox import Mail

COLUMNS: Final = ("list", "at", "name", "kind", "company", "phone", "host", "why", "location")

NO_GUESTS: Final = frozenset({Reason.MAC_AUTHENTICATION, Reason.UNSUPPORTED_SERVICE})
"""Reasons of requests that are not about somebody at the login page."""


def rows_of(today: Today) -> Iterator[list[str]]:
    """Everything below :data:`COLUMNS`."""
    zone, place, late = today.location.zone, today.location.name, late_of(today)
    lists = {
        "expected": today.day.expected,
        "in": today.day.inside,
        "out": left_of(today),
        "never checked out": today.day.never_out,
    }
    for what, people in lists.items():
        for each in people:
            known = (each.name, each.kind, each.company or "", each.phone or "", each.host or "")
            why = "late" if what == "expected" and each in late else ""
            yield [what, show(each.at, zone), *known, why, place]
    for mail in today.undelivered:
        name = "" if mail.to is None else mail.to.name
        yield [
            "mail not sent",
            show(mail.created_at, zone),
            name,
            *[""] * 4,
            mail_words(mail),
            place,
        ]
    for refusal in today.refusals:
        who = refusal.name or refusal.user_name
        yield ["refused", show(refusal.at, zone), who, *[""] * 4, refusal_words(refusal), place]


def late_of(today: Today) -> list[Person]:
    """Persons who are expected and late."""
    return [person for person in today.day.expected if person.at < today.at]


def left_of(today: Today) -> list[Person]:
    """Persons who checked out."""
    return [person for person in today.day.left if not person.cut_off]


def mail_words(mail: Mail) -> str:
    """Such as "Ada Example <ada@example.com>: 550 no such user"."""
    to = "nobody" if mail.to is None else f"{mail.to.name} <{mail.to.address}>"
    again = "" if mail.next_try_at is None else " (it is tried again)"
    return f"{to}: {mail.answer or mail.state}{again}"


def refusal_words(refusal: Refusal) -> str:
    """Such as "Ada Example: the PIN is wrong (3 times)"."""
    who = refusal.name or refusal.user_name or refusal.device or "somebody"
    times = f" ({refusal.count} times)" if refusal.count > 1 else ""
    return f"{who}: {_why(refusal)}{times}"


def _why(refusal: Refusal) -> str:
    known = refusal.reason in set(Reason)
    return LOGGED[Reason(refusal.reason)] if known else refusal.reason
