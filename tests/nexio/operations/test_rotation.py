"""Changing the key of a store that is in use."""

from __future__ import annotations

import os
import resource
import signal
import stat
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from nexio.errors import KeyUnusable, NexioError, Refused
from nexio.keys.key_file import add_key, load_keys
from nexio.keys.keyring import ID_OCTETS
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas, get_nas
from nexio.network.news import read_all, read_news
from nexio.operations.checking import find_damage
from nexio.operations.rotation import rotate_key
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import PIN_PURPOSE, find_visit
from nexio.store.engine import Store
from nexio.store.tables import AuditRow, MemberRow, NasRow, PinRow, StoreRevisionRow, VisitRow
from tests.support.contents import contents
from tests.support.people import delete, look_up, register
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit

SECRET = "a long enough secret"
WRITERS, VISITS_EACH = 3, 8


@pytest.fixture
def rotate(store: Store, configuration: Configuration) -> Callable[[], str]:
    """Changes the key."""
    return lambda: rotate_key(store, configuration.key_file)


def sealed_values(store: Store) -> list[bytes]:
    """Every sealed value of the store."""
    columns = (
        VisitRow.pin_sealed,
        MemberRow.pin_sealed,
        NasRow.secret_sealed,
        StoreRevisionRow.signing_key_sealed,
    )
    with store.read() as work:
        return [value for column in columns for value in work.session.scalars(select(column))]


def add_member(store: Store, pin: str) -> None:
    """Somebody who works here; no command adds one yet."""
    with store.write() as work:
        digest = work.keyring.digest(1, pin)
        member = MemberRow(
            location_id=1,
            first_name="Ada",
            last_name="Lovelace",
            email="ada@example.com",
            email_key="ada@example.com",
            pin_sealed=work.keyring.seal(pin, "member.pin"),
            created_at=work.now,
        )
        work.session.add(member)
        work.session.flush()
        pin_row = PinRow(location_id=1, digest=digest, length=len(pin), member_id=member.id)
        work.session.add(pin_row)


def damage(store: Store) -> list[str]:
    """What ``db check`` finds."""
    with store.read() as work:
        return find_damage(work)


def test_everything_is_sealed_with_the_new_key_alone(
    store: Store, location: Location, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """PINs of visits and members, NAS secrets, the key of the QR codes."""
    visit, deleted = register(store, location), delete(store, register(store, location))
    add_member(store, "31415926")
    with store.write() as work:
        add_nas(work, location, NewNas(name="lobby", address="192.0.2.1", secret=SECRET))
    with store.read() as work:
        code = qr_text(work, visit)
    old = store.keyring

    new = rotate()

    assert list(load_keys(configuration.key_file).keys) == [new] != [old.active]
    values = sealed_values(store)
    assert len(values) == 5
    assert {value[:ID_OCTETS].hex() for value in values} == {new}
    assert (look_up(store, visit).pin, look_up(store, deleted).pin) == (visit.pin, deleted.pin)
    with store.read() as work:
        assert get_nas(work, "lobby").secret == SECRET.encode()
        assert qr_text(work, visit) == code
    assert damage(store) == []


def test_digests_are_of_the_new_key(
    store: Store, location: Location, rotate: Callable[[], str]
) -> None:
    """R7: a PIN is found, and stays unique, for visits and members."""
    visit = register(store, location)
    add_member(store, "31415926")
    rotate()
    with store.read() as work:
        row = work.session.get_one(VisitRow, visit.id)
        assert row.pin_digest == work.keyring.digest(location.id, visit.pin)
        digests = set(work.session.scalars(select(PinRow.digest)))
        pins = (visit.pin, "31415926")
        assert digests == {work.keyring.digest(location.id, pin) for pin in pins}
    for pin in pins:
        with pytest.raises(Refused, match="belongs to somebody else"):
            register(store, location, email="bo@example.com", pin=pin)


def test_readers_load_everything_anew(
    store: Store, location: Location, rotate: Callable[[], str]
) -> None:
    """A new epoch, and a number that does not go back."""
    register(store, location)
    with store.read() as work:
        seen = read_all(work, Horizon()).position
    rotate()
    with store.read() as work:
        assert read_news(work, seen) is None
        position = read_all(work, Horizon()).position
    assert position.epoch != seen.epoch
    assert position.number >= seen.number


def test_it_is_in_the_audit(store: Store, rotate: Callable[[], str]) -> None:
    """Who and when."""
    rotate()
    with store.read() as work:
        (row,) = work.session.scalars(select(AuditRow))
        assert (row.action, row.subject, row.operator) == ("rotate", "key", store.operator)


@pytest.mark.parametrize("rights", [0o600, 0o640])
def test_the_rights_on_the_file_stay(
    rights: int, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """Reception, daemon and FreeRADIUS may share it through a group."""
    configuration.key_file.chmod(rights)
    if os.geteuid() == 0:
        for path in (configuration.home, configuration.key_file):  # a stranger's key is refused
            os.chown(path, 1, 2)
    owner = configuration.key_file.stat().st_uid, configuration.key_file.stat().st_gid
    rotate()
    status = configuration.key_file.stat()
    assert (status.st_uid, status.st_gid) == owner
    assert stat.S_IMODE(status.st_mode) == rights


# Who had the store open before


def test_a_store_that_was_open_goes_on(
    store: Store, location: Location, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """Who meets an unknown key reads the file again, to read and to write."""
    visit = register(store, location)
    with (
        closing(Store.open(configuration, store.clock)) as reader,
        closing(Store.open(configuration, store.clock)) as writer,
    ):
        new = rotate()
        assert look_up(reader, visit).pin == visit.pin
        later = register(writer, location, email="ada@example.com")
        assert {each.keyring.active for each in (reader, writer)} == {new}
        assert look_up(reader, later).pin == later.pin
        with pytest.raises(Refused, match="belongs to somebody else"):
            register(writer, location, pin=visit.pin)


def test_a_look_that_began_before_ends_as_it_began(
    store: Store, location: Location, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """One consistent look: the old values with the old key, although the file has lost it."""
    visit = register(store, location)
    with closing(Store.open(configuration, store.clock)) as reader, reader.read() as work:
        rotate()
        found = find_visit(work, visit.id)
        assert found is not None
        assert found.pin == visit.pin


# Writers at the same moment


def test_writers_and_a_rotation_do_not_disturb_each_other(
    configuration: Configuration, store: Store, location: Location
) -> None:
    """Every PIN that was given out opens with the new key, and is found."""
    given_out: list[Visit] = []
    faults: list[BaseException] = []
    started = threading.Barrier(WRITERS + 1)

    def desk(number: int) -> None:
        try:
            with closing(Store.open(configuration, store.clock)) as own:
                started.wait(60)
                for visit in range(VISITS_EACH):
                    email = f"guest{number}.{visit}@example.com"
                    given_out.append(register(own, location, email=email))
        except BaseException as fault:  # noqa: BLE001 (the test raises it)
            faults.append(fault)

    desks = [threading.Thread(target=desk, args=(number,)) for number in range(WRITERS)]
    for each in desks:
        each.start()
    started.wait(60)
    rotations = [rotate_key(store, configuration.key_file) for _ in range(3)]
    for each in desks:
        each.join(120)

    assert faults == []
    assert len(given_out) == WRITERS * VISITS_EACH
    assert list(load_keys(configuration.key_file).keys) == [rotations[-1]]
    with closing(Store.open(configuration)) as fresh:
        assert {value[:ID_OCTETS].hex() for value in sealed_values(fresh)} == {rotations[-1]}
        for visit in given_out:
            assert look_up(fresh, visit).pin == visit.pin
        with fresh.read() as work:
            assert set(work.session.scalars(select(PinRow.digest))) == {
                work.keyring.digest(location.id, visit.pin) for visit in given_out
            }
        assert damage(fresh) == []


def test_two_rotations_at_once(
    configuration: Configuration, store: Store, location: Location
) -> None:
    """One after the other: the file holds the key of the store, and it alone."""
    visit = register(store, location)
    faults: list[BaseException] = []
    started = threading.Barrier(2)

    def operator() -> None:
        try:
            with closing(Store.open(configuration)) as own:
                started.wait(60)
                rotate_key(own, configuration.key_file)
        except BaseException as fault:  # noqa: BLE001 (the test raises it)
            faults.append(fault)

    operators = [threading.Thread(target=operator) for _ in range(2)]
    for each in operators:
        each.start()
    for each in operators:
        each.join(120)

    assert faults == []
    assert len(load_keys(configuration.key_file).keys) == 1
    with closing(Store.open(configuration, store.clock)) as fresh:
        assert look_up(fresh, visit).pin == visit.pin
        assert damage(fresh) == []


# Cut short


def test_cut_short_before_the_commit(
    store: Store, location: Location, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """The file has a key more, which nothing uses: the store opens under its old one."""
    visit = register(store, location)
    old = store.keyring.active
    add_key(configuration.key_file)

    with closing(Store.open(configuration, store.clock)) as fresh:
        assert fresh.keyring.active == old
        assert look_up(fresh, visit).pin == visit.pin
        later = register(fresh, location, email="ada@example.com")
    new = rotate()
    assert list(load_keys(configuration.key_file).keys) == [new]
    assert look_up(store, later).pin == later.pin


def test_cut_short_after_the_commit(
    store: Store, location: Location, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """The file still has the old key: the store opens, and the next change takes it out."""
    visit = register(store, location)
    path = configuration.key_file
    before = path.read_text()
    new = rotate()
    path.write_text(before + path.read_text())

    with closing(Store.open(configuration, store.clock)) as fresh:
        assert fresh.keyring.active == new
        assert look_up(fresh, visit).pin == visit.pin
    newer = rotate()
    assert list(load_keys(path).keys) == [newer]
    assert look_up(store, visit).pin == visit.pin


def test_a_value_that_does_not_open_stops_it(
    store: Store, location: Location, configuration: Configuration, rotate: Callable[[], str]
) -> None:
    """All or nothing: the store stays under its old key, and is used on; mended, it works."""
    visit, broken = register(store, location), register(store, location, email="ada@example.com")
    with store.read() as work:
        sealed = work.session.get_one(VisitRow, broken.id).pin_sealed
    run_sql(store, "UPDATE visit SET pin_sealed = :octets WHERE id = 2", octets=sealed[:-1])
    before = contents(store)

    with pytest.raises(KeyUnusable, match="cannot be opened"):
        rotate()

    assert contents(store) == before
    with closing(Store.open(configuration, store.clock)) as fresh:
        assert look_up(fresh, visit).pin == visit.pin
        register(fresh, location, email="bo@example.com")
    run_sql(store, "UPDATE visit SET pin_sealed = :octets WHERE id = 2", octets=sealed)
    new = rotate()
    assert list(load_keys(configuration.key_file).keys) == [new]
    assert look_up(store, broken).pin == broken.pin


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """As on a full disk, for root as well."""
    limit, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_key_file_that_cannot_be_written(
    store: Store, location: Location, configuration: Configuration
) -> None:
    """Exit code 5, and nothing is changed: neither the file nor the store."""
    visit = register(store, location)
    path = configuration.key_file
    with closing(Store.open(configuration, store.clock)) as own:
        before, file = contents(own), path.read_bytes()
        with (
            no_file_may_grow(),
            pytest.raises(NexioError, match="cannot be written") as caught,
        ):
            rotate_key(own, path)
        assert isinstance(caught.value, KeyUnusable)
        assert caught.value.exit_code == 5
        assert (contents(own), path.read_bytes()) == (before, file)
        assert look_up(own, visit).pin == visit.pin


def test_pins_are_nowhere_in_what_is_said(
    store: Store, location: Location, rotate: Callable[[], str]
) -> None:
    """An error of the change names the column, never the value."""
    visit = register(store, location)
    run_sql(store, "UPDATE visit SET pin_sealed = signing_key_sealed FROM store_revision")
    with pytest.raises(KeyUnusable) as caught:
        rotate()
    assert PIN_PURPOSE in str(caught.value)
    assert visit.pin not in f"{caught.value} {caught.value.advice}"
