"""Accounting in FreeRADIUS: what is read of its pairs, and how long a call waits for the disk."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nexio.network.accounting_records import AccountingRecord, unseal_name
from radius_auth.companion.accounting import Clerk
from radius_auth.plugin.accounting import Accounts, read_accounting
from radius_auth.plugin.pairs import by_name
from radius_auth.protocol.accounting_request import Arrival, read_accounting_request
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.nas_clocks import NasClocks
from radius_auth.protocol.packet import Acct, Attribute, Discarded, Packet, read_packet
from radius_auth.protocol.pyrad_codec import fixed_lengths
from radius_auth.recording.ledger import Ledger
from radius_auth.recording.replays import Replays
from tests.support.clocks import Clock
from tests.support.radius.accounting_pairs import OCTETS, as_freeradius
from tests.support.radius.accounting_requests import (
    START,
    STOP,
    accounting_request,
    resigned,
)
from tests.support.radius.datagrams import join, packet
from tests.support.radius.guests import KEYRING, NINE, nas, table_of, visit
from tests.support.radius.radiusd import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from enum import StrEnum

    from radius_auth.plugin.pairs import Values

HOST = "127.0.0.1"
TABLE = table_of(visit(), nas_entries=(nas(ssid="Guests"), nas(2, address="127.0.0.2")))

NEEDED = [*map(int, Acct), 1, 4, 25, 30, 31, 32, 95]
NUMBER_OF_32_BITS = st.integers(0, 2**32 - 1).map(lambda value: value.to_bytes(4))
VALUES = {
    int(Acct.STATUS_TYPE): st.sampled_from([1, 2, 3, 7, 8, 9]).map(lambda value: value.to_bytes(4)),
    int(Attribute.NAS_IPV6_ADDRESS): st.binary(min_size=16, max_size=16),
    int(Attribute.CLASS): st.sampled_from([b"nexio/1/1/101", b"nexio/1/2/3", b"another's"]),
    int(Attribute.CALLED_STATION_ID): st.sampled_from([b"00-11-22-33-44-55:Guests", b"\xff:G"]),
    **dict.fromkeys((1, 31, 32, 44), st.binary(min_size=1, max_size=40) | st.just(b"0x41")),
}


@st.composite
def told(draw: st.DrawFn) -> bytes:
    """An Accounting-Request with what a record needs, once or twice, some of wrong lengths."""
    kinds = draw(st.lists(st.sampled_from(NEEDED), min_size=3, max_size=24))
    values = []
    for kind in [int(Acct.STATUS_TYPE), int(Acct.SESSION_ID), *kinds]:
        is_odd = draw(st.integers(0, 60)) == 0
        of_kind = VALUES.get(kind, NUMBER_OF_32_BITS)
        values.append((kind, draw(st.binary(min_size=1, max_size=9) if is_odd else of_kind)))
    return resigned(packet(join(values), code=4))


def read(frame: Packet) -> AccountingRecord | StrEnum | None:
    """The record of a request at nine; or why there is none."""
    client = TABLE.nas.find(HOST)
    assert client is not None
    arrival = Arrival(
        frame=frame, table=TABLE, clocks=NasClocks(), client=client, source_address=HOST, at=NINE
    )
    try:
        return read_accounting_request(arrival, fixed_lengths())
    except Discarded as discarded:
        return discarded.reason


def name_in(record: AccountingRecord) -> bytes | None:
    """The User-Name as it was sent."""
    sealed = record.user_name_sealed
    return None if sealed is None else unseal_name(KEYRING, sealed)


@given(told())
def test_must_16_pairs_of_text_say_what_the_octets_say(datagram: bytes) -> None:
    """All of a record, or the same reason why there is none."""
    frame = read_packet(datagram)
    assume(all(len(frame.values(kind)) <= 2 for kind in OCTETS))
    authenticator, by_type = read_accounting(by_name(as_freeradius(datagram)))
    assert authenticator == frame.authenticator

    ours = read(frame)
    theirs = read(Packet.of(frame.code, authenticator, by_type))

    if isinstance(ours, AccountingRecord) and isinstance(theirs, AccountingRecord):
        assert name_in(ours) == name_in(theirs)
    assert theirs == ours


@pytest.mark.parametrize(
    "pairs",
    [
        (),
        (("Tmp-Octets-0", "0x00"),),
        (("Tmp-Octets-0", "no octets"),),
        (("User-Name", "zoe@example.com"), ("Acct-Status-Type", "Start")),
    ],
)
def test_a_site_that_hands_over_something_else(pairs: tuple[tuple[str, str], ...]) -> None:
    """Without the authenticator each would be the same request: nothing is stored, nor answered."""
    with pytest.raises(Discarded) as raised:
        read_accounting(by_name(pairs))
    assert raised.value.reason is DiscardReason.NOT_HANDED_OVER


# The way to the companion


class Disk:
    """Where records are stored; it may hang."""

    def __init__(self) -> None:
        self.commits: list[Sequence[AccountingRecord]] = []
        self.works = threading.Event()
        self.works.set()

    def store(self, records: Sequence[AccountingRecord]) -> None:
        """Store them, when it may."""
        assert self.works.wait(PATIENCE)
        self.commits.append(records)

    @property
    def records(self) -> list[AccountingRecord]:
        """All that are stored."""
        return [record for commit in self.commits for record in commit]


class Knowledge:
    """What a follower would know."""

    table = table_of(nas_entries=(nas(),))


class Companion:
    """Its clerk, who can be replaced."""

    def __init__(self, door: socket.socket) -> None:
        self.disk, self.discards = Disk(), Discards()
        self._door = door
        self.start()

    def start(self) -> None:
        """Begin, as the first or as a successor."""
        replays = Replays()
        ledger = Ledger(
            self.disk.store, Clock(NINE), self.discards, lambda host: host != "127.0.0.9", replays
        )
        self._clerk = Clerk(self._door, Knowledge(), ledger)  # type: ignore[arg-type]
        self._clerk.start()

    def end(self) -> None:
        """As when it is killed."""
        self.disk.works.set()
        self._clerk.stop()


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """Which the plugin holds open."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
        opened.bind("")
        opened.listen(8)
        yield opened


@pytest.fixture
def companion(door: socket.socket) -> Iterator[Companion]:
    """One that runs."""
    made = Companion(door)
    yield made
    made.end()


@pytest.fixture
def accounts(door: socket.socket) -> Iterator[Accounts]:
    """The plugin's end."""
    made = Accounts(door.getsockname())
    yield made
    made.close()


def values(session: int, status: int = START) -> Values:
    """What FreeRADIUS hands over about a session."""
    request = accounting_request(status, session=b"%d" % session)
    return by_name(as_freeradius(request))


def store(accounts: Accounts, session: int, host: str = HOST) -> bool:
    """Have the Start of a session stored."""
    return accounts.store(NINE.timestamp(), host, values(session))


def refused(accounts: Accounts, session: int) -> float:
    """Seconds until a request is given up."""
    began = time.monotonic()
    with pytest.raises(Discarded) as raised:
        store(accounts, session)
    assert raised.value.reason is DiscardReason.NOT_STORED
    return time.monotonic() - began


def test_must_16_it_is_on_the_disk_when_the_call_returns(
    companion: Companion, accounts: Accounts
) -> None:
    """And what is wrong is not, and does not wait."""
    assert store(accounts, 1)
    assert [record.session_id for record in companion.disk.records] == ["1"]
    pairs = as_freeradius(accounting_request(START, session=b"2"))
    without = tuple(pair for pair in pairs if pair[0] != "Tmp-Integer-0")
    assert not accounts.store(NINE.timestamp(), HOST, by_name(without))
    assert not store(accounts, 3, "192.0.2.1")
    assert store(accounts, 4)
    assert len(companion.disk.records) == 2
    assert companion.discards.counts == {
        "no Acct-Status-Type": 1,
        DiscardReason.UNKNOWN_CLIENT: 1,
    }


def test_a_disk_that_hangs_holds_up_one_call(companion: Companion, accounts: Accounts) -> None:
    """A quarter of a second, once; what was handed over is stored, and a repeat is answered."""
    assert store(accounts, 0)
    companion.disk.works.clear()
    assert refused(accounts, 1) >= 0.25
    assert max(refused(accounts, session) for session in range(2, 50)) < 0.2
    companion.disk.works.set()
    wait_until(lambda: len(companion.disk.records) == 50)

    def answered() -> bool:
        try:
            return store(accounts, 7)
        except Discarded:
            return False

    wait_until(answered)
    assert len(companion.disk.records) == 50


def test_a_hung_companion_is_not_given_ever_more(door: socket.socket, accounts: Accounts) -> None:
    """Nobody takes it: what finds no room in the socket is not kept, and no memory fills."""
    del door
    refused(accounts, 0)
    began = time.monotonic()
    for session in range(3000):
        refused(accounts, session)
    assert time.monotonic() - began < 30
    assert accounts._channel is not None  # noqa: SLF001 - what waits in it is seen nowhere else
    assert len(accounts._channel._waiting) <= 1  # noqa: SLF001


def test_a_companion_that_is_replaced(companion: Companion, accounts: Accounts) -> None:
    """Without one a call waits once; its successor stores what was handed over meanwhile."""
    assert store(accounts, 1)
    companion.end()
    refused(accounts, 2)
    assert refused(accounts, 3) < 0.2
    companion.start()
    wait_until(lambda: len(companion.disk.records) == 3)
    wait_until(lambda: accounts.store(NINE.timestamp(), HOST, values(3, STOP)))
