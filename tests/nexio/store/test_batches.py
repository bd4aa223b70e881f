"""Batches: how changes are marked, so that a reader misses nothing."""

import threading
from contextlib import closing

import pytest
from sqlalchemy import select

from nexio.configuration import Configuration
from nexio.locations.locations import Location, change_settings
from nexio.network.following import Horizon, Position
from nexio.network.news import read_all, read_news
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import read_registration
from nexio.reception.visits import Visit, delete_visit
from nexio.store.batches import batch_of
from nexio.store.engine import Store, Writing
from nexio.store.tables import ChangeRow, StoreRevisionRow, VisitRow
from tests.support.people import add_location, register, revoke, set_up
from tests.support.reception import use_pin
from tests.support.stores import row_counts

DESKS, VISITORS = 2, 15


def number(store: Store) -> int:
    """How many batches there were."""
    with store.read() as work:
        return work.session.scalars(select(StoreRevisionRow.number)).one()


def position(store: Store) -> Position:
    """What a reader has seen that has just read everything."""
    with store.read() as work:
        return read_all(work, Horizon()).position


def new_visit(work: Writing, location: Location, email: str = "zoe@example.com") -> Visit:
    """Register a visitor within a transaction that does more than that."""
    texts = {"first_name": "Zoë", "last_name": "Nguyễn", "email": email}
    return register_visitor(work, location, read_registration(texts, work.now, location))


def test_a_transaction_has_one_number(store: Store, location: Location) -> None:
    """However many rows it changed, and in however many steps."""
    before = number(store)
    with store.write() as work:
        visits = [new_visit(work, location, f"v{number}@example.com") for number in range(3)]
        work.session.flush()
        delete_visit(work, visits[0].id)
        change_settings(work, location, {"roaming": True})
    assert number(store) == before + 1
    with store.read() as work:
        assert len(set(work.session.scalars(select(VisitRow.batch)))) == 1


def test_every_number_has_its_batch(store: Store, location: Location) -> None:
    """From one on, without a gap."""
    for _ in range(3):
        revoke(store, register(store, location))
    with store.read() as work:
        changes = work.session.scalars(select(ChangeRow).order_by(ChangeRow.number)).all()
    assert [change.number for change in changes] == list(range(1, number(store) + 1))
    assert len({change.batch for change in changes}) == len(changes)


def test_a_transaction_without_a_followed_change_has_no_number(
    store: Store, location: Location
) -> None:
    """Nobody is woken for nothing."""
    before = number(store)
    set_up(store, location, "visitor-tokens=on")
    with store.write() as work:
        work.session.get_one(StoreRevisionRow, 1).oldest = 0
    assert number(store) == before


def test_servers_hear_of_a_check_in_only_where_it_opens_the_wifi(
    store: Store, location: Location
) -> None:
    """Else nothing that they know has changed, and each would read the visit again."""
    came = register(store, location)
    before = number(store)
    use_pin(store, location, came.pin)
    assert number(store) == before
    set_up(store, location, "token-starts=check-in")
    waits = register(store, location, email="ada@example.com")
    before = number(store)
    use_pin(store, location, waits.pin)
    assert number(store) == before + 1


def test_a_batch_is_of_one_transaction(store: Store) -> None:
    """Drawn once, and another one for the next."""
    with store.write() as work:
        one = batch_of(work.session)
        assert batch_of(work.session) == one
        assert 0 <= one < 2**63
    with store.write() as work:
        assert batch_of(work.session) != one


def test_a_failed_transaction_leaves_no_change(store: Store, location: Location) -> None:
    """No number, no batch, no row."""
    before = row_counts(store), number(store)

    def register_and_fail() -> None:
        with store.write() as work:
            new_visit(work, location)
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        register_and_fail()
    assert (row_counts(store), number(store)) == before


def test_numbers_follow_the_order_of_commits(
    postgresql_configuration: Configuration,
) -> None:
    """Who changed first and commits last is not missed, and holds up no other location."""
    with closing(Store.open(postgresql_configuration)) as store:
        location, annex = add_location(store, "Harbour House"), add_location(store, "Annex")
        seen = position(store)
        with store.write() as slow:
            late = new_visit(slow, location, "late@example.com")
            early = register(store, annex, email="early@example.com")
            with store.read() as work:
                news = read_news(work, seen)
            assert news is not None
            assert [visit.id for visit in news.visits] == [early.id]
        with store.read() as work:
            later = read_news(work, news.position)
        assert later is not None
        assert [visit.id for visit in later.visits] == [late.id]
        assert late.id < early.id


def test_a_reader_misses_nothing_of_concurrent_desks(store: Store, location: Location) -> None:
    """Two desks register and revoke; every batch is seen once, in order."""
    seen = start = position(store)
    done = threading.Barrier(DESKS + 1)
    faults: list[BaseException] = []

    def desk(name: str) -> None:
        try:
            for count in range(VISITORS):
                visit = register(store, location, email=f"{name}-{count}@example.com")
                if count % 3 == 0:
                    revoke(store, visit)
        except BaseException as error:  # noqa: BLE001 (told of below, in the test's own thread)
            faults.append(error)
        finally:
            done.wait()

    threads = [threading.Thread(target=desk, args=[f"desk-{n}"]) for n in range(DESKS)]
    for thread in threads:
        thread.start()
    known: dict[int, bool] = {}
    finished = False
    while not finished:
        finished = done.n_waiting == DESKS
        with store.read() as work:
            news = read_news(work, seen)
        assert news is not None
        assert news.position.number >= seen.number
        # A visit is told of again only after it has changed again.
        known |= {visit.id: visit.revoked_at is not None for visit in news.visits}
        seen = news.position
    done.wait()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(known) == DESKS * VISITORS
    assert sum(known.values()) == DESKS * VISITORS // 3
    assert seen.number == start.number + DESKS * VISITORS * 4 // 3
