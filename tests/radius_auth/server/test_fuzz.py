"""Broken packets through the whole server; ``make fuzz`` sends a million of them."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Fault
from tests.fuzz.campaign import LIMIT_SECONDS, Campaign
from tests.fuzz.mutations import Mutations
from tests.fuzz.seeds import accounting_seeds, seeds
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    import pytest

PACKETS = 60_000


def test_no_packet_stops_slows_or_bloats_it(caplog: pytest.LogCaptureFixture) -> None:
    """Must 3 to 7: no exception, no dear packet, no memory; and the next guest gets on."""
    caplog.set_level(logging.ERROR)
    campaign = Campaign(1)

    found = campaign.run(PACKETS)

    assert found.packets == PACKETS
    assert found.worst_seconds < LIMIT_SECONDS
    # It went through all of the server: through each check of the packet, and beyond.
    assert {
        *Fault,
        DiscardReason.UNKNOWN_CLIENT,
        DiscardReason.REPEATED,
    } <= campaign.discards().keys()
    deep = {DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, DiscardReason.REPLY_TOO_LONG}
    assert deep <= campaign.discards().keys()
    assert found.decisions > PACKETS / 20
    assert found.records > PACKETS / 20
    assert found.replies > PACKETS / 20


def test_a_campaign_can_be_repeated() -> None:
    """The same number sends the same packets, so that what was found is found again."""
    for make in (seeds, accounting_seeds):
        first, second = (Mutations(make(), random.Random(7), SECRET) for _ in range(2))

        assert [first.draw() for _ in range(500)] == [second.draw() for _ in range(500)]
