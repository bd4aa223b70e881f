"""R18: a limit of devices; R22: devices that are remembered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from radius_auth.decision.decide import Accepted, Rejected, decide
from radius_auth.decision.device_limits import Answer, decide_by_answer, decide_device
from radius_auth.decision.reasons import Reason
from radius_auth.guard import Guard
from tests.support.radius.guests import (
    ANNEX,
    HOUR,
    HOUSE,
    NINE,
    TEN,
    chap,
    nas,
    pap,
    request,
    table_of,
    visit,
    with_settings,
)

DURING = NINE + timedelta(minutes=30)
PHONE, LAPTOP, TABLET = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"


@pytest.mark.parametrize(
    ("station", "reason"),
    [
        (b"02-00-00-00-00-01", Reason.VALID),
        (b"0200.0000.0001", Reason.VALID),
        (b"02-00-00-00-00-03", None),
        (None, Reason.NO_DEVICE),
        (b"198.51.100.7", Reason.NO_DEVICE),
        (b"", Reason.NO_DEVICE),
    ],
)
def test_r18_what_a_server_knows_by_itself(station: bytes | None, reason: Reason | None) -> None:
    """A device with a slot is in, in any notation; one without an address is refused."""
    limited = visit(max_devices=2, devices=(PHONE, LAPTOP))
    accepted = Accepted(limited, 60)
    decision = decide_device(request(pap(), calling_station=station), accepted)
    assert (None if decision is None else decision.reason) is reason
    assert decision is None or decision.visit == limited


@pytest.mark.parametrize("policy", ["allow", "refuse"])
@pytest.mark.parametrize("devices", [(), (PHONE,), (PHONE, LAPTOP), (PHONE, LAPTOP, TABLET)])
@pytest.mark.parametrize("answer", Answer)
def test_r18_what_the_answer_means(answer: Answer, devices: tuple[str, ...], policy: str) -> None:
    """While the store is away the setting decides, unless the limit is known to be reached."""
    limited = visit(max_devices=2, devices=devices)
    accepted = Accepted(limited, 60)
    table = table_of(limited, locations=[with_settings(HOUSE, device_limit_outage=policy)])
    expected: dict[Answer, Accepted | Rejected] = {
        Answer.TAKEN: accepted,
        Answer.FULL: Rejected(Reason.TOO_MANY_DEVICES, limited),
        Answer.AWAY: Rejected(Reason.UNCOUNTED, limited),
    }
    if len(devices) >= 2:
        expected[Answer.AWAY] = expected[Answer.FULL]
    elif policy == "allow":
        expected[Answer.AWAY] = Accepted(limited, 60, Reason.UNCOUNTED)
    assert decide_by_answer(accepted, answer, table) == expected[answer]


BY_MAC: dict[str, Any] = {"user_name": b"02-00-00-00-00-01", "calling_station": b"02000000-0001"}


def by_mac(*visits: Any, remember: bool = True, **changes: Any) -> Accepted | Rejected:
    """What MAC authentication of the phone gets at Harbour House."""
    places = [with_settings(HOUSE, remember_devices=remember, **changes.pop("settings", {})), ANNEX]
    asked = request(pap("02-00-00-00-00-01"))._replace(**(BY_MAC | changes))
    return decide(asked, table_of(*visits, locations=places), Guard(), DURING)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"password": chap("whatever")},
        {"service_type": 10},
        {"service_type": 10, "user_name": b""},
    ],
)
def test_r22_a_remembered_device_is_in(changes: dict[str, Any]) -> None:
    """For the rest of its window, whatever its NAS sends as the password."""
    known = visit(devices=(PHONE,))
    assert by_mac(known, **changes) == Accepted(known, 1800, Reason.REMEMBERED)


@pytest.mark.parametrize(
    ("visit_", "changes"),
    [
        ({"devices": ()}, {}),
        ({"devices": (LAPTOP,)}, {}),
        ({}, {"remember": False}),
        ({}, {"nas": nas(location=ANNEX)}),
        ({}, {"nas": None}),
        ({}, {"password": None}),  # EAP
        ({"location": 2}, {}),
        ({"revoked_at": NINE}, {}),
        ({"deleted_at": NINE}, {}),
        ({"valid_from": NINE - HOUR, "valid_until": NINE}, {}),
        ({"valid_from": TEN, "valid_until": TEN + HOUR}, {}),
    ],
)
def test_r22_no_other_device_is(visit_: dict[str, Any], changes: dict[str, Any]) -> None:
    """Not without a login by the PIN before, not outside of its window, not elsewhere."""
    decision = by_mac(visit(**({"devices": (PHONE,)} | visit_)), **changes)
    assert decision == Rejected(Reason.MAC_AUTHENTICATION)


def test_r22_of_several_visits_one_that_is_valid() -> None:
    """Those of yesterday do not keep it out; with roaming, of every location."""
    over = visit(1, devices=(PHONE,), valid_from=NINE - HOUR, valid_until=NINE)
    elsewhere = visit(2, devices=(PHONE, LAPTOP), location=2)
    assert by_mac(over, elsewhere) == Rejected(Reason.MAC_AUTHENTICATION)
    decision = by_mac(over, elsewhere, settings={"roaming": True})
    assert decision == Accepted(elsewhere, 1800, Reason.REMEMBERED)


def test_r22_a_device_that_was_freed_is_forgotten() -> None:
    """As soon as the table knows; the visit itself is found all the time."""
    table = table_of(visit(devices=(PHONE, LAPTOP)))
    table.put([visit(devices=(LAPTOP,))])
    assert table.visits_on(PHONE) == ()
    assert [each.devices for each in table.visits_on(LAPTOP)] == [(LAPTOP,)]
    table.put([visit(devices=(LAPTOP,), email="other@example.com")])
    assert [each.email_key for each in table.visits_on(LAPTOP)] == ["other@example.com"]
