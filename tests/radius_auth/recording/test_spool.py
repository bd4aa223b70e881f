"""A server's own file for what it decided."""

import json
import sqlite3
import stat
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from nexio.errors import StoreUnreachable
from nexio.network.accounting_records import AccountingBatch, batches_of_records
from nexio.network.events import AuthEvent, EventBatch, decided
from radius_auth.recording import spool as spool_module
from radius_auth.recording.spool import Spool, written
from tests.support.accounting import record
from tests.support.full_disks import fill, full_disk
from tests.support.log_entries import batches_of
from tests.support.radius.decisions import event, events


@pytest.fixture
def path(tmp_path: Path, sqlite_file: None) -> Path:
    """Where the spool is, in a folder that is not there yet."""
    return tmp_path / "spool" / "radiusd.db"


def test_what_was_appended_first_comes_out_first(path: Path) -> None:
    """In the order of the decisions."""
    spool = Spool(path, AuthEvent)
    spool.append(events(5)[:2])
    spool.append(events(5)[2:])

    assert spool.oldest(3) == events(3)
    assert spool.oldest(99) == events(5)


def test_an_event_comes_out_as_it_went_in(path: Path) -> None:
    """None of it is lost on the way."""
    rejected = event(
        user_name="Zoë \\x1b", device="02:00:00:ab:cd:ef", location_id=None, visit_id=None
    )
    spool = Spool(path, AuthEvent)

    spool.append([rejected])

    assert spool.oldest(1) == [rejected]


def test_what_was_removed_is_gone(path: Path) -> None:
    """And only that."""
    spool = Spool(path, AuthEvent)
    spool.append(events(4))

    spool.remove([event(1), event(3), event(99)])

    assert spool.oldest(99) == [event(2), event(4)]


def test_the_same_event_is_kept_once(path: Path) -> None:
    """Exactly once by record id, so in the spool too."""
    spool = Spool(path, AuthEvent)
    spool.append(events(2))
    spool.append([event(2), event(3)])

    assert spool.oldest(99) == events(3)


def test_it_survives_being_opened_again(path: Path) -> None:
    """A crash loses nothing that is in the spool."""
    Spool(path, AuthEvent).append(events(2))

    again = Spool(path, AuthEvent)
    again.append([event(3)])

    assert again.oldest(99) == events(3)


def test_order_survives_removal(path: Path) -> None:
    """What comes after an emptied spool comes after."""
    spool = Spool(path, AuthEvent)
    spool.append(events(3))
    spool.remove([event(3)])
    spool.append([event(0)])

    assert spool.oldest(99) == [event(1), event(2), event(0)]


def test_it_is_closed_to_others(path: Path) -> None:
    """Must 20: decisions say who was where; only the server reads them."""
    Spool(path, AuthEvent)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_name_with_signs_is_a_name(sqlite_file: None, tmp_path: Path) -> None:
    """NEXIO_HOME may be called anything."""
    Spool(tmp_path / "what? 100% #1" / "radiusd.db", AuthEvent).append([event()])

    assert (tmp_path / "what? 100% #1" / "radiusd.db").is_file()


def test_a_spool_that_cannot_be_made_says_why(sqlite_file: None, tmp_path: Path) -> None:
    """Guests come first; it is tried again with each use."""
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("a file where the folder should be")
    spool = Spool(in_the_way / "radiusd.db", AuthEvent)

    assert not spool.is_made
    for use in (spool.make, lambda: spool.append([event()]), lambda: spool.oldest(1)):
        with pytest.raises(StoreUnreachable, match=r"the spool .*radiusd\.db cannot be used"):
            use()
    in_the_way.unlink()
    spool.append([event()])
    assert spool.oldest(1) == [event()]
    assert spool.is_made


def test_a_file_that_is_no_spool_is_put_aside(path: Path) -> None:
    """Guests come first, and nothing is overwritten by mistake."""
    path.parent.mkdir()
    path.write_text("something else " * 100)

    spool = Spool(path, AuthEvent)
    spool.append(events(1))
    assert spool.oldest(10) == events(1)
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_text() == "something else " * 100


def test_a_row_that_cannot_be_read_holds_up_nobody(path: Path) -> None:
    """The decisions after it reach the store."""
    spool = Spool(path, AuthEvent)
    spool.append(events(2))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE event SET body = 'no JSON' WHERE number = 1")

    assert spool.oldest(10) == events(2)[1:]


def test_a_spool_that_was_taken_away_says_so(path: Path) -> None:
    """Its user hears of it, and can try again."""
    spool = Spool(path, AuthEvent)
    path.unlink()

    for use in (spool.append, spool.remove):
        with pytest.raises(StoreUnreachable):
            use([event()])
    with pytest.raises(StoreUnreachable):
        spool.oldest(1)

    Spool(path, AuthEvent)
    spool.append([event()])
    assert spool.oldest(1) == [event()]


# A fair share for each NAS


def flood(count: int, **changes: Any) -> list[AuthEvent]:
    """What one NAS tells too much of."""
    return [event(number, nas="flood", **changes) for number in range(1, count + 1)]


def of(nas: str, *numbers: int) -> list[AuthEvent]:
    """What another NAS tells."""
    return [event(number, nas=nas) for number in numbers]


def test_each_nas_has_a_share(path: Path) -> None:
    """One that was told after thousands of another one's comes at once."""
    spool = Spool(path, AuthEvent)
    spool.append(flood(3_000))
    spool.append(of("lobby", 5_001, 5_002, 5_003))
    spool.append(of("bar", 6_001))

    oldest = spool.oldest(100)
    assert oldest == [*flood(96), *of("lobby", 5_001, 5_002, 5_003), *of("bar", 6_001)]
    spool.remove(oldest)
    assert spool.oldest(9_999) == flood(3_000)[96:]


def test_more_nas_than_are_asked_for(path: Path) -> None:
    """Each has its turn, in the order of their names."""
    spool = Spool(path, AuthEvent)
    for number in range(1, 11):
        spool.append(of(f"ap-{number:02}", number, 100 + number))
    seen = []
    for _ in range(5):
        spool.remove(taken := spool.oldest(4))
        seen.append({each.nas for each in taken})
    turns = [f"ap-{number:02}" for number in (*range(1, 11), *range(1, 11))]
    assert seen == [set(turns[i : i + 4]) for i in range(0, 20, 4)]
    assert spool.oldest(4) == []


def test_whose_share_a_decision_of_no_entry_takes(path: Path) -> None:
    """A name that anybody may invent gives nobody a share of their own."""
    spool = Spool(path, AuthEvent)
    invented = [event(n, nas=f"invented-{n}", location_id=None) for n in range(1, 101)]
    spool.append(invented)
    spool.append(of("lobby", 900))
    assert of("lobby", 900)[0] in spool.oldest(2)


def test_how_much_may_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one NAS, and of all; counted again after a restart."""
    monkeypatch.setattr(spool_module, "MOST_OF_ONE", 5)
    monkeypatch.setattr(spool_module, "MOST_OF_ALL", 8)
    spool = Spool(path, AuthEvent)
    spool.append(flood(5))
    assert not spool.has_room("flood")
    assert spool.has_room("lobby")
    spool.append(of("lobby", 11, 12, 13))
    assert not spool.has_room("bar")

    again = Spool(path, AuthEvent)
    assert not again.has_room("flood")
    assert not again.has_room("bar")
    again.remove(again.oldest(4))
    assert again.has_room("flood")
    assert again.has_room("bar")


def test_the_file_gets_smaller(path: Path) -> None:
    """When the store has what came in a flood."""
    spool = Spool(path, AuthEvent)
    empty = path.stat().st_size
    spool.append(flood(20_000))
    assert path.stat().st_size > 4_000_000
    while taken := spool.oldest(1_000):
        spool.remove(taken)
    assert path.stat().st_size < empty + 2_000_000


def old_spool(path: Path, *bodies: str) -> None:
    """As the version before has left it."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE event"
            " (number INTEGER PRIMARY KEY, record_id TEXT UNIQUE, body TEXT NOT NULL)"
        )
        connection.executemany(
            "INSERT INTO event (record_id, body) VALUES (?, ?)",
            [(f"{number:032x}", body) for number, body in enumerate(bodies, 1)],
        )


def test_a_spool_of_an_older_version(path: Path) -> None:
    """Nothing is lost but PINs in User-Names, and it can get smaller."""
    old_spool(
        path, *map(str, map(written, [event(1), event(2, user_name="44863544@guest")])), "no JSON"
    )

    spool = Spool(path, AuthEvent)

    assert b"44863544" not in path.read_bytes()
    assert spool.oldest(9) == [event(1), event(2, user_name="******@guest")]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_accounting_of_an_older_version(path: Path) -> None:
    """It has no sealed name, and comes out all the same."""
    told = record(user_name="PIN459377")
    fields = {**asdict(told), "record_id": f"{1:032x}", "at": told.at.isoformat()}
    old_spool(
        path, *(json.dumps({**fields, **more}) for more in ({}, {"user_name_sealed": "00ff"}))
    )

    first, second = Spool(path, AccountingBatch).oldest(9)
    assert first.records == second.records == (record(user_name="PIN******"),)
    assert [each.source for each in (first, second)] == [told.source_address] * 2
    assert [each.records[0].user_name_sealed for each in (first, second)] == [None, b"\0\xff"]


def test_a_sealed_name_comes_out_as_it_went_in(path: Path) -> None:
    """Whatever octets it is made of."""
    spool = Spool(path, AccountingBatch)
    spool.append(batches_of_records([record(user_name_sealed=bytes(range(256)))]))
    (back,) = spool.oldest(9)[0].records
    assert back.user_name_sealed == bytes(range(256))


def test_what_the_store_has_goes_also_from_a_full_disk(path: Path) -> None:
    """There is no room to write ahead what goes; another thread has the file open, too."""
    spool = Spool(path, AuthEvent)
    with full_disk(), closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM event").fetchone()
        taken = fill(spool)
        spool.remove(taken[:-1])
    assert spool.oldest(9) == taken[-1:]


def test_what_was_written_ahead_goes_with_its_file(path: Path) -> None:
    """A server was killed and its spool removed: a new one reads nothing of the old one."""
    killed = Spool(path, AuthEvent)
    killed.append(events(2))
    ahead = path.with_name(path.name + "-wal").read_bytes()
    assert ahead
    path.unlink()
    with pytest.raises(StoreUnreachable):
        killed.oldest(9)
    path.with_name(path.name + "-wal").write_bytes(ahead)

    spool = Spool(path, AuthEvent)
    assert spool.oldest(9) == []
    spool.append([event(3)])
    assert spool.oldest(9) == [event(3)]


def batch(number: int, writer: str = "one", source: str = "ap", count: int = 3) -> EventBatch:
    """What a worker told together."""
    return EventBatch(
        record_id=f"{writer}-{number}-0",
        source=source,
        events=tuple(decided(each) for each in events(count)),
        writer=writer,
        number=number,
    )


def packed_by_nas(batches: list[EventBatch]) -> list[EventBatch]:
    """As they come out: nobody asks any more who told them."""
    return [replace(each, writer="", number=0) for each in batches]


def test_a_batch_counts_as_many_as_it_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the share of its NAS, and for what is taken out at a time."""
    monkeypatch.setattr(spool_module, "MOST_OF_ONE", 6)
    spool = Spool(path, EventBatch)
    batches = [batch(1), batch(2), batch(3, source="other")]
    spool.append(batches[:1])
    assert spool.has_room("ap")
    spool.append(batches[1:])
    assert not spool.has_room("ap")
    assert not Spool(path, EventBatch).has_room("ap")

    assert spool.oldest(4) == packed_by_nas([batches[0], batches[2]])
    assert spool.oldest(99) == packed_by_nas(batches)
    spool.remove(batches)
    assert spool.has_room("ap")


def test_a_batch_that_is_told_again_is_known(path: Path) -> None:
    """Also when it is in the store by now, and after a restart of the companion."""
    spool = Spool(path, EventBatch)
    spool.append([batch(1), batch(2)])
    spool.remove([batch(1), batch(2)])
    spool.append([batch(2), batch(3)])
    again = Spool(path, EventBatch)
    again.append([batch(3), batch(4), batch(1, writer="other")])

    assert again.oldest(99) == packed_by_nas([batch(3), batch(4), batch(1, writer="other")])


def test_a_file_of_an_older_version_goes_on(path: Path) -> None:
    """Each decision in it by itself, with its own id."""
    Spool(path, AuthEvent).append(events(2))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE heard")
        connection.execute("ALTER TABLE event DROP COLUMN weight")

    spool = Spool(path, EventBatch)
    spool.append([batch(1)])
    found = spool.oldest(99)
    assert [each.record_id for each in found] == [
        *(each.record_id for each in events(2)),
        "one-1-0",
    ]
    assert [each.events for each in found[:2]] == [(decided(each),) for each in events(2)]


def test_a_batch_says_whose_it_is(path: Path) -> None:
    """Several servers may have one spool, and each decision is one server's."""
    spool = Spool(path, EventBatch)
    ours = replace(batch(1), server=("nexio-radiusd", "harbour-1", "1812"))
    spool.append([ours, batch(2)])
    assert spool.oldest(99) == packed_by_nas([ours, batch(2)])
    assert {each.server for each in ours.alone()} == {ours.server}


def test_a_damaged_batch_holds_up_nobody(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is known by its checksum, before anything reads it."""
    spool = Spool(path, EventBatch)
    spool.append([batch(1), batch(2)])
    with closing(sqlite3.connect(path)) as connection, connection:
        (body,) = connection.execute("SELECT body FROM event WHERE number = 1").fetchone()
        damaged = body[:-1] + bytes([body[-1] ^ 1])
        connection.execute("UPDATE event SET body = ? WHERE number = 1", (damaged,))

    assert spool.oldest(9) == packed_by_nas([batch(2)])
    assert "1 records in the spool were unreadable and are lost" in caplog.messages


def test_decisions_stay_as_their_process_made_them(path: Path) -> None:
    """They are counted without being read, and an older version wrote each of them."""
    spool, mine = Spool(path, EventBatch), [decided(each) for each in events(3)]
    packed = batches_of("one", 1, mine)
    spool.append([*packed, batch(1, writer="old")])
    found = Spool(path, EventBatch).oldest(9)

    assert [len(each) for each in found] == [3, 3]
    assert [list(each.events) for each in found] == [mine, mine]
    assert found[0].values() == packed[0].values()
    assert {each.since() for each in found} == {mine[0][0]}


def test_batches_that_an_older_version_wrote_are_read(path: Path) -> None:
    """They are text."""
    spool = Spool(path, EventBatch)
    spool.append([batch(1)])
    body = json.dumps([batch(1).record_id, batch(1).source, batch(1).events])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE event SET body = ?", (body,))

    assert spool.oldest(9) == packed_by_nas([batch(1)])
