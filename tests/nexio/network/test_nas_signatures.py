"""Which NAS sign, as it is told from what servers have counted (Must 12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nexio.network.nas_signatures import Signatures, Signing, signing_of
from tests.support.radius.guests import nas

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATELY, LONG_AGO = NOW - timedelta(days=6), NOW - timedelta(days=8)
ALWAYS = Signatures(since=LONG_AGO, signed=10, unsigned=0, signed_at=LATELY, unsigned_at=None)


@pytest.mark.parametrize(
    ("counted", "optional", "required"),
    [
        (None, Signing.UNKNOWN, Signing.REQUIRED),
        (ALWAYS, Signing.READY, Signing.REQUIRED),
        (replace(ALWAYS, signed=9), Signing.UNKNOWN, Signing.REQUIRED),
        (replace(ALWAYS, signed_at=LONG_AGO), Signing.UNKNOWN, Signing.REQUIRED),
        (replace(ALWAYS, unsigned=1, unsigned_at=LATELY), Signing.MISSING, Signing.UNANSWERED),
        (replace(ALWAYS, unsigned=9, unsigned_at=LONG_AGO), Signing.READY, Signing.REQUIRED),
    ],
)
def test_must_12_who_signs(
    counted: Signatures | None, optional: Signing, required: Signing
) -> None:
    """A week without a request that is not signed, and some that are: it has learned to."""
    entry = nas(require_message_authenticator=False)
    assert signing_of(entry, counted, NOW) is optional
    assert signing_of(nas(), counted, NOW) is required
