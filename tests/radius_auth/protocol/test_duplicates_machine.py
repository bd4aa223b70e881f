"""Must 14, all of it: the cache does what a plain list of everything would say."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from radius_auth.protocol.duplicates import IN_PROGRESS_LIFETIME, Duplicates, Key, Repeat, Ticket

LIFETIME = 5.0
LIMIT = 4
IDENTIFIERS = st.integers(0, 5)
SOURCES = st.sampled_from([(3, ("192.0.2.1", 40000)), (4, ("192.0.2.1", 40000))])
AUTHENTICATORS = st.sampled_from([b"1" * 16, b"2" * 16, b"3" * 16])


@dataclass(kw_only=True)
class Known:
    """A request as the model knows it."""

    key: Key
    beside: bool
    """Another one had that key when it came, and it is not signed."""

    authenticator: bytes
    expires: float
    reply: bytes | None = None
    """None: nobody has answered it yet."""

    ticket: Ticket


class AgainstAModel(RuleBasedStateMachine):
    """The cache beside a list of the requests that it should know, the oldest first."""

    def __init__(self) -> None:
        """Start empty, at time zero."""
        super().__init__()
        self.duplicates = Duplicates(lifetime=LIFETIME, limit=LIMIT)
        self.now = 0.0
        self.known: list[Known] = []
        self.tickets: list[Ticket] = []

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 4.9, 5.0, 25.0, 30.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(
        source=SOURCES,
        identifier=IDENTIFIERS,
        authenticator=AUTHENTICATORS,
        signed=st.booleans(),
    )
    def receive(
        self,
        source: tuple[int, tuple[str, int]],
        identifier: int,
        authenticator: bytes,
        signed: bool,
    ) -> None:
        """Receive a request, new or not."""
        key: Key = (*source, identifier)
        self.known = [each for each in self.known if self.now < each.expires]
        same = [each for each in self.known if each.key == key]
        outcome = self.duplicates.admit(key, authenticator, self.now, signed=signed)
        for each in same:
            if each.authenticator == authenticator:
                assert outcome == Repeat(reply=each.reply)
                return
        assert isinstance(outcome, Ticket)
        assert outcome.authenticator == authenticator
        first = next((each for each in same if not each.beside), None)
        beside = first is not None and not signed
        self.remember(None if beside else first, key, beside, outcome)

    def remember(self, before: Known | None, key: Key, beside: bool, ticket: Ticket) -> None:
        """A signed one replaces; the oldest goes first, an answered one before all."""
        if before is not None:
            self.known.remove(before)
        if len(self.known) == LIMIT:
            answered = [each for each in self.known if each.reply is not None]
            self.known.remove((answered or self.known)[0])
        self.known.append(
            Known(
                key=key,
                beside=beside,
                authenticator=ticket.authenticator,
                expires=self.now + IN_PROGRESS_LIFETIME,
                ticket=ticket,
            )
        )
        self.tickets.append(ticket)

    @rule(data=st.data(), octets=st.binary(max_size=2))
    def answer(self, data: st.DataObject, octets: bytes) -> None:
        """Answer a request of any age; only one that still waits takes it."""
        if not self.tickets:
            return
        ticket = data.draw(st.sampled_from(self.tickets))
        waiting = self.waiting(ticket)
        assert self.duplicates.answer(ticket, octets, self.now) is (waiting is not None)
        if waiting is not None:
            self.known.remove(waiting)
            waiting.reply, waiting.expires = octets, self.now + LIFETIME
            self.known.append(waiting)

    def waiting(self, ticket: Ticket) -> Known | None:
        """The request of a ticket, unless it was answered, replaced or forgotten."""
        return next(
            (each for each in self.known if each.ticket is ticket and each.reply is None), None
        )

    @invariant()
    def the_same_requests_can_be_answered(self) -> None:
        """Each ticket is worth what the model says."""
        for ticket in self.tickets:
            assert self.duplicates.is_current(ticket) is (self.waiting(ticket) is not None)

    @invariant()
    def it_is_bounded(self) -> None:
        """It never keeps more than its limit."""
        assert len(self.duplicates) == len(self.known) <= LIMIT


AgainstAModel.TestCase.settings = settings(stateful_step_count=60)
TestAgainstAModel = AgainstAModel.TestCase
