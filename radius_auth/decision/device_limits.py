"""How many devices a visit lets on (R18): what a server knows by itself, and what it has to ask.

A visit's table entry names the devices that hold a slot.  Another one's slot is taken in the store,
which the companion does; here stands what its answer means.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Accepted, Rejected

if TYPE_CHECKING:
    from radius_auth.decision.request import Decision, Request
    from radius_auth.replica.table import Table


class Answer(IntEnum):
    """What the companion says of a slot that was asked for."""

    TAKEN = 1
    FULL = 2
    AWAY = 3
    """The store cannot be asked."""


def decide_device(request: Request, accepted: Accepted) -> Decision | None:
    """Decide about the device of a guest who may on, where the visit has a limit.

    Returns:
        The decision; None where a slot has to be asked for.
    """
    device = request.device
    if device is None:
        return Rejected(Reason.NO_DEVICE, accepted.visit)
    return accepted if device in accepted.visit.devices else None


def decide_by_answer(accepted: Accepted, answer: Answer, table: Table) -> Decision:
    """Decide by what the companion said.

    Args:
        accepted: what the guest gets with a slot.
        answer: about the slot.
        table: what is known of the visit's location.
    """
    visit = accepted.visit
    if answer is Answer.TAKEN:
        return accepted
    if answer is Answer.FULL or len(visit.devices) >= (visit.max_devices or 0):
        return Rejected(Reason.TOO_MANY_DEVICES, visit)
    location = table.locations.get(visit.location_id)
    if location is not None and location.settings.device_limit_outage == "allow":
        return accepted._replace(reason=Reason.UNCOUNTED)
    return Rejected(Reason.UNCOUNTED, visit)
