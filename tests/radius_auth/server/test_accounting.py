"""Accounting-Requests from octets to records, without a socket (Must 16 and 17)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AcctPacket

from nexio.network.accounting_records import (
    AccountingBatch,
    AccountingRecord,
    batches_of_records,
    unseal_name,
)
from nexio.network.session_updates import record_accounting
from radius_auth.protocol.accounting_request import Unstorable
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import Acct, Attribute, Fault, read_packet
from radius_auth.recording.spool import Spool, read_back, written
from radius_auth.server.accountant import Accountant
from radius_auth.server.sockets import Source
from tests.support.accounting import sessions
from tests.support.clocks import Clock
from tests.support.people import register
from tests.support.radius.access_requests import DICTIONARY, access_request
from tests.support.radius.accounting_requests import (
    OFF,
    ON,
    START,
    STATION,
    STOP,
    UPDATE,
    accounting_request,
    answered,
    number,
    resigned,
)
from tests.support.radius.datagrams import almost_packets, attributes, join, packet
from tests.support.radius.guests import ANNEX, KEYRING, NINE, SECOND, SECRET, nas, table_of, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from nexio.network.sessions import WifiSession
    from nexio.store.engine import Store

AP = Source(3, ("127.0.0.1", 40000))


def keeper(spool: Spool[AccountingBatch]) -> Callable[[Sequence[AccountingRecord]], None]:
    """Stores records as a server does."""
    return lambda records: spool.append(batches_of_records(records))


def kept(spool: Spool[AccountingBatch]) -> list[AccountingRecord]:
    """The records that wait in a spool."""
    return [record for batch in spool.oldest(9) for record in batch.records]


def through_spool(record: AccountingRecord) -> list[AccountingRecord]:
    """A record as it comes out of a spool."""
    (batch,) = batches_of_records([record])
    back = read_back(written(batch), AccountingBatch)
    return [] if back is None else list(back.records)


def in_full(record: AccountingRecord) -> bytes:
    """All that a log or a spool can have of a record."""
    (spooled,) = map(written, batches_of_records([record]))
    assert isinstance(spooled, bytes)
    return spooled + repr(record).encode()


class Server:
    """An accountant with its surroundings, at nine o'clock."""

    def __init__(
        self,
        spool: Spool[AccountingBatch] | None = None,
        nas_entries: tuple[Nas, ...] = (nas(),),
        visits: tuple[FollowedVisit, ...] = (),
    ) -> None:
        self.table = table_of(*visits, nas_entries=nas_entries)
        self.age = timedelta(0)
        self.clock = Clock(NINE)
        self.discards = Discards()
        self.commits: list[Sequence[AccountingRecord]] = []
        store = self.commits.append if spool is None else keeper(spool)
        hours = timedelta(hours=24)
        self.full: set[str] = set()
        self.accountant = Accountant(
            self, store, hours, self.clock, self.discards, lambda whose: whose not in self.full
        )

    def receive(self, *datagrams: bytes, source: Source = AP) -> list[bytes]:
        """The answers to what waits in the socket together."""
        waiting = [(datagram, source, source.waited) for datagram in datagrams]
        return [octets for octets, _ in self.accountant.answer(waiting, 1000.0)]

    def records(self, *datagrams: bytes, source: Source = AP) -> list[AccountingRecord]:
        """What is stored of datagrams that are all answered."""
        assert len(self.receive(*datagrams, source=source)) == len(datagrams)
        assert self.discards.counts == {}
        return list(self.commits[-1])


def record_of(datagram: bytes, **surroundings: Any) -> AccountingRecord:
    """What is stored of a datagram."""
    (record,) = Server().records(datagram, **surroundings)
    return record


# Answered if and only if it is stored


def test_must_16_it_is_stored_and_then_answered(sqlite_file: None, tmp_path: Path) -> None:
    """The record is on the disk when the answer goes out."""
    spool = Spool(tmp_path / "spool" / "accounting.db", AccountingBatch)
    request = accounting_request()
    (answer,) = Server(spool).receive(request)
    assert answered(request, answer).attributes == ()
    again = Spool(tmp_path / "spool" / "accounting.db", AccountingBatch)
    assert kept(again) == [record_of(request)]


def test_must_16_what_cannot_be_stored_is_not_answered(
    sqlite_file: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk, a file that is gone: silence, counted, one line in the log; then it goes on."""
    path = tmp_path / "spool" / "accounting.db"
    server = Server(Spool(path, AccountingBatch))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        path.rename(path.with_suffix(".away"))
        assert server.receive(accounting_request(), accounting_request(STOP)) == []
    assert server.discards.counts == {DiscardReason.NOT_STORED: 2}
    assert len([line for line in caplog.messages if "cannot be used" in line]) == 1
    path.with_suffix(".away").rename(path)
    assert len(server.receive(accounting_request())) == 1


def test_must_16_a_full_disk(sqlite_file: None, tmp_path: Path) -> None:
    """SQLite's own words of it end in silence."""
    path = tmp_path / "spool" / "accounting.db"
    Spool(path, AccountingBatch)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON event BEGIN"
            " SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    server = Server(Spool(path, AccountingBatch))
    assert server.receive(accounting_request()) == []
    assert server.discards.counts == {DiscardReason.NOT_STORED: 1}


def test_must_16_what_waits_together_is_stored_in_one_commit() -> None:
    """And what cannot be trusted among it holds up nobody."""
    server = Server()
    good = [accounting_request(session=str(i).encode(), identifier=i) for i in range(100)]
    answers = server.receive(*good[:50], b"nonsense", good[50][:-1], *good[50:])
    assert [len(commit) for commit in server.commits] == [100]
    for request, answer in zip(good, answers, strict=True):
        answered(request, answer)
    assert server.discards.counts == {Fault.TOO_SHORT: 1, Fault.TRUNCATED: 1}


def test_must_08_proxy_state_comes_back_in_order() -> None:
    """Unmodified, and nothing else (RFC 2866 section 4.2)."""
    states = [b"b", b"", b"a" * 253, b"1234", b"0x00"]
    request = accounting_request(attributes={Attribute.PROXY_STATE: states})
    (answer,) = Server().receive(request)
    assert answered(request, answer).attributes == tuple(
        (Attribute.PROXY_STATE, state) for state in states
    )


def edited(kind: int, value: bytes) -> bytes:
    """A request with one more attribute, well signed."""
    body = accounting_request()[20:] + bytes([kind, len(value) + 2]) + value
    return resigned(packet(body, code=4))


def flipped(datagram: bytes, place: int = -1) -> bytes:
    """One bit of it changed on the way."""
    octets = bytearray(datagram)
    octets[place] ^= 1
    return bytes(octets)


SIGNED = accounting_request(signed=True)
EMPTY_SECRET = accounting_request(secret=b"")


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (flipped(accounting_request()), DiscardReason.REQUEST_AUTHENTICATOR_WRONG),
        (flipped(accounting_request(), 5), DiscardReason.REQUEST_AUTHENTICATOR_WRONG),
        (accounting_request(secret=b"another secret"), DiscardReason.REQUEST_AUTHENTICATOR_WRONG),
        (EMPTY_SECRET, DiscardReason.REQUEST_AUTHENTICATOR_WRONG),
        (resigned(flipped(SIGNED, 25)), DiscardReason.MESSAGE_AUTHENTICATOR_WRONG),
        (edited(80, bytes(15)), DiscardReason.MESSAGE_AUTHENTICATOR_LENGTH),
        (
            resigned(packet(SIGNED[20:] + SIGNED[20:38], code=4)),
            DiscardReason.MESSAGE_AUTHENTICATOR_REPEATED,
        ),
        (edited(Acct.SESSION_TIME, b"123"), Unstorable.LENGTH),
        (edited(Acct.INPUT_OCTETS, b""), Unstorable.LENGTH),
        (edited(Acct.DELAY_TIME, b"1"), Unstorable.LENGTH),
        (edited(Attribute.NAS_IP_ADDRESS, b"123"), Unstorable.LENGTH),
        (edited(Acct.SESSION_ID, b"82"), Unstorable.REPEATED),
        (edited(Acct.STATUS_TYPE, number(STOP)[0]), Unstorable.REPEATED),
        (accounting_request(attributes={Acct.STATUS_TYPE: []}), Unstorable.NO_STATUS),
        (accounting_request(session=b""), Unstorable.NO_SESSION),
        (accounting_request(attributes={Acct.SESSION_ID: []}), Unstorable.NO_SESSION),
        (resigned(packet(b"\x00\x04ab", code=4)), Fault.ATTRIBUTE_TYPE_ZERO),
        (resigned(packet(b"\x01\x01", code=4)), Fault.ATTRIBUTE_TOO_SHORT),
        (resigned(packet(b"\x01\xff", code=4)), Fault.ATTRIBUTE_OVERRUN),
        (access_request(authenticator=bytes(16)), DiscardReason.UNEXPECTED_CODE),
        (resigned(packet(code=5)), DiscardReason.UNEXPECTED_CODE),
        (packet(code=12), DiscardReason.MESSAGE_AUTHENTICATOR_MISSING),
    ],
)
def test_must_16_what_is_wrong_is_discarded(datagram: bytes, reason: Any) -> None:
    """As a whole: no answer, and nothing is stored."""
    server = Server()
    assert server.receive(datagram) == []
    assert server.discards.counts == {reason: 1}
    assert server.commits == []


def test_must_16_a_message_authenticator_that_is_right() -> None:
    """It may be there; pyrad makes it over zeros in place of the Request Authenticator."""
    assert record_of(SIGNED) == record_of(accounting_request())


def test_must_01_a_stranger_is_discarded_before_anything_is_read() -> None:
    """And so is everybody where the store has been out of reach for too long."""
    server = Server()
    assert server.receive(accounting_request(), source=Source(3, ("127.0.0.9", 1))) == []
    server.age = timedelta(hours=24) + SECOND
    assert server.receive(accounting_request()) == []
    server.age = timedelta(0)
    assert server.receive(accounting_request(), source=Source(3, AP.address, waited=5.1)) == []
    assert server.discards.counts == {
        DiscardReason.UNKNOWN_CLIENT: 1,
        DiscardReason.STALE: 1,
        DiscardReason.TOO_LATE: 1,
    }


def test_must_18_status_server_on_the_accounting_port() -> None:
    """Answered with an Accounting-Response, signed; nothing is stored."""
    status = AcctPacket(code=12, id=9, secret=SECRET, dict=DICTIONARY)
    request = status.RequestPacket()
    server = Server()
    (answer,) = server.receive(request)
    assert [kind for kind, _ in answered(request, answer).attributes] == [80]
    reply = status.CreateReply(packet=answer)
    assert status.VerifyReply(reply, answer, enforce_ma=True)
    assert server.commits == []


# What it says


def test_a_record_says_who_where_and_how_much() -> None:
    """Octets with their Gigawords (RFC 2869 section 5.1), the MAC in one notation."""
    record = record_of(
        accounting_request(
            STOP,
            {
                Acct.SESSION_TIME: number(3600),
                Acct.INPUT_OCTETS: number(5),
                Acct.INPUT_GIGAWORDS: number(1),
                Acct.OUTPUT_OCTETS: number(2**32 - 1),
                Acct.OUTPUT_GIGAWORDS: number(2),
                Acct.TERMINATE_CAUSE: number(4),
                Attribute.NAS_IP_ADDRESS: [bytes([192, 0, 2, 10])],
                Attribute.CLASS: [b"somebody's", b"nexio/1/22/333"],
            },
        )
    )
    assert (record.status, record.seconds, record.terminate_cause) == ("stop", 3600, 4)
    assert (record.octets_in, record.octets_out) == (2**32 + 5, 3 * 2**32 - 1)
    assert (record.claimed_location, record.claimed_visit, record.claimed_token) == (1, 22, 333)
    assert (record.nas, record.nas_id, record.location_id) == ("ap-1", 1, 1)
    assert (record.nas_identifier, record.nas_address) == ("lobby", "192.0.2.10")
    assert (record.calling_station, record.device) == (STATION.decode(), "02:00:00:ab:cd:ef")
    assert (record.user_name, record.session_id) == ("zoe@example.com", "81")
    assert record.at == NINE


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (1, "start"),
        (2, "stop"),
        (3, "update"),
        (7, "accounting-on"),
        (8, "accounting-off"),
    ],
)
def test_what_is_told(sent: int, status: str) -> None:
    """RFC 2866 section 5.1: what a session is told by."""
    assert record_of(accounting_request(sent)).status == status


@pytest.mark.parametrize("sent", [0, 4, 5, 6, *range(9, 16), 16, 1000, 2**32 - 1])
def test_what_is_no_event_of_a_session_is_answered(sent: int) -> None:
    """Tunnels, Failed, what a vendor made up: its NAS would repeat it for ever; nothing is opened.

    Not even an Acct-Session-Id is needed for that.
    """
    server = Server()
    for request in (accounting_request(sent), accounting_request(sent, session=b"")):
        (answer,) = server.receive(request)
        answered(request, answer)
    assert (server.commits, server.discards.counts) == ([], {})


# Attributes that stand twice, or are odd


TWICE: list[tuple[int, list[bytes]]] = [
    (Attribute.CALLED_STATION_ID, [b"00-11-22-33-44-55:Guests", b"0011.2233.4455:Guests"]),
    (Attribute.CALLED_STATION_ID, [b"00-11-22-33-44-55:Guests", b"elsewhere"]),
    (Attribute.CALLING_STATION_ID, [STATION, b"0200.00ab.cdef"]),
    (Attribute.CALLING_STATION_ID, [b"192.0.2.7", STATION]),
    (Attribute.NAS_IP_ADDRESS, [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])]),
    (Attribute.NAS_IDENTIFIER, [b"lobby", b"lobby-2"]),
    (Attribute.USER_NAME, [b"zoe@example.com", b"zoe"]),
    (Attribute.NAS_PORT, [b"12345", b""]),
    (Attribute.FRAMED_IP_ADDRESS, [b"123"]),
    (Attribute.NAS_PORT_TYPE, [b"", b"x"]),
    (Attribute.CLASS, [b"nexio/1/2/3", b"nexio/1/2/3"]),
    (Acct.SESSION_TIME, [*number(3600), *number(3599)]),
    (Acct.INPUT_OCTETS, [*number(7), *number(9)]),
    (Acct.DELAY_TIME, [*number(0), *number(0)]),
    (Acct.TERMINATE_CAUSE, [*number(1), *number(1)]),
    (Acct.EVENT_TIMESTAMP, [b"odd"]),
    (Acct.EVENT_TIMESTAMP, [*number(1), *number(2)]),
    (Acct.SESSION_ID, [b"81", b"81"]),
    (Acct.STATUS_TYPE, [*number(STOP), *number(STOP)]),
]


@pytest.mark.parametrize(("kind", "values"), TWICE)
def test_what_stands_twice_or_is_odd_is_stored(kind: int, values: list[bytes]) -> None:
    """R22: a NAS that gets no answer takes the server for dead; the record needs none of it."""
    record = record_of(accounting_request(STOP, {kind: values}))
    assert (record.status, record.session_id) == ("stop", "81")
    assert record.device == "02:00:00:ab:cd:ef"


def test_counters_that_stand_twice() -> None:
    """They only grow: the largest is the newest."""
    record = record_of(
        accounting_request(
            STOP,
            {
                Acct.SESSION_TIME: [*number(3599), *number(3600)],
                Acct.OUTPUT_OCTETS: [*number(9), *number(7)],
            },
        )
    )
    assert (record.seconds, record.octets_in, record.octets_out) == (3600, None, 9)


def test_two_devices_in_one_record() -> None:
    """Nobody knows which one it is: the session is stored without a device."""
    both = {Attribute.CALLING_STATION_ID: [STATION, b"02-00-00-00-00-01"]}
    record = record_of(accounting_request(attributes=both))
    assert (record.device, record.calling_station) == (None, None)


def test_two_called_stations_that_lead_to_two_locations() -> None:
    """R19: it is of no location, and stored; where both lead to one, it is of that."""
    entries = (nas(1, ssid="Guests"), nas(2, ssid="Annex", location=ANNEX))
    both = {Attribute.CALLED_STATION_ID: [b"00-11-22-33-44-55:Guests", b"02-00-00-00-00-01:Annex"]}
    (record,) = Server(nas_entries=entries).records(accounting_request(attributes=both))
    assert (record.nas_id, record.location_id) == (None, None)
    both = {Attribute.CALLED_STATION_ID: [b"00-11-22-33-44-55", b"02-00-00-00-00-01:Annex"]}
    (record,) = Server(nas_entries=entries).records(accounting_request(attributes=both))
    assert (record.nas_id, record.location_id) == (2, ANNEX.id)


# What was told before


def test_a_replay_is_answered_and_does_nothing() -> None:
    """The same octets again, hours later or from elsewhere: stored once, answered each time."""
    server = Server(nas_entries=(nas(address="127.0.0.0/8"),))
    told = [accounting_request(status, identifier=status) for status in (ON, START, STOP)]
    server.records(*told)
    server.clock.advance(hours=5)
    for request in told:
        elsewhere = Source(3, ("127.0.0.2", 999))
        (answer,) = server.receive(request, source=elsewhere)
        answered(request, answer)
    assert len(server.commits) == 1
    assert server.discards.counts == {}


def test_what_was_not_stored_is_no_replay(sqlite_file: None, tmp_path: Path) -> None:
    """Must 16: its NAS sends the same octets again until they are stored."""
    path = tmp_path / "spool" / "accounting.db"
    server = Server(Spool(path, AccountingBatch))
    path.rename(path.with_suffix(".away"))
    assert server.receive(accounting_request()) == []
    path.with_suffix(".away").rename(path)
    assert len(server.receive(accounting_request())) == 1
    assert len(Spool(path, AccountingBatch).oldest(9)) == 1


STAMP = Acct.EVENT_TIMESTAMP
CLOCK_OF_NAS = 1_000_000_000
"""What its clock says at nine: 25 years ago."""


def stamped(status: int, after: float, **more: Any) -> bytes:
    """What happened so many seconds after nine, by the wrong clock of a NAS."""
    attributes = {STAMP: number(CLOCK_OF_NAS + round(after)), **more.pop("attributes", {})}
    return accounting_request(status, attributes, **more)


def test_an_old_record_counts_for_the_time_when_it_happened() -> None:
    """By the clock of its NAS, however wrong: with Acct-Delay-Time, held back, or recorded."""
    server = Server()
    (first,) = server.records(stamped(START, 0))
    assert first.at == NINE
    server.clock.advance(hours=2)
    (new,) = server.records(stamped(UPDATE, 7200))
    (old,) = server.records(stamped(ON, 600))
    (late,) = server.records(stamped(STOP, 900, attributes={Acct.DELAY_TIME: number(6300)}))
    assert new.at == server.clock.now
    assert old.at == NINE + timedelta(seconds=600)
    assert late.at == NINE + timedelta(seconds=900)


def test_how_wrong_its_clock_is() -> None:
    """Seconds, also where a record was held back; unknown where it sends no time."""
    server = Server()
    (first,) = server.records(stamped(START, 0))
    (late,) = server.records(stamped(STOP, -900))
    (silent,) = Server().records(accounting_request())
    assert first.clock_behind == late.clock_behind == round(NINE.timestamp()) - CLOCK_OF_NAS
    assert silent.clock_behind is None


def test_the_session_id_as_it_was_sent() -> None:
    """Where it is no text, or longer than what is shown; and from the spool, too."""
    for sent in (b"\xff1\\", b"7" * 253):
        made = record_of(accounting_request(session=sent))
        assert made.session_id_hex == sent.hex()
        assert through_spool(made) == [made]
    assert record_of(accounting_request()).session_id_hex is None


def test_an_old_accounting_on_ends_no_live_session(store: Store, location: Location) -> None:
    """Recorded while the server was away, so that its authenticator was never seen."""
    register(store, location)
    server = Server()
    recorded = stamped(ON, -3600, identifier=9)

    def told(*datagrams: bytes) -> list[WifiSession]:
        with store.write() as work:
            record_accounting(work, server.records(*datagrams))
        return sessions(store)

    (live,) = told(stamped(START, 0))
    server.clock.advance(minutes=30)
    (same,) = told(recorded)
    assert same == live
    old_start = stamped(START, -3000, session=b"80")
    both = {each.session_id: each for each in told(old_start)}
    assert both["80"].started_at == NINE - timedelta(seconds=3000)
    assert both["81"] == live


def test_a_record_that_is_older_than_any_nas_keeps_one() -> None:
    """Answered, and nothing is stored."""
    server = Server()
    server.records(stamped(START, 0))
    server.clock.advance(days=8)
    server.records(stamped(UPDATE, 8 * 86400))
    assert len(server.receive(stamped(START, 60, session=b"82"))) == 1
    assert len(server.commits) == 2


def test_a_clock_that_was_set_back_is_believed_after_a_while() -> None:
    """A NAS that loses its time at each start says nothing but old times from then on."""
    server = Server()
    server.records(stamped(START, 0))
    server.clock.advance(days=400)
    server.records(stamped(UPDATE, 400 * 86400))
    assert len(server.receive(stamped(ON, -60))) == 1
    server.clock.advance(minutes=11)
    (again,) = server.records(stamped(UPDATE, 600))
    assert again.at == server.clock.now
    (later,) = server.records(stamped(STOP, 601))
    assert later.at == server.clock.now


# Too much of one NAS


def test_what_may_not_wait_gets_no_answer() -> None:
    """Must 16: beyond the limit of a NAS; another one's is stored, and a repeat is answered."""
    server = Server(nas_entries=(nas(address="127.0.0.0/8"),))
    server.records(first := accounting_request(session=b"1", identifier=1))
    server.full.add("127.0.0.1")
    assert server.receive(accounting_request(identifier=2)) == []
    assert server.discards.counts == {DiscardReason.BACKLOG: 1}
    assert len(server.receive(first)) == 1
    assert len(server.receive(accounting_request(), source=Source(3, ("127.0.0.2", 1)))) == 1


def test_must_20_a_pin_as_user_name_is_masked() -> None:
    """Where the PIN alone logs in, User-Name may be it; what was sent is sealed.

    Control characters are escaped.
    """
    for name, shown in ((b"482913", "******"), (b"44863544@guest", "******@guest")):
        record = record_of(accounting_request(attributes={Attribute.USER_NAME: [name]}))
        assert record.user_name == shown
        assert unseal_name(KEYRING, record.user_name_sealed or b"") == name
        assert name not in in_full(record)
    record = record_of(accounting_request(attributes={Attribute.USER_NAME: []}))
    assert (record.user_name, record.user_name_sealed) == ("", None)
    record = record_of(accounting_request(session=b"\x1b[31m\x00\xff"))
    assert record.session_id == r"\x1b[31m\x00\xff"


@pytest.mark.parametrize("station", [b"482913", b"zoe 482-913"])
def test_must_20_a_pin_as_calling_station_is_masked(station: bytes) -> None:
    """Neither what was sent nor the device shows it; what a NAS makes stays as it is."""
    record = record_of(accounting_request(attributes={Attribute.CALLING_STATION_ID: [station]}))
    shown = "zoe ******" if station.startswith(b"zoe") else "******"
    assert (record.calling_station, record.device) == (shown, shown)
    assert station not in in_full(record)
    for made in (b"02-00-00-12-34-56", b"020000123456", b"192.0.2.7"):
        attributes = {Attribute.CALLING_STATION_ID: [made]}
        assert record_of(accounting_request(attributes=attributes)).calling_station == made.decode()


@pytest.mark.parametrize(
    ("attributes", "waited", "ago"),
    [
        ({Acct.DELAY_TIME: number(30)}, 0.0, 30.0),
        ({Acct.DELAY_TIME: number(30)}, 2.5, 32.5),
        ({Acct.DELAY_TIME: number(2**32 - 1)}, 0.0, 0.0),
        ({55: number(0)}, 0.0, 0.0),
    ],
)
def test_must_17_when_it_happened(
    attributes: dict[int, list[bytes]], waited: float, ago: float
) -> None:
    """The arrival here minus Acct-Delay-Time; the clock of a NAS (Event-Timestamp) may be wrong."""
    request = accounting_request(attributes=attributes)
    source = Source(3, AP.address, waited=waited)
    assert record_of(request, source=source).at == NINE - timedelta(seconds=ago)


def test_an_absurd_session_time_is_none() -> None:
    """136 years would put the beginning of the session before that of the Wi-Fi."""
    absurd = accounting_request(UPDATE, {Acct.SESSION_TIME: number(2**32 - 1)})
    assert record_of(absurd).seconds is None


def test_must_17_a_retransmission_is_the_same_record() -> None:
    """With a new Acct-Delay-Time it has another Identifier and authenticator (RFC 2866, 5.2)."""
    server = Server()
    (first,) = server.records(accounting_request(ON, signed=True))
    server.clock.advance(seconds=30)
    later = accounting_request(ON, {Acct.DELAY_TIME: number(30), 33: [b"x"]}, identifier=8)
    assert server.records(later) == [first]
    server.clock.advance(hours=1)
    (rebooted,) = server.records(accounting_request(ON))
    assert rebooted != first


@pytest.mark.parametrize("status", [ON, OFF])
def test_must_16_a_nas_that_starts_again_soon_is_stored_again(
    sqlite_file: None, tmp_path: Path, status: int
) -> None:
    """Its clock says nothing, so both read the same; between them a session has begun.

    The store is away, so all three wait in the spool.
    """
    spool = Spool(tmp_path / "spool" / "accounting.db", AccountingBatch)
    server = Server(spool)
    for identifier, told in enumerate((status, START, status)):
        assert len(server.receive(accounting_request(told, identifier=identifier))) == 1
        server.clock.advance(seconds=6)
    first, began, again = kept(spool)
    assert first.status == again.status != began.status == "start"
    assert first.at < began.at < again.at


def test_must_17_the_same_octets_that_waited_together_are_one_record() -> None:
    """The disk was slow, so the NAS has sent them again: each gets its answer."""
    server = Server()
    request = accounting_request(ON)
    answers = server.accountant.answer([(request, AP, 4.5), (request, AP, 0.0)], 1000.0)
    assert len(answers) == 2
    ((record,),) = server.commits
    assert record.at == NINE - timedelta(seconds=4.5)


@pytest.mark.parametrize(
    "changes",
    [
        {"session": b"82"},
        {"attributes": {Attribute.NAS_IDENTIFIER: [b"bar"]}},
        {"attributes": {Attribute.NAS_IP_ADDRESS: [bytes(4)]}},
        {"attributes": {Attribute.NAS_IPV6_ADDRESS: [bytes(16)]}},
    ],
)
def test_must_17_whose_session_it_is(changes: dict[str, Any]) -> None:
    """Behind one address there may be many access points: each has sessions of its own."""
    assert record_of(accounting_request(**changes)).key != record_of(accounting_request()).key


def test_must_17_a_sender_is_its_source_address_too() -> None:
    """Also behind one CIDR entry, and for Accounting-On."""
    server = Server(nas_entries=(nas(address="127.0.0.0/8"),))
    senders = set()
    for host in ("127.0.0.1", "127.0.0.2"):
        for status in (START, ON, OFF):
            (record,) = server.records(accounting_request(status), source=Source(3, (host, 40000)))
            senders.add((host, record.sender))
    assert len(senders) == 2


def test_r19_an_ssid_that_leads_to_no_entry() -> None:
    """It is stored under the NAS-Identifier, and of no location."""
    server = Server(nas_entries=(nas(ssid="Guests"),))
    (record,) = server.records(accounting_request())
    assert (record.nas, record.nas_id, record.location_id) == ("lobby", None, None)
    called = {Attribute.CALLED_STATION_ID: [b"00-11-22-33-44-55:Guests"]}
    (record,) = server.records(accounting_request(attributes=called))
    assert (record.nas, record.location_id) == ("ap-1", 1)
    (record,) = server.records(accounting_request(attributes={Attribute.NAS_IDENTIFIER: []}))
    assert record.nas == "127.0.0.1"


def test_r19_the_class_leads_where_no_ssid_does() -> None:
    """Some NAS name the SSID in Access-Requests only; a Class that is not whole says nothing."""
    server = Server(
        nas_entries=(nas(ssid="Guests"), nas(2, ssid="Annex", location=ANNEX)),
        visits=(visit(), visit(2, location=2)),
    )

    def places(**attributes: list[bytes]) -> tuple[str, int | None]:
        kinds = {Attribute[name]: values for name, values in attributes.items()}
        (record,) = server.records(accounting_request(attributes=kinds))
        return record.nas, record.location_id

    assert places(CLASS=[b"nexio/1/1/101"]) == ("ap-1", 1)
    assert places(CLASS=[b"nexio/2/2/102"]) == ("ap-2", 2)
    assert places(CLASS=[b"nexio/2/2/101"]) == ("lobby", None)
    assert places(CLASS=[b"nexio/2/9/109"]) == ("lobby", None)
    other = {"CALLED_STATION_ID": [b"00-11-22-33-44-55:Guests"]}
    assert places(CLASS=[b"nexio/2/2/102"], **other) == ("ap-2", 2)
    assert places(CLASS=[b"nexio/1/1/101"], **other) == ("ap-1", 1)
    assert places(**other) == ("ap-1", 1)


# Whatever comes


def hold(datagram: bytes, check: Callable[[AccountingRecord], None]) -> None:
    """It is answered if and only if there is a record, or nothing of a session to be stored."""
    server = Server()
    answers = server.receive(datagram)
    stored = [record for commit in server.commits for record in commit]
    assert len(stored) <= len(answers) <= 1
    if answers and not stored:
        (status,) = set(read_packet(datagram).values(Acct.STATUS_TYPE))
        assert int.from_bytes(status) not in {START, STOP, UPDATE, ON, OFF}
    assert DiscardReason.FAULT not in server.discards.counts
    for record in stored:
        check(record)


@given(almost_packets())
def test_must_05_nothing_stops_it(datagram: bytes) -> None:
    """Must 4 and 5: a fault of ours would be counted as such."""
    hold(resigned(datagram) if len(datagram) >= 20 else datagram, lambda _: None)


@given(attributes, st.binary(max_size=20), st.integers(0, 9))
def test_every_record_comes_out_of_the_spool_as_it_went_in(
    drawn: list[tuple[int, bytes]], session: bytes, status: int
) -> None:
    """Whatever octets it is made of."""
    body = join([(Acct.STATUS_TYPE, number(status)[0]), (Acct.SESSION_ID, session), *drawn])

    def check(record: AccountingRecord) -> None:
        assert through_spool(record) == [record]

    hold(resigned(packet(body, code=4)), check)


def test_what_is_strange_can_be_stored(store: Store, location: Location) -> None:
    """NUL, invalid UTF-8, the longest and the largest of all, on both engines."""
    register(store, location)
    strange = bytes(range(256))[:253], b"\xff" * 253, b"\0" * 253, "𝄞".encode() * 63
    for each in strange:
        request = accounting_request(
            STOP,
            {
                **{kind: [each] for kind in (1, 31, 32, 30, Acct.SESSION_ID)},
                **{kind: number(2**32 - 1) for kind in (42, 43, 49, 52, 53)},
                Attribute.CLASS: [b"nexio/9999999999/9999999999/9999999999"],
                Attribute.NAS_IPV6_ADDRESS: [b"\xff" * 16],
            },
        )
        with store.write() as work:
            record_accounting(work, Server().records(request))
    assert len(sessions(store)) == len(strange)
    assert {session.octets_in for session in sessions(store)} == {2**63 - 1}


def test_a_frame_that_pyrad_made_is_one() -> None:
    """The requests of these tests are what they should be."""
    assert read_packet(accounting_request()).values(Acct.SESSION_ID) == [b"81"]


@pytest.mark.parametrize(
    ("profile", "counts", "in_and_out"),
    [
        ("generic", None, (5, 7 + 2**32)),
        ("coova-chilli", None, (7 + 2**32, 5)),
        ("coova-chilli", "nas", (5, 7 + 2**32)),
        ("generic", "client", (7 + 2**32, 5)),
    ],
)
def test_in_is_what_came_from_the_device(
    profile: str, counts: str | None, in_and_out: tuple[int, int]
) -> None:
    """RFC 2866 section 5.3; CoovaChilli counts from the side of the device."""
    server = Server(nas_entries=(nas(profile=profile, counts=counts),))
    octets = {Acct.INPUT_OCTETS: number(5), Acct.OUTPUT_OCTETS: number(7)}
    more = {Acct.OUTPUT_GIGAWORDS: number(1)}
    server.receive(accounting_request(UPDATE, octets | more))
    ((record,),) = server.commits
    assert (record.octets_in, record.octets_out) == in_and_out
