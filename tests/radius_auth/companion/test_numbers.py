"""What a monitor is told of a RADIUS server, counted from its decisions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from nexio.network.events import EventBatch
from radius_auth.companion.monitor import Monitor
from radius_auth.companion.numbers import RadiusNumbers
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.statistics import Counts
from radius_auth.recording.spool import Spool
from tests.support.log_entries import batches_of
from tests.support.radius.guests import HOUR, NINE, nas, table_of, visit

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.network.events import Decided

HOUSE = "Harbour House"


class Counted:
    """The numbers of a server."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "radiusd.db"
        monitor = Monitor(cast("Any", None), folder / "accounting.db", Discards())
        self.accounting = monitor.discards
        self.numbers = RadiusNumbers(monitor, self.spool)
        follower = SimpleNamespace(
            table=table_of(visit(), nas_entries=[nas()]), age=HOUR, is_from_disk=True
        )
        self.numbers.follower = cast("Any", follower)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self.numbers)

    def take(self, *decided: Decided) -> None:
        """Count decisions."""
        self.numbers.take(*batches_of("w", 1, decided))

    def __call__(self, name: str, **labels: str) -> float | None:
        """One of them."""
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def counted(tmp_path: Path, sqlite_file: None) -> Counted:
    """Of a server that has decided nothing yet."""
    return Counted(tmp_path)


def decided(
    outcome: str = "accept",
    reason: str = "valid",
    place: int | None = 1,
    us: int = 150,
    **at: float,
) -> Decided:
    """One decision."""
    named = "ap-1" if place else "whatever it calls itself"
    seconds = NINE.timestamp() + at.get("after", 0)
    return (seconds, "zoe@example.com", "02:00:00:00:00:01", named, place, 7, outcome, reason, us)


def test_requests_and_rejects(counted: Counted) -> None:
    """By location, NAS and what came of it; the last one says when the NAS was seen."""
    counted.take(decided(), decided("reject", "wrong PIN", after=5), decided())
    counted.take(decided("reject", "wrong PIN", after=3))
    where = {"location": HOUSE, "nas": "ap-1"}
    assert counted("nexio_radius_requests_total", **where, outcome="accept") == 2
    assert counted("nexio_radius_requests_total", **where, outcome="reject") == 2
    assert counted("nexio_radius_rejects_total", **where, reason="wrong PIN") == 2
    seen = counted("nexio_radius_nas_last_seen_timestamp_seconds", **where)
    assert seen == NINE.timestamp() + 5


def test_a_name_that_anybody_may_choose(counted: Counted) -> None:
    """A NAS-Identifier that leads to no entry makes no label: there could be millions."""
    counted.take(decided("reject", "unknown location", place=None))
    where = {"location": "", "nas": ""}
    assert counted("nexio_radius_rejects_total", **where, reason="unknown location") == 1
    assert b"whatever" not in generate_latest(counted.registry)


def test_latency(counted: Counted) -> None:
    """In seconds, without the reject delay, each in the bucket of its upper bound."""
    counted.take(decided(us=50), decided(us=51), decided(us=900_000))
    bucket = "nexio_radius_request_seconds_bucket"
    assert [counted(bucket, le=le) for le in ("5e-05", "0.0001", "0.5", "+Inf")] == [1, 2, 2, 3]
    assert counted("nexio_radius_request_seconds_sum") == pytest.approx(0.900101)


def test_nobody_is_named(counted: Counted) -> None:
    """No e-mail and no MAC address is in a label."""
    counted.take(decided(), decided("reject", "wrong PIN"))
    text = generate_latest(counted.registry).decode()
    assert "zoe" not in text
    assert "02:00:00" not in text


def test_what_those_who_answer_tell(counted: Counted) -> None:
    """Duplicates, lost datagrams, waiting rejects, decisions that are lost."""
    counted.numbers.counts = lambda: Counts(repeats=3, waiting=2, lost=5, unrecorded=6)
    assert counted("nexio_radius_duplicates_total") == 3
    assert counted("nexio_radius_rejects_waiting") == 2
    assert counted("nexio_radius_lost_datagrams_total") == 5
    assert counted("nexio_decisions_unrecorded_total") == 6


def test_discards(counted: Counted) -> None:
    """By NAS and reason; of strangers only how many there were."""
    wrong, strange = DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, DiscardReason.UNKNOWN_CLIENT
    discards = Discards()
    for host, reason in (("127.0.0.1", wrong), ("192.0.2.7", wrong), ("192.0.2.7", strange)):
        discards.count(reason, host, 0.0, times=2)
        counted.accounting.count(reason, host, 0.0)
    counted.numbers.discards = discards.by_peer
    counted.numbers.counts = lambda: Counts(discards={wrong: 4, strange: 2})
    for name, each in (("radius", 2), ("accounting", 1)):
        family = f"nexio_{name}_discards_total"
        assert counted(family, nas="ap-1", reason=wrong) == each
        assert counted(family, nas="", reason=wrong) == each
    assert counted("nexio_radius_discards_total", nas="", reason=strange) == 2


def test_the_table(counted: Counted) -> None:
    """How old it is, how large, and where it is from; nothing before there is one."""
    assert counted("nexio_table_age_seconds") == 3600
    assert counted("nexio_table_tokens") == 1
    assert counted("nexio_table_from_disk") == 1
    counted.numbers.follower = None
    assert counted("nexio_table_tokens") is None


@pytest.mark.parametrize(("outcome", "named"), [("ack", "ap-1"), ("timeout", "")])
def test_disconnects(counted: Counted, outcome: str, named: str) -> None:
    """By NAS and answer; a NAS that was removed has no name."""
    ended = SimpleNamespace(
        ending=SimpleNamespace(session=SimpleNamespace(nas_id=1 if named else 99)),
        reply=SimpleNamespace(outcome=SimpleNamespace(value=outcome)),
    )
    counted.numbers.take_ended(cast("Any", ended))
    assert counted("nexio_disconnects_total", nas=named, result=outcome) == 1


def test_what_waits(counted: Counted) -> None:
    """How many records are in a spool, and how old the oldest is; nothing without a file."""
    assert counted("nexio_spool_records", spool="decisions") is None
    spool = Spool(counted.spool, EventBatch)
    assert counted("nexio_spool_records", spool="decisions") == 0
    assert counted("nexio_spool_oldest_seconds", spool="decisions") == 0
    spool.append(batches_of("w", 1, [decided(), decided()]))
    assert counted("nexio_spool_records", spool="decisions") == 2
    age = counted("nexio_spool_oldest_seconds", spool="decisions")
    assert age is not None
    assert age > 0
