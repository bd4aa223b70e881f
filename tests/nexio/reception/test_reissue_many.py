"""Reissuing many visits at once comes to what reissuing them one by one does: R5."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from nexio.errors import NotFound, Refused
from nexio.locations.locations import Location, change_settings
from nexio.locations.settings import parse_changes
from nexio.outbox.outbox import Template
from nexio.reception.registration import Repetition
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import Allowed, read_registration
from nexio.reception.reissue import reissue, reissue_all
from nexio.reception.visits import find_visit
from nexio.store.engine import Store, Writing
from nexio.store.tables import Row, VisitRow
from radius_auth.decision.decide import Accepted
from radius_auth.decision.reasons import Reason
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.people import (
    add_location,
    delete,
    look_up,
    register,
    register_many,
    revoke,
    set_up,
)
from tests.support.reception import add_member, mails, table_of, use_pin, wifi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DRAWN_OR_COUNTED = {
    *("pin_sealed", "pin_digest", "digest", "message_id", "batch"),
    *("change", "store_revision"),
}
"""Columns and tables that no two runs share."""

SETTINGS: list[list[str]] = [
    [],
    ["visitor-tokens=off"],
    ["token-starts=check-in", "token-duration=2h"],
    ["token-duration=3d", "pin-length=8", "early-minutes=30"],
    ["walk-in-tokens=on", "max-devices=3"],
    ["wifi-login=pin", "planned-guests=100"],
]

FULL_DAY = 36
"""Visitors: the first 33 of a day have six digits, the next ones seven."""


class Undone(Exception):
    """Ends a transaction of which nothing shall stay."""


def full_house(store: Store, location: Location, clock: Clock) -> list[int]:
    """Visits of all kinds; their numbers, and one that nobody has."""
    add_member(store, location)
    annex = add_location(store, "Annex", "Asia/Tokyo", "visitor-tokens=on")
    over = register(store, location, email="over@example.com", arrival="08:00", duration="1d")
    came = register(store, location, email="came@example.com", host="Ana Reyes")
    use_pin(store, location, came.pin)
    clock.advance(minutes=5)
    left = register(store, location, email="left@example.com", host="Ana Reyes")
    for _ in range(2):
        use_pin(store, location, left.pin)
        clock.advance(minutes=5)
    told = {"group": "Press", "language": "fr", "company": "Acme", "max_devices": "2"}
    register(store, location, email="told@example.com", duration="5h", notes="ramp", **told)
    register(
        store, location, email="ends@example.com", arrival="tomorrow 9am", until="tomorrow 6pm"
    )
    register(store, location, source="walk-in")
    revoke(store, register(store, location, email="revoked@example.com", arrival="14:00"))
    delete(store, register(store, location, email="deleted@example.com"))
    delete(store, over)
    register(store, annex, email="annex@example.com", arrival="tomorrow 9am")
    with store.write() as work:
        said = {"first_name": "Ada", "last_name": "Example", "email": "", "expected_arrival": "now"}
        found = read_registration(said, work.now, location, None, Allowed(no_email=True))
        for _ in range(3):  # ada.example, ada.example2, ada.example3
            register_visitor(work, location, found)
        keyed = read_registration(said | {"email": "key@example.com"}, work.now, location)
        register_visitor(work, location, keyed, Repetition(key="order-7", words="Zoë"))
    register_many(store, location, FULL_DAY, "27 nov 2026 9am")
    with store.read() as work:
        return [*work.session.scalars(select(VisitRow.id).order_by(VisitRow.id)), 9_999]


def one_by_one(work: Writing, numbers: Sequence[int]) -> list[int | NotFound | Refused]:
    """What :func:`reissue_all` answers, of each alone."""
    answers: list[int | NotFound | Refused] = []
    for number in numbers:
        try:
            answers.append(reissue(work, number).id)
        except (NotFound, Refused) as error:
            answers.append(error)
    return answers


def outcome(
    store: Store,
    location: Location,
    changes: list[str],
    act: Callable[[Writing], list[int | NotFound | Refused]],
) -> dict[str, Any]:
    """What an act answers and leaves in the store; it is undone."""
    found: dict[str, Any] = {}
    with suppress(Undone), store.write() as work:
        if changes:
            change_settings(work, location, parse_changes(changes), insecure_pin_login=True)
        answers = act(work)
        work.session.flush()
        new = {each: -number for number, each in enumerate(answers, 1) if isinstance(each, int)}
        found["answers"] = [new[each] if isinstance(each, int) else str(each) for each in answers]
        for table in Row.metadata.sorted_tables:
            if table.name not in DRAWN_OR_COUNTED:
                found[table.name] = _rows(work, table, new)
        raise Undone
    return found


def _rows(work: Writing, table: Any, new: dict[int, int]) -> list[dict[str, Any]]:
    """The rows of a table, with the numbers of new visits by their place in the list."""
    dropped = DRAWN_OR_COUNTED | (set() if table.name == "visit" else {"id"})
    visit_columns = {"id", "visit_id", "subject_id", "replaces_id"}
    rows = [
        {
            name: new.get(value, value) if name in visit_columns else value
            for name, value in row.items()
            if name not in dropped
        }
        for row in work.session.execute(
            select(table).order_by(*table.primary_key.columns)
        ).mappings()
    ]
    return sorted(rows, key=repr)  # of two locations, one is done after the other


def test_r5_many_at_once_are_as_one_by_one(store: Store, location: Location, clock: Clock) -> None:
    """All rows, whichever visits it is, in whichever order, by whichever settings; but PINs."""
    numbers = full_house(store, location, clock)
    before = contents(store)

    # The databases differ in statements, which are the same for any choice.
    examples = 12 if store.engine.dialect.name == "sqlite" else 5

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), deadline=None)
    @given(chosen=st.permutations(numbers), many=st.integers(1, len(numbers)),
           changes=st.sampled_from(SETTINGS))  # fmt: skip
    def hold(chosen: list[int], many: int, changes: list[str]) -> None:
        some = chosen[:many]
        one = outcome(store, location, changes, lambda work: one_by_one(work, some))
        all_ = outcome(store, location, changes, lambda work: reissue_all(work, some))
        for name, rows in one.items():
            assert all_[name] == rows, name

    hold()
    assert contents(store) == before


def test_r5_the_new_pins_of_many_work_and_the_old_ones_do_not(
    store: Store, location: Location
) -> None:
    """Each has one of its own, which differs from all before, and one mail."""
    old = register_many(store, location, 40)
    with store.write() as work:
        numbers = reissue_all(work, [visit.id for visit in old])
    with store.read() as work:
        new = [find_visit(work, each) for each in numbers if isinstance(each, int)]
    assert len({visit.pin for visit in [*old, *new] if visit}) == 80
    table = table_of(store)
    for before, after in zip(old, new, strict=True):
        assert after is not None
        assert (after.email, after.replaces) == (before.email, before.id)
        assert isinstance(wifi(store, after, table=table), Accepted)
        assert wifi(store, before, table=table).reason is Reason.REPLACED
    assert len(mails(store, Template.VISITOR_REGISTERED)) == 40


def test_r5_r9_all_of_them_or_none(store: Store, location: Location) -> None:
    """One of many may not be registered: nobody is, and who reads it knows why."""
    long = register(store, location, arrival="tomorrow 9am", email="long@example.com")
    others = [
        register(store, location, arrival=f"tomorrow {hour}", email=f"at{hour}@example.com")
        for hour in ("11am", "12pm")
    ]
    set_up(
        store, location, "wifi-login=pin", "planned-guests=1", "pin-length=6", "token-duration=2h"
    )
    before = contents(store)
    numbers = [visit.id for visit in (long, *others)]
    with pytest.raises(Refused, match="planned for 1 guests"), store.write() as work:
        reissue_all(work, numbers)
    assert contents(store) == before
    with store.write() as work:  # these two do not meet the other one
        reissue_all(work, [numbers[0], numbers[2]])
    assert look_up(store, long).state.value == "deleted"


def test_r5_many_take_as_many_statements_as_a_few(store: Store, location: Location) -> None:
    """So that 20,000 take seconds."""
    old = [visit.id for visit in register_many(store, location, 60)]
    counts = []
    for some in (old[:2], old[2:]):
        told: list[str] = []
        with statements_of(store, told), store.write() as work:
            reissue_all(work, some)
        counts.append(len(told))
    assert counts[1] <= counts[0] + 5


@contextmanager
def statements_of(store: Store, told: list[str]) -> Iterator[None]:
    """Note each statement that goes to the store."""

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield
    event.remove(store.engine, "before_cursor_execute", note)
