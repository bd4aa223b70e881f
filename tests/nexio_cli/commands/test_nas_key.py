"""``nexio key rotate --nas``: secrets of access points under a key that reception has not got."""

from __future__ import annotations

import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from nexio.errors import KeyUnusable
from nexio.keys.key_file import load_keys
from nexio.network.following import Horizon
from nexio.network.nas import get_nas
from nexio.network.news import read_all
from nexio.store.engine import Store
from nexio.store.tables import NasRow, StoreRevisionRow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli.running import Nexio

SECRET = "a long enough secret of ours"
MISSING = "have a key of their own"


@pytest.fixture
def house(desk: Nexio, zoe: object) -> Nexio:
    """Harbour House with Zoë and a NAS, whose secret has a key of its own."""
    desk.done("nas", "add", "lobby", "192.0.2.10", "--secret", SECRET)
    desk.done("key", "rotate", "--nas", "--yes")
    return desk


@pytest.fixture
def reception(house: Nexio) -> Nexio:
    """The same for a user who may not read the second key."""
    nas_key(house).rename(hidden(house))
    return house


def nas_key(house: Nexio) -> Path:
    """The second key file."""
    return house.configuration.nas_key_file


def hidden(house: Nexio) -> Path:
    """Where it is when reception looks."""
    return nas_key(house).with_name("of the servers")


def key_ids(house: Nexio) -> tuple[str, str | None, str]:
    """The keys that the store names, and the one that the NAS secret is sealed with."""
    with closing(Store.open(house.configuration)) as store, store.read() as work:
        row = work.session.scalars(select(StoreRevisionRow)).one()
        sealed = work.session.scalars(select(NasRow.secret_sealed)).first() or b""
        return row.key_id, row.nas_key_id, sealed[:4].hex()


def test_a_store_goes_on_without_a_second_key(desk: Nexio) -> None:
    """As before; the first rotation with --nas makes the file, with the rights of the key file."""
    desk.done("nas", "add", "lobby", "192.0.2.10", "--secret", SECRET)
    first, second, of_secret = key_ids(desk)
    assert (second, of_secret) == (None, first)
    assert not nas_key(desk).exists()
    desk.configuration.key_file.chmod(0o640)
    said = desk.done("key", "rotate", "--nas", "--yes")
    assert f"in {nas_key(desk)}." in said.out
    assert "Let only the servers read" in said.err
    assert ".retired" not in said.err
    assert stat.S_IMODE(nas_key(desk).stat().st_mode) == 0o640
    _, second, of_secret = key_ids(desk)
    assert second == of_secret != first
    assert list(load_keys(nas_key(desk)).keys) == [second]
    assert key_ids(desk)[0] == first
    assert desk.done("nas", "show", "lobby", "--secret", "--json").json["secret"] == SECRET
    desk.done("db", "check")
    assert desk.done("audit", "--json").json[-1]["subject"] == "nas-key"


def test_both_keys_are_rotated(house: Nexio) -> None:
    """Together, or the second one alone; old ones are beside their files."""
    first, second, _ = key_ids(house)
    house.done("key", "rotate", "--yes")
    new_first, new_second, of_secret = key_ids(house)
    assert {first, second}.isdisjoint({new_first, new_second})
    assert of_secret == new_second
    assert list(load_keys(house.configuration.key_file).keys) == [new_first]
    assert list(load_keys(nas_key(house)).keys) == [new_second]
    retired = nas_key(house).with_name("nas-key.retired")
    assert list(load_keys(retired).keys) == [second]
    house.done("key", "rotate", "--nas", "--yes")
    assert key_ids(house)[0] == new_first
    assert key_ids(house)[1] not in {second, new_second}
    house.done("db", "check")
    assert house.done("nas", "show", "lobby", "--secret", "--json").json["secret"] == SECRET


def test_reception_does_its_work(reception: Nexio) -> None:
    """Without the second key: visitors, members, lists, settings, checks, backups."""
    visit = reception.register(email="ada@example.com")
    reception.done("checkin", visit["pin"])
    reception.done("visitor", "reissue", "1", "--yes")
    reception.done("settings", "set", "pin-length=7")
    (shown,) = reception.done("nas", "list", "--json").json
    assert shown["name"] == "lobby"
    assert "secret" not in reception.done("nas", "show", "lobby", "--json").json
    reception.done("nas", "edit", "lobby", "--ssid", "guests")
    assert reception.done("explain", "ada@example.com").out.startswith("Yes")
    reception.done("housekeeping")
    reception.done("db", "check")
    assert "left out" not in reception.done("nas", "list").err
    reception.done("nas", "remove", "lobby", "--yes")


NEEDS_BOTH = [
    "nas show lobby --secret",
    "nas add roof 192.0.2.11",
    "nas edit lobby --secret another.long.secret",
    "nas edit lobby --address 192.0.2.12",
    "key rotate --yes",
    "key rotate --nas --yes",
    "radius test zoe@example.com 123456 --nas lobby",
]


def test_what_needs_the_second_key_says_so(reception: Nexio) -> None:
    """Exit 5, and nothing is changed."""
    before = key_ids(reception), reception.rows()
    for words in NEEDS_BOTH:
        said = reception(*words.split()).refused(5)
        assert MISSING in said, words
        assert "NEXIO_NAS_KEY_FILE" in said, words
        assert (key_ids(reception), reception.rows()) == before, words
        assert not nas_key(reception).exists(), words


def test_servers_need_both(reception: Nexio) -> None:
    """They say what is missing; with the file they have the secret at once."""
    with closing(Store.open(reception.configuration)) as store, store.read() as work:
        missing = pytest.raises(KeyUnusable, match=f"there is no file {nas_key(reception)}")
        with missing:
            read_all(work, Horizon())
    hidden(reception).rename(nas_key(reception))
    with closing(Store.open(reception.configuration)) as store, store.read() as work:
        assert [nas.secret for nas in read_all(work, Horizon()).nas or ()] == [SECRET.encode()]


def test_what_doctor_says_where_there_is_no_such_file(reception: Nexio) -> None:
    """Wrong where servers are, and their tables are not blamed; reception alone needs none."""
    spool = reception.configuration.home / "spool"

    def found() -> dict[str, dict[str, str]]:
        return {each["subject"]: each for each in reception("doctor", "--json").json}

    if reception.configuration.database_url.startswith("postgresql"):
        assert found()["NAS key"]["well"]
        assert "enough for reception" in found()["NAS key"]["message"]
    spool.mkdir(exist_ok=True)
    (spool / "radiusd.table").write_bytes(b"sealed with the key that is not there")
    findings = found()
    assert not findings["NAS key"]["well"]
    assert f"there is no file {nas_key(reception)}" in findings["NAS key"]["message"]
    assert "from where you keep keys" in findings["NAS key"]["advice"]
    assert "kept table" not in findings


def test_an_open_process_takes_the_new_key(house: Nexio) -> None:
    """As with the first one: it reads the file again."""
    with closing(Store.open(house.configuration)) as store:
        house.done("key", "rotate", "--nas", "--yes")
        with store.read() as work:
            assert get_nas(work, "lobby").secret == SECRET.encode()


def test_a_backup_needs_the_key_of_its_time(house: Nexio, tmp_path: Path) -> None:
    """Both; with the retired line it is back."""
    house.done("db", "backup", str(tmp_path / "backup.db"))
    house.done("key", "rotate", "--nas", "--yes")
    said = house("db", "restore", str(tmp_path / "backup.db"), "--yes").refused(5)
    assert "nas-key" in said
    retired = nas_key(house).with_name("nas-key.retired").read_text().splitlines()[-1]
    current = nas_key(house).read_text()
    nas_key(house).write_text(f"{current.rstrip()}\n{retired}\n")
    house.done("db", "restore", str(tmp_path / "backup.db"), "--yes")
    assert house.done("nas", "show", "lobby", "--secret", "--json").json["secret"] == SECRET


def test_what_doctor_says_of_the_rights(house: Nexio) -> None:
    """Open to others: nothing works; to the same group as the first: reception could read it."""

    def found() -> tuple[bool, str]:
        each = {each["subject"]: each for each in house("doctor", "--json").json}["NAS key"]
        return each["well"], each["message"]

    assert found() == (True, f"{nas_key(house)}, closed to others")
    for file in (nas_key(house), house.configuration.key_file):
        file.chmod(0o640)
    well, message = found()
    assert not well
    assert "may read" in message
    nas_key(house).chmod(0o644)
    assert "open to other users" in house("visitor", "list").refused(5)
