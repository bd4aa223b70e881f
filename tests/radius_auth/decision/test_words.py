"""What a decision is called: to the guest, in the log and in an explanation."""

from datetime import datetime, timedelta

import pytest

from nexio.locations.locations import Location
from nexio.network.following import FollowedVisit
from radius_auth.decision.decide import Accepted, Rejected
from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import LOGGED, REMEDIES, reply_message
from tests.support.radius.guests import ANNEX, HOUSE, NINE, TEN, visit

TOLD = {
    Reason.REPLACED: "You were sent a newer PIN.",
    Reason.DELETED: "This visit was cancelled.",
    Reason.NO_TOKEN: "Your visit does not include Wi-Fi. Please ask at the reception desk.",
    Reason.REVOKED: "Your Wi-Fi access was ended. Please ask at the reception desk.",
    Reason.NOT_CHECKED_IN: "Your Wi-Fi access starts when you check in at the reception desk.",
    Reason.NOT_YET: "Your Wi-Fi access starts at 09:00.",
    Reason.ENDED: "Your Wi-Fi access ended at 10:00.",
    Reason.NO_DEVICE: "Your device did not say who it is. Please ask at the reception desk.",
    Reason.TOO_MANY_DEVICES: "Already used on 2 devices. Please ask at the reception desk.",
    Reason.UNCOUNTED: "Please try again in a moment.",
}
"""Every reject whose PIN was right."""


def told(
    reason: Reason, held: FollowedVisit | None, location: Location = HOUSE, now: datetime = NINE
) -> str | None:
    """What the guest reads."""
    return reply_message(Rejected(reason=reason, visit=held), location, now)


@pytest.mark.parametrize("reason", TOLD)
def test_who_knows_the_pin_is_told(reason: Reason) -> None:
    """R11: the reject says in words why, and when."""
    assert told(reason, visit(max_devices=2)) == TOLD[reason]


def test_one_device_is_one() -> None:
    """R18: in the singular."""
    words = told(Reason.TOO_MANY_DEVICES, visit(max_devices=1))
    assert words == "Already used on 1 device. Please ask at the reception desk."


@pytest.mark.parametrize("reason", Reason)
def test_nobody_else_is_told_anything(reason: Reason) -> None:
    """R11: not for a wrong PIN, an unknown user or anything else without the right PIN."""
    assert told(reason, None) is None


def test_an_accept_has_no_words() -> None:
    """R11: there is nothing to explain."""
    assert reply_message(Accepted(visit=visit(), session_timeout=1), HOUSE, NINE) is None


@pytest.mark.parametrize(
    ("location", "now", "starts", "ended"),
    [
        (HOUSE, NINE - timedelta(hours=9), "09:00", "10:00"),
        (
            HOUSE,
            NINE - timedelta(hours=9, seconds=1),
            "09:00 on Friday 20 November",
            "10:00 on Friday 20 November",
        ),
        (
            HOUSE,
            NINE + timedelta(days=1),
            "09:00 on Friday 20 November",
            "10:00 on Friday 20 November",
        ),
        (ANNEX, NINE, "10:00", "11:00"),
    ],
)
def test_times_are_those_of_the_place(
    location: Location, now: datetime, starts: str, ended: str
) -> None:
    """R1 and R11: on the location's clock; on another day with the day."""
    held = visit(valid_from=NINE, valid_until=TEN)

    assert told(Reason.NOT_YET, held, location, now) == f"Your Wi-Fi access starts at {starts}."
    assert told(Reason.ENDED, held, location, now) == f"Your Wi-Fi access ended at {ended}."


def test_words_fit_into_one_attribute() -> None:
    """R11: RFC 2865 section 5.18 gives them 253 octets."""
    far = NINE - timedelta(days=100)

    assert all(len((told(reason, visit(), HOUSE, far) or "").encode()) <= 253 for reason in TOLD)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_for_the_log(reason: Reason) -> None:
    """R11: whatever the guest is told, the desk can read why."""
    assert LOGGED[reason] == LOGGED[reason].strip(" .")
    assert len(set(LOGGED.values())) == len(Reason)


@pytest.mark.parametrize("reason", [*TOLD, Reason.WRONG_PIN, Reason.UNKNOWN_USER])
def test_every_reject_of_a_guest_has_a_remedy(reason: Reason) -> None:
    """R11: `explain` says what to do."""
    assert REMEDIES[reason]
