"""Registrations that are asked for twice: issue 4, point 5."""

from __future__ import annotations

from functools import partial

import pytest

from nexio.configuration import Configuration
from nexio.errors import InvalidValue, Refused
from nexio.locations.locations import Location
from nexio.operations.rotation import rotate_key
from nexio.reception.registration import Repetition, register
from nexio.reception.registration_texts import parse_key, read_registration
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.people import add_location, delete
from tests.support.reception import at_once, by_hand
from tests.support.stores import row_counts

NEW = Repetition()
ONCE = Repetition(key="order-7", words="Zoë at nine")


def ask(store: Store, location: Location, repetition: Repetition = NEW, **texts: str) -> Visit:
    """Register Zoë, as a script does."""
    said = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "zoe@example.com"} | texts
    with store.write() as work:
        found = read_registration(said, work.now, location)
        return register(work, location, found, repetition)


def test_the_same_key_and_words_are_the_same_visit(
    store: Store, location: Location, clock: Clock
) -> None:
    """Nothing is written the second time, however much later; its state is of then."""
    visit = ask(store, location, ONCE)
    before = contents(store)
    assert ask(store, location, ONCE) == visit
    clock.advance(days=40)
    assert ask(store, location, ONCE).id == visit.id
    assert contents(store) == before
    assert row_counts(store)["outbox"] == 1


def test_the_visit_is_as_it_is_now(store: Store, location: Location) -> None:
    """Checked in, or deleted: the script is told, and no visit is made in its place."""
    visit = ask(store, location, ONCE)
    by_hand(store, visit)
    assert ask(store, location, ONCE).state is VisitState.CHECKED_IN
    delete(store, visit)
    assert ask(store, location, ONCE).state is VisitState.DELETED


def test_the_same_key_with_other_words_is_refused(store: Store, location: Location) -> None:
    """The message has the key and the visit, and not the words."""
    visit = ask(store, location, ONCE)
    before = contents(store)
    other = Repetition(key="order-7", words="Ada at ten", again=True)
    with pytest.raises(Refused) as caught:
        ask(store, location, other, email="ada@example.com")
    assert str(caught.value) == (
        f'the idempotency key "order-7" was used for visit {visit.id},'
        " which was registered with other words"
    )
    assert "new key" in caught.value.advice
    assert contents(store) == before


def test_a_key_is_of_one_location(store: Store, location: Location) -> None:
    """Two systems that count their orders from one do not meet."""
    annex = add_location(store, "Annex", "Europe/London")
    visit = ask(store, location, ONCE)
    other = ask(store, annex, ONCE)
    assert other.id != visit.id
    assert ask(store, annex, ONCE).id == other.id


def test_a_key_outlives_a_change_of_the_stores_key(
    store: Store, location: Location, configuration: Configuration
) -> None:
    """The words are kept as a digest under a key that stays."""
    visit = ask(store, location, ONCE)
    rotate_key(store, configuration.key_file)
    assert ask(store, location, ONCE).id == visit.id


def test_the_same_key_at_the_same_moment(store: Store, location: Location) -> None:
    """One visit, one mail, and both are told of it."""
    for number in range(8):
        once = Repetition(key=f"order-{number}", words="Zoë", again=True)
        got = at_once(*[partial(ask, store, location, once)] * 3)
        visits = [each for each in got if isinstance(each, Visit)]
        assert len(visits) == 3, got
        assert len({visit.id for visit in visits}) == 1
    counts = row_counts(store)
    assert (counts["visit"], counts["pin"], counts["outbox"]) == (8, 8, 8)


def test_the_same_key_at_the_same_moment_for_other_words(store: Store, location: Location) -> None:
    """One of them is registered, the other one refused."""
    for number in range(8):
        key = f"order-{number}"
        asked = [Repetition(key=key, words=words, again=True) for words in ("Zoë", "Ada")]
        got = at_once(*[partial(ask, store, location, each) for each in asked])
        assert sorted(type(each).__name__ for each in got) == ["Refused", "Visit"], got
    assert row_counts(store)["visit"] == 8


def test_the_same_e_mail_at_the_same_time_is_refused(store: Store, location: Location) -> None:
    """In any case of letters, unless it is said to be another visit."""
    visit = ask(store, location, expected_arrival="14:00")
    before = contents(store)
    said = {"expected_arrival": "today 2pm", "email": "ZOE@example.com"}
    for key in (None, "order-7"):
        with pytest.raises(Refused) as caught:
            ask(store, location, Repetition(key=key), **said)
        words = f"visit {visit.id} is for ZOE@example.com at that time already"
        assert str(caught.value) == words
        assert "--again" in caught.value.advice
    assert contents(store) == before
    again = ask(store, location, Repetition(again=True), expected_arrival="14:00")
    assert again.id != visit.id


def test_what_is_another_visit_without_asking(store: Store, location: Location) -> None:
    """Another time, another address, another location; or the first one was deleted."""
    annex = add_location(store, "Annex", "Europe/London")
    visit = ask(store, location, expected_arrival="14:00")
    ask(store, location, expected_arrival="14:01")
    ask(store, location, expected_arrival="14:00", email="ada@example.com")
    ask(store, annex, expected_arrival="14:00")
    delete(store, visit)
    ask(store, location, expected_arrival="14:00")
    assert row_counts(store)["visit"] == 5


def test_a_key_is_a_word_of_a_script() -> None:
    """Trimmed, of one line, at most 100 characters."""
    assert parse_key(" 5f2e-11 ") == "5f2e-11"
    for text in ("", " ", "a\nb", "x" * 101):
        with pytest.raises(InvalidValue):
            parse_key(text)
