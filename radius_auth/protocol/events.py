"""Turns decisions into the tuples that travel from the answering process to the store's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radius_auth.decision.devices import mac_of
from radius_auth.decision.passwords import Pap
from radius_auth.decision.request import Accepted
from radius_auth.protocol.printable import device_for_log, printable, user_name_for_log

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.network.events import Decided
    from radius_auth.decision.request import Decision, Request
    from radius_auth.replica.table import Table


def decision_for_log(
    request: Request, decision: Decision, table: Table, at: datetime, latency_us: int
) -> Decided:
    """A decision as it is logged.

    Args:
        request: what was asked.
        decision: what was answered.
        table: whose e-mails are no PINs.
        at: when it was asked.
        latency_us: how long the decision took, in microseconds.
    """
    nas, name, password, station, _, _, _, identifier = request
    visit, reason = decision.visit, decision.reason
    # Most names are the e-mail of a visit, which is no PIN, so there is nothing to mask.
    if name in table.by_name and not (isinstance(password, Pap) and password.is_in(name)):
        user_name = printable(name)
    else:
        user_name = user_name_for_log(name, table.visits_of, password)
    return (
        at.timestamp(),
        user_name,
        mac_of(station) or device_for_log(station, password),
        printable(identifier) if nas is None else nas.name,
        None if nas is None else nas.location.id,
        None if visit is None else visit.id,
        "accept" if isinstance(decision, Accepted) else "reject",
        reason._value_,  # plain text: ``marshal`` does not take enumeration members
        latency_us,
    )
