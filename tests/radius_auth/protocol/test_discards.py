"""What gets no answer is counted, and logged no more than the log can bear."""

import logging

import pytest

from radius_auth.protocol.discards import EVERY_SECONDS, DiscardReason, Discards


@pytest.fixture(autouse=True)
def _listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "radius_auth.protocol.discards")


def test_the_first_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """Must 20: with the peer and the reason."""
    Discards().count(DiscardReason.UNKNOWN_CLIENT, "192.0.2.7", 0.0)

    assert caplog.messages == ["no answer to 192.0.2.7: no NAS of that address"]


def test_must_20_a_flood_is_one_line_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """Must 20: rate-limited, and no discard is missing from the count."""
    discards = Discards()
    for hundredth in range(2_000):
        discards.count(DiscardReason.UNKNOWN_CLIENT, "192.0.2.7", 5.0 + hundredth / 100)

    assert [message.partition(" (")[2] for message in caplog.messages] == [
        "",
        "1000 since the last line)",
    ]
    assert discards.counts == {DiscardReason.UNKNOWN_CLIENT: 2_000}


def test_each_reason_has_a_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Must 20: a flood of one kind does not hide another."""
    discards = Discards()
    for reason in (
        DiscardReason.UNKNOWN_CLIENT,
        DiscardReason.REPEATED,
        DiscardReason.UNKNOWN_CLIENT,
    ):
        discards.count(reason, "192.0.2.7", EVERY_SECONDS / 2)

    assert len(caplog.messages) == 2
    assert discards.counts == {DiscardReason.UNKNOWN_CLIENT: 2, DiscardReason.REPEATED: 1}
