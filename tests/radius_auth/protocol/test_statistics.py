"""What a server has answered and what not, and how it is written and read back."""

from __future__ import annotations

from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from radius_auth.decision.reasons import Reason
from radius_auth.protocol.accounting_request import Unstorable
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import MAX_LENGTH, Fault
from radius_auth.protocol.statistics import Counts, Statistics, parse_counts
from tests.support.radius.decisions import decided

COUNTS = st.integers(0, 10**12)
SILENCES = [*DiscardReason, *Fault, *Unstorable]


def test_decisions_are_counted_by_reason() -> None:
    """RFC 5997 section 4.2: accepts, rejects, discards; how long they took, without the delay."""
    discards = Discards()
    statistics = Statistics(discards, lost=lambda: 7)
    discards.count(DiscardReason.REPEATED, "192.0.2.1", 0.0)
    statistics.repeats += 2
    statistics.count([decided(latency_us=latency) for latency in (100, 300)])
    statistics.count([decided(outcome="reject", reason="wrong PIN", latency_us=200)])

    assert statistics.counts(waiting=3) == Counts(
        accepts={"valid": 2},
        rejects={"wrong PIN": 1},
        discards={"a repeat of a request in progress": 1},
        repeats=2,
        waiting=3,
        lost=7,
        mean_us=200,
        slowest_us=300,
    )


def test_nothing_has_happened_yet() -> None:
    """Right after the start all is 0, and no reason is named."""
    assert Statistics(Discards()).counts(waiting=0) == Counts()


@given(
    reasons=st.dictionaries(st.sampled_from([*Reason, *SILENCES]), COUNTS),
    number=COUNTS,
)
def test_all_counts_are_read_back(reasons: dict[StrEnum, int], number: int) -> None:
    """Every reason, whatever the numbers; each line fits into one Reply-Message."""
    texts = {str(reason): count for reason, count in reasons.items()}
    counts = Counts(accepts={"valid": number}, rejects=texts, discards=texts, lost=number)
    assert parse_counts(counts.lines()) == counts
    assert all(len(line.encode()) <= 253 for line in counts.lines())


def test_every_counter_fits_into_one_reply() -> None:
    """Must 3: 4096 octets, with every reason there is."""
    every = {str(reason): 10**12 for reason in SILENCES}
    rejects = {str(reason): 10**12 for reason in Reason}
    lines = Counts(accepts={"valid": 1}, rejects=rejects, discards=every).lines()
    assert 20 + 18 + sum(2 + len(line) for line in lines) < MAX_LENGTH - 255


def test_a_later_version_may_count_more() -> None:
    """What is not known is left out."""
    assert parse_counts(["accepts: valid=1", "stars=7", "guesses: a=1"]) == Counts(
        accepts={"valid": 1}
    )
