"""Fills a store with very many visitors, faster than a desk could register them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect

from nexio.locations.locations import add_location, change_settings
from nexio.locations.settings import parse_changes
from nexio.reception.guessing_limits import chance_of, length_for
from nexio.reception.pin_days import count_pin, days_of, pins_of_days
from nexio.reception.registration import Repetition, register
from nexio.reception.registration_texts import read_registration
from nexio.reception.visits import PIN_PURPOSE
from nexio.store.engine import Store
from nexio.store.tables import AccessTokenRow, PinRow, VisitRow

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Writing
    from nexio.store.tables import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The login of a visitor."""

    email: str
    pin: str
    valid_until: datetime


def fill(configuration: Configuration, count: int, *settings: str) -> list[Visitor]:
    """Fill an empty store with visitors whose window is open for a day.

    The first one is registered as everybody is; the others are copies of their rows.
    """
    store = Store.open(configuration)
    with store.write() as work:
        location = add_location(work, "Bench", "UTC")
        words = ["visitor-tokens=on", "token-duration=24h", *settings]
        location = change_settings(work, location, parse_changes(words))
        texts = {"first_name": "Ada", "last_name": "Example", "email": "ada0@example.com"}
        visit = register(work, location, read_registration(texts, work.now, location), Repetition())
    assert visit.token is not None
    assert visit.token.valid_until is not None
    with store.write() as work:
        pins = _draw(work, location, visit, count)
        _copy(work, location, visit.id, pins)
    store.close()
    first = Visitor(email=visit.email, pin=visit.pin, valid_until=visit.token.valid_until)
    return [first, *(
        Visitor(email=f"ada{number}@example.com", pin=pin, valid_until=first.valid_until)
        for number, pin in enumerate(pins, start=1)
    )]  # fmt: skip


def _draw(work: Writing, location: Location, visit: Visit, count: int) -> list[str]:
    """PINs of as many digits as those that are drawn for the visit's days have; they count."""
    days = days_of(work.session.get_one(VisitRow, visit.id))
    fullest = max(pins_of_days(work, location, days), key=chance_of)
    drawn: Counter[int] = Counter()
    pins = []
    for number in range(count):
        length = length_for([fullest + drawn], location.settings.pin_length)
        drawn[length] += 1
        pins.append(f"{number:0{length}}")
    for length, of_length in drawn.items():
        count_pin(work, location, days, length, by=of_length)
    return [pin for pin in pins if pin != visit.pin]


def _copy(work: Writing, location: Location, visit_id: int, pins: list[str]) -> None:
    row = work.session.get_one(VisitRow, visit_id)
    token, pin = row.token, work.session.query(PinRow).filter_by(visit_id=visit_id).one()
    assert token is not None
    visits: list[dict[str, Any]] = []
    for number, digits in enumerate(pins, start=1):
        email = f"ada{number}@example.com"
        visits.append(_values(row) | {
            "id": visit_id + number, "email": email, "email_key": email,
            "pin_sealed": work.keyring.seal(digits, PIN_PURPOSE),
            "pin_digest": work.keyring.digest(location.id, digits),
        })  # fmt: skip
    work.session.execute(insert(VisitRow), visits)
    tokens = ({"id": token.id + n, "visit_id": visit_id + n} for n, _ in enumerate(pins, start=1))
    work.session.execute(insert(AccessTokenRow), [_values(token) | each for each in tokens])
    held = (
        {"visit_id": each["id"], "digest": each["pin_digest"], "length": len(digits)}
        for each, digits in zip(visits, pins, strict=True)
    )
    work.session.execute(insert(PinRow), [_without_id(pin) | each for each in held])


def _values(row: Row) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


def _without_id(row: Row) -> dict[str, Any]:
    return {name: value for name, value in _values(row).items() if name != "id"}
