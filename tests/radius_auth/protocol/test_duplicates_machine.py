"""Must 14, all of it: the cache does what a plain list of everything would say."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from radius_auth.protocol.duplicates import Duplicates, Key, Repeat, Ticket

LIFETIME = 5.0
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
    since: float
    """When it came, or was answered."""

    reply: bytes | None = None
    """None: nobody has answered it yet."""

    ticket: Ticket


class AgainstAModel(RuleBasedStateMachine):
    """The cache beside a list of the requests that it should know.

    It must know them for one lifetime, may know them for two more, and no longer.
    """

    def __init__(self) -> None:
        """Start empty, at time zero."""
        super().__init__()
        self.duplicates = Duplicates(lifetime=LIFETIME)
        self.now = 0.0
        self.known: list[Known] = []
        self.tickets: list[Ticket] = []

    def must_know(self, known: Known) -> bool:
        """Whether it is not forgotten yet."""
        return self.now < known.since + LIFETIME

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 4.9, 5.0, 9.9, 25.0]))
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
        outcome = self.duplicates.admit(key, authenticator, self.now, signed=signed)
        # Whatever comes begins a new generation where it is time, and so forgets what is old.
        self.known = [each for each in self.known if self.now < each.since + 3 * LIFETIME]
        same = [each for each in self.known if each.key == key]
        equal = [each for each in same if each.authenticator == authenticator]
        if isinstance(outcome, Repeat):
            assert outcome.reply in [each.reply for each in equal]
            return
        assert not any(map(self.must_know, equal))
        first = next((each for each in same if not each.beside), None)
        beside = outcome.place != key
        assert not (beside and signed)
        if first is not None and not beside:
            assert signed or not self.must_know(first)
            self.known.remove(first)
        self.known = [each for each in self.known if each not in equal]
        self.known.append(
            Known(
                key=key,
                beside=beside,
                authenticator=authenticator,
                since=self.now,
                ticket=outcome,
            )
        )
        self.tickets.append(outcome)

    @rule(data=st.data(), octets=st.binary(max_size=2))
    def answer(self, data: st.DataObject, octets: bytes) -> None:
        """Answer a request of any age; only one that still waits takes it."""
        if not self.tickets:
            return
        ticket = data.draw(st.sampled_from(self.tickets))
        waiting = self.waiting(ticket)
        is_taken = self.duplicates.keep_reply(ticket, octets, self.now)
        assert not is_taken or waiting is not None
        if waiting is not None:
            assert is_taken or not self.must_know(waiting)
        if waiting is not None and is_taken:
            waiting.reply, waiting.since = octets, self.now

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """Give up a request of any age; one that still waits is as if it had never come."""
        if self.tickets:
            ticket = data.draw(st.sampled_from(self.tickets))
            self.duplicates.release(ticket)
            self.known = [each for each in self.known if each is not self.waiting(ticket)]

    def waiting(self, ticket: Ticket) -> Known | None:
        """The request of a ticket, unless it was answered or replaced."""
        return next(
            (each for each in self.known if each.ticket is ticket and each.reply is None), None
        )

    @invariant()
    def the_same_requests_can_be_answered(self) -> None:
        """Each ticket is worth what the model says."""
        for ticket in self.tickets:
            waiting = self.waiting(ticket)
            if self.duplicates.is_current(ticket):
                assert waiting is not None
            else:
                assert waiting is None or not self.must_know(waiting)


AgainstAModel.TestCase.settings = settings(stateful_step_count=60)
TestAgainstAModel = AgainstAModel.TestCase
