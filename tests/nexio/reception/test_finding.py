"""Whom a part of a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio.errors import NotFound, Refused
from nexio.reception.finding import look_for_member, look_for_visit
from tests.support.people import add_location, delete, register
from tests.support.reception import add_member

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock


def found(store: Store, which: str) -> tuple[str, bool]:
    """The name of the visitor at Harbour House, and whether it was a guess."""
    with store.read() as work:
        it = look_for_visit(work, which, "Harbour House")
    return it.visit.name, it.by_name


def test_a_part_of_a_name(store: Store, location: Location) -> None:
    """In any spelling, of first and last name; of one location alone."""
    register(
        store,
        location,
        first_name="Anne\u2011Marie",
        last_name="O\u2019Brien",
        email="a@example.com",
    )
    register(store, location)
    register(store, add_location(store, "Annex"), first_name="Anne")
    for words in ("anne", "ANNE-MARIE", "marie o'b", " O'Brien ", "\uff4f'brien"):
        assert found(store, words) == ("Anne\u2011Marie O\u2019Brien", True), words
    assert found(store, "Nguy\u1ec5n") == ("Zo\u00eb Nguy\u1ec5n", True)


def test_what_is_exact_is_no_guess(store: Store, location: Location) -> None:
    """A number, an e-mail, and the login of who has none, although others have it in the name."""
    first = register(store, location, first_name="Ada", last_name="King")
    for which in (str(first.id), "ZOE@example.com"):
        assert found(store, which) == ("Ada King", False)


def test_the_whole_name_is_meant(store: Store, location: Location) -> None:
    """Although others have more of it."""
    register(store, location, first_name="Ada", last_name="King", email="a@example.com")
    register(store, location, first_name="Ada", last_name="Kingsley", email="b@example.com")
    assert found(store, "ada king") == ("Ada King", True)
    with pytest.raises(Refused, match=r'"ada" fits several visits: 1 Ada King \(Fri 20 Nov'):
        found(store, "ada")


def test_many_are_counted(store: Store, location: Location) -> None:
    """A message stays a line."""
    for number in range(11):
        register(store, location, email=f"{number}@example.com")
    with pytest.raises(Refused, match="and 3 more"):
        found(store, "Zo\u00eb")


def test_who_is_not_expected_any_more(store: Store, location: Location, clock: Clock) -> None:
    """Deleted, over, or nobody; nor does nothing at all mean the only one."""
    gone = register(store, location, first_name="Ada")
    register(store, location)
    delete(store, gone)
    for words in ("ada", "bo", "", " "):
        with pytest.raises(NotFound):
            found(store, words)
    clock.advance(days=2)
    with pytest.raises(NotFound):
        found(store, "Zo\u00eb")


def test_members(store: Store, location: Location) -> None:
    """In the same way."""
    ana = add_member(store, location)
    add_member(store, location, first_name="Bo", email="bo@example.com")

    def member(which: str) -> tuple[int, bool]:
        with store.read() as work:
            it = look_for_member(work, which, None)
        return it.member.id, it.by_name

    assert member(str(ana.id)) == member("ANA@example.com") == (ana.id, False)
    assert member("ana r") == (ana.id, True)
    with pytest.raises(Refused, match='"reyes" fits several members: 1 Ana Reyes, 2 Bo Reyes'):
        member("reyes")
    for which in ("zoe", "9", "zoe@example.com"):
        with pytest.raises(NotFound):
            member(which)
