"""The last table on disk: what is written is read, and nothing else ever is."""

from __future__ import annotations

import ipaddress
import stat
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.clock import utc_now
from nexio.configuration import Configuration
from nexio.input.reply_settings import ReplySetting
from nexio.keys.key_file import create_key_file, load_keys
from nexio.keys.keyring import Keyring
from nexio.network.following import Position
from radius_auth.replica import saved_table as module
from radius_auth.replica.saved_table import (
    SavedTable,
    SavedTableFile,
    Unusable,
    find_saved_table,
    put_strange_aside,
    read_saved_table,
)
from radius_auth.replica.table import Change
from tests.support.radius.guests import (
    ANNEX,
    HOUSE,
    KEYRING,
    NINE,
    PIN,
    SECRET,
    nas,
    table_of,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from nexio.network.following import FollowedVisit
    from radius_auth.replica.table import Table

AT = Position(epoch="tests", number=7)
DAY = timedelta(hours=24)

_TEMPLATE = visit()
instants = st.datetimes().map(lambda at: at.replace(tzinfo=NINE.tzinfo))
visits = st.builds(
    lambda number, email, digest, at, devices, most: _TEMPLATE._replace(
        id=number,
        email_key=email,
        pin_digest=digest,
        revoked_at=at,
        devices=tuple(devices),
        max_devices=most,
    ),
    st.integers(1, 5),
    st.text(max_size=8),
    st.binary(min_size=32, max_size=32),
    st.none() | instants,
    st.lists(st.text(max_size=3), max_size=2),
    st.none() | st.integers(1, 9),
)
changes = st.builds(
    Change,
    visits=st.lists(visits, max_size=3, unique_by=lambda each: each.id),
    gone=st.lists(st.integers(6, 9), max_size=2),
    locations=st.none() | st.lists(st.sampled_from([HOUSE, ANNEX]), unique_by=lambda it: it.id),
    nas=st.none() | st.lists(st.builds(nas, st.integers(1, 3)), unique_by=lambda it: it.id),
)


def written(
    path: Path,
    *visits: FollowedVisit,
    added: Sequence[Change] = (),
    table: Table | None = None,
    followed_at: datetime = NINE,
) -> SavedTableFile:
    """A file of a table of Harbour House, followed at nine."""
    if table is None:
        table = table_of(nas_entries=[nas(), nas(2, "2001:db8::/32")])
    whole = SavedTable(table=table, position=AT, followed_at=followed_at)
    file = SavedTableFile.write(path, whole, visits)
    for number, change in enumerate(added, 1):
        file.add([change], replace(AT, number=7 + number), NINE + timedelta(seconds=number))
    return file


def held(kept: SavedTable | None) -> Any:
    """All that a table holds."""
    assert kept is not None
    table = kept.table
    return (
        {each.id: each for each in table.all_visits()},
        table.locations,
        table.nas.entries,
        kept.position,
        kept.followed_at,
    )


def applied(before: Any, change: Change) -> Any:
    """What a table holds after a change."""
    known, places, entries, position, at = before
    gone = dict.fromkeys(change.gone)
    known = {number: each for number, each in known.items() if number not in gone}
    return (
        known | {each.id: each for each in change.visits if each.id not in gone},
        places if change.locations is None else {each.id: each for each in change.locations},
        entries if change.nas is None else tuple(change.nas),
        replace(position, number=position.number + 1),
        at + timedelta(seconds=1),
    )


@given(st.lists(visits, max_size=4, unique_by=lambda each: each.id), st.lists(changes, max_size=4))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, first: list[FollowedVisit], added: list[Change]
) -> None:
    """A table and all that changed, in its order; cut off anywhere, it is as of a moment before.

    A table that is not whole is none.
    """
    path = tmp_path_factory.getbasetemp() / "property.table"
    file = written(path, *first)
    sizes = [path.stat().st_size]
    for number, change in enumerate(added, 1):
        file.add([change], replace(AT, number=7 + number), NINE + timedelta(seconds=number))
        sizes.append(path.stat().st_size)
    file.close()
    octets = path.read_bytes()
    places, entries = {1: HOUSE, 2: ANNEX}, (nas(), nas(2, "2001:db8::/32"))
    begin = {each.id: each for each in first}, places, entries, AT, NINE
    states = list(accumulate(added, applied, initial=begin))
    assert held(read_saved_table(path, KEYRING)) == states[-1]
    for size, state in zip(sizes, states, strict=True):
        path.write_bytes(octets[:size] + bytes(7))  # after a loss of power
        assert held(read_saved_table(path, KEYRING)) == state
    path.write_bytes(octets[: sizes[0] - 1])
    with pytest.raises(Unusable, match="is damaged"):
        read_saved_table(path, KEYRING)


@given(st.data())
def test_no_octet_can_be_changed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """It is refused, or it is as of a moment before, where the length of a part was changed."""
    path = tmp_path_factory.getbasetemp() / "changed.table"
    added = [Change(visits=[visit(2)]), Change(gone=[2])]
    written(path, visit(1), added=added).close()
    octets = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(octets) - 1), min_size=20, max_size=20)):
        changed = bytearray(octets)
        changed[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(changed)
        try:
            found = held(read_saved_table(path, KEYRING))
        except Unusable:
            continue
        assert found[-1] < NINE + timedelta(seconds=2)
        assert found[0].keys() in ({1}, {1, 2})


def test_a_part_of_another_file_is_none(tmp_path: Path) -> None:
    """Nor can parts change places: a revocation cannot be taken out."""
    paths = tmp_path / "one.table", tmp_path / "two.table"
    sizes = []
    for path in paths:
        file = written(path, visit(1))
        sizes.append(path.stat().st_size)
        file.add([Change(visits=[visit(1, revoked_at=NINE)])], AT, NINE)
        file.close()
    one, two = (path.read_bytes() for path in paths)
    paths[0].write_bytes(one[: sizes[0]] + two[sizes[1] :])
    with pytest.raises(Unusable, match="is damaged"):
        read_saved_table(paths[0], KEYRING)


def test_only_the_key_opens_it(tmp_path: Path) -> None:
    """No secret, PIN, digest or address stands there in clear, and nobody else may read it."""
    path = tmp_path / "radiusd.table"
    written(path, visit(1)).close()
    octets = path.read_bytes()
    shown = (SECRET, PIN.encode(), KEYRING.digest(1, PIN), b"zoe@example.com", b"Harbour House")
    assert not any(each in octets for each in shown)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["radiusd.table"]
    other = Keyring.of({"00000002": b"o" * 32}, "00000002")
    with pytest.raises(Unusable, match="is of another key"):
        read_saved_table(path, other)
    same_name = Keyring.of({"00000001": b"o" * 32}, "00000001")
    with pytest.raises(Unusable, match="is damaged"):
        read_saved_table(path, same_name)


def test_a_second_key(tmp_path: Path) -> None:
    """It holds secrets of NAS: nobody reads it with the first key alone; digests are of that."""
    path = tmp_path / "radiusd.table"
    both = {**KEYRING.keys, "00000002": b"o" * 32}
    table = table_of(nas_entries=[nas()])
    table.keyring = Keyring.of(both, KEYRING.active, "00000002")
    written(path, visit(1), table=table).close()
    with pytest.raises(Unusable, match="is of another key"):
        read_saved_table(path, KEYRING)
    kept = read_saved_table(path, Keyring.of(both, KEYRING.active))
    assert kept is not None
    assert kept.table.keyring == table.keyring
    assert kept.table.keyring.digest(1, PIN) == KEYRING.digest(1, PIN)


def test_every_value_of_a_place_is_read(tmp_path: Path) -> None:
    """Replies, addresses and settings are the same again."""
    reply = (
        ReplySetting("walk-in", "vlan", "30"),
        ReplySetting("", "Filter-Id", "x", b"\x0b\x03x"),
    )
    house = replace(HOUSE, reply=reply)
    entry = nas(address="192.0.2.0/24", location=house, reply=reply, disconnect_port=3799)
    table = table_of(locations=[house], nas_entries=[entry])
    written(tmp_path / "a.table", table=table).close()
    kept = read_saved_table(tmp_path / "a.table", KEYRING)
    assert kept is not None
    assert kept.table.locations == {1: house}
    assert kept.table.nas.entries == (entry,)
    assert kept.table.replies == table.replies
    assert kept.table.nas.find("192.0.2.7") is not None
    assert kept.table.nas.entries[0].address == ipaddress.ip_network("192.0.2.0/24")


def test_another_version_of_this_software(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its values may have another shape."""
    written(tmp_path / "a.table").close()
    monkeypatch.setattr(module, "SHAPE", "another one")
    with pytest.raises(Unusable, match="is of another version"):
        read_saved_table(tmp_path / "a.table", KEYRING)


def test_whoever_has_the_key_runs_no_code(tmp_path: Path) -> None:
    """A file makes values of ours and nothing else: the desk may have the key, too."""
    touched = tmp_path / "touched"

    class Bad:
        def __reduce__(self) -> tuple[Any, ...]:
            return type(touched).touch, (touched,)

    path = tmp_path / "a.table"
    file = written(path)
    file.add([Change(gone=[Bad()])], AT, NINE)  # type: ignore[list-item]
    file.close()
    with pytest.raises(Unusable, match="is of another version"):
        read_saved_table(path, KEYRING)
    assert not touched.exists()


# At a start


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """With a key, and no store."""
    made = Configuration(
        home=tmp_path,
        key_file=tmp_path / "key",
        nas_key_file=tmp_path / "nas-key",
        database_url="sqlite:///x",
    )
    create_key_file(made.key_file)
    return made


def keyring_of(configuration: Configuration) -> Keyring:
    """Its key."""
    return load_keys(configuration.key_file)


@pytest.mark.parametrize(
    ("ago", "says"),
    [
        (timedelta(0), None),
        (DAY - timedelta(minutes=1), None),
        (DAY + timedelta(seconds=1), "was followed 1 day ago"),
        (timedelta(minutes=-2), "is of the future"),
    ],
)
def test_how_old_it_may_be(
    configuration: Configuration,
    ago: timedelta,
    says: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The age counts from when the store was last followed; the file stays."""
    path = configuration.home / "radiusd.table"
    table = table_of()
    table.keyring = keyring_of(configuration)
    written(path, table=table, followed_at=utc_now() - ago).close()
    kept = find_saved_table(path, configuration, DAY)
    assert (kept is None) == (says is not None)
    assert [line for line in caplog.messages if says and says in line] == caplog.messages
    assert path.exists()


@pytest.mark.parametrize("octets", [b"", b"nexio", b"\0" * 100, bytes(range(256))])
def test_what_is_no_table_is_put_aside(
    configuration: Configuration, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """With one line; the server starts without it."""
    path = configuration.home / "radiusd.table"
    path.write_bytes(octets)
    assert find_saved_table(path, configuration, DAY) is None
    (line,) = caplog.messages
    assert "is damaged and is put aside as" in line
    assert not path.exists()
    assert next(configuration.home.glob("radiusd.damaged-*")).read_bytes() == octets


def test_there_is_none(configuration: Configuration, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said about it."""
    path = configuration.home / "radiusd.table"
    assert find_saved_table(path, configuration, DAY) is None
    put_strange_aside(path, KEYRING, "tests")
    assert caplog.messages == []


def test_it_cannot_be_read(configuration: Configuration, caplog: pytest.LogCaptureFixture) -> None:
    """One line; it stays where it is."""
    path = configuration.home / "radiusd.table"
    path.mkdir()
    assert find_saved_table(path, configuration, DAY) is None
    (line,) = caplog.messages
    assert "cannot be read" in line
    assert path.exists()


@pytest.mark.parametrize(
    ("epoch", "keyring", "says"),
    [
        ("tests", KEYRING, None),
        ("restored", KEYRING, "is of another epoch of the store"),
        ("tests", Keyring.of({"00000002": b"o" * 32}, "00000002"), "is of another key"),
    ],
)
def test_that_of_another_store_is_put_aside(
    tmp_path: Path,
    epoch: str,
    keyring: Keyring,
    says: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server that has read its store does not keep what an earlier one left there."""
    path = tmp_path / "radiusd.table"
    written(path).close()
    put_strange_aside(path, keyring, epoch)
    assert path.exists() == (says is None)
    assert len(caplog.messages) == (says is not None)
    assert all(str(says) in line for line in caplog.messages)
