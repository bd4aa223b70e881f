"""Broken packets through the whole server, and what must hold meanwhile."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Attribute, Code
from radius_auth.recording.replays import Replays
from radius_auth.server.accountant import Accountant
from radius_auth.server.sockets import Source
from tests.fuzz.mutations import Mutations
from tests.fuzz.seeds import accounting_seeds, seeds
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.guests import NINE, OTHER_PIN, SECRET, nas, visit
from tests.support.radius.responder import Server

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence
    from enum import StrEnum

    from nexio.network.accounting_records import AccountingRecord

LIMIT_SECONDS = 0.05
"""Of the processor's time that one packet may cost."""

STEP = 0.005
"""Seconds that pass from one packet to the next, on the server's clocks."""

ACCOUNTING = 0.25
"""Part of the packets that go to the accounting port."""

ROUND = 1000
"""Packets between two requests of a guest who must get on."""

SETTLED = 20_000
"""Packets after which caches are as full as they get: more than 30 seconds' worth of them."""

REPLAYS = 500
"""Authenticators that the server remembers: so few that they are all there when it has settled."""

MAX_GROWTH = 8 * 1024 * 1024
"""Octets that the process may grow once everything has settled."""

GUEST = "jo@example.com"
STRICT = ("127.0.0.1", 40000)
INSECURE = ("127.0.0.2", 40000)
STRANGER = ("127.0.0.9", 40000)
FROM = (STRICT, STRICT, STRICT, INSECURE, INSECURE, STRANGER)


@dataclass(slots=True, kw_only=True)
class Findings:
    """What a campaign has seen."""

    packets: int = 0
    decisions: int = 0
    records: int = 0
    """Of accounting."""

    replies: int = 0
    worst_seconds: float = 0.0
    worst: bytes = b""
    """The packet that cost the most."""

    growth: int = 0
    """Octets of the process since everything had settled."""


class Campaign:
    """A server that is sent broken packets.

    Args:
        number: of the campaign; the same one sends the same packets.
    """

    def __init__(self, number: int) -> None:
        self.findings = Findings()
        self._chance = random.Random(number)
        self._logins = Mutations(seeds(), self._chance, SECRET)
        self._sessions = Mutations(accounting_seeds(), self._chance, SECRET)
        self._server = _server()
        self._accounting = _accounting(self._server, self._store)
        self._settled = 0

    def run(self, packets: int) -> Findings:
        """Send that many more.

        Raises:
            AssertionError: a packet was too dear, a guest got no answer, or memory grew.
            Exception: whatever left the server.
        """
        for _ in range(packets):
            if self.findings.packets % ROUND == 0:
                self.let_a_guest_on()
            if self._chance.random() < ACCOUNTING:
                self._tell(self._sessions.draw())
            else:
                self._send(self._logins.draw())
        self.let_a_guest_on()
        return self.findings

    def let_a_guest_on(self) -> None:
        """Must 6: whatever came before, the next good request is an accept."""
        self.findings.decisions += len(self._server.events)
        self._server.events.clear()
        datagram = access_request(
            GUEST,
            OTHER_PIN.encode(),
            identifier=self._chance.randrange(256),
            attributes={Attribute.CALLING_STATION_ID: [b"02-00-00-00-00-99"]},
        )
        source = Source(3, ("127.0.0.1", 30000))
        reply = self._server.receive(datagram, source)
        assert verified(datagram, reply).code == Code.ACCESS_ACCEPT
        if self.findings.packets >= SETTLED:
            self._settled = self._settled or resident()
            self.findings.growth = resident() - self._settled
            assert self.findings.growth < MAX_GROWTH

    def discards(self) -> Counter[StrEnum]:
        """How many got no answer, and why."""
        return self._server.discards.counts

    def _send(self, datagram: bytes) -> None:
        """To the authentication port."""
        source = self._source()
        with _noted(datagram, source):
            began = time.thread_time()
            reply = self._server.receive(datagram, source)
            spent = time.thread_time() - began
            sent = self._server.wait(STEP)
        self.findings.packets += 1
        self.findings.replies += len(sent) + (reply is not None)
        if spent > self.findings.worst_seconds:
            self._look_again(datagram, lambda: _server().receive(datagram, source), spent)

    def _tell(self, datagram: bytes) -> None:
        """To the accounting port."""
        source = self._source()
        with _noted(datagram, source):
            began = time.thread_time()
            replies = self._accounting.answer([(datagram, source, 0.0)], self._server.monotonic)
            spent = time.thread_time() - began
            # There, what goes wrong with one record is caught, so that the others are stored.
            assert DiscardReason.FAULT not in self.discards()
        self.findings.packets += 1
        self.findings.replies += len(replies)
        if spent > self.findings.worst_seconds:
            again = _accounting(self._server, self._store)
            told = [(datagram, source, 0.0)]
            self._look_again(datagram, lambda: again.answer(told, 0.0), spent)

    def _source(self) -> Source:
        host, port = self._chance.choice(FROM)
        return Source(3, (host, port + self._chance.randrange(4)))

    def _store(self, records: Sequence[AccountingRecord]) -> None:
        self.findings.records += len(records)

    def _look_again(
        self, datagram: bytes, handle_again: Callable[[], object], spent: float
    ) -> None:
        """Time the dearest packet so far once more: it may have paid for the collector."""
        for _ in range(3):
            began = time.thread_time()
            handle_again()
            spent = min(spent, time.thread_time() - began)
        assert spent < LIMIT_SECONDS, f"{spent:.3f} s for {datagram.hex()}"
        if spent > self.findings.worst_seconds:
            self.findings.worst_seconds, self.findings.worst = spent, datagram


def _accounting(server: Server, store: Callable[[Sequence[AccountingRecord]], None]) -> Accountant:
    """What stands beside a server, for the other port."""
    replays = Replays(of_one=REPLAYS, of_all=REPLAYS)
    return Accountant(
        server, store, timedelta(days=1), server.clock, server.discards, replays=replays
    )


@contextmanager
def _noted(datagram: bytes, source: Source) -> Iterator[None]:
    """Say with which packet something failed."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(f"from {source.address[0]}: {datagram.hex()}")
        raise


def _server() -> Server:
    """A server with two guests, and a NAS that need not sign."""
    late = NINE + timedelta(days=365)
    return Server(
        visit(valid_until=late, closes_at=late),
        visit(2, email=GUEST, pin=OTHER_PIN, valid_until=late, closes_at=late),
        nas_entries=(
            nas(1),
            nas(
                2,
                INSECURE[0],
                require_message_authenticator=False,
                limit_proxy_state=False,
            ),
        ),
    )


def resident() -> int:
    """Octets of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
