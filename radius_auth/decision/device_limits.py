"""Decides about the device limit of a visit (R18), by the table or by the companion's answer.

A visit's table entry names the devices that hold a slot.  For another device the companion takes a
slot in the store; this module interprets its answer.
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
    """The companion's answer to a request for a slot."""

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
    """Decide by the companion's answer.

    Args:
        accepted: the decision for a guest with a slot.
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
