"""Access points that do not say which device asks, so that the guard cannot tell guests apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import case, func, select

from nexio.store.engine import Reading
from nexio.store.tables import AuthEventRow

LOOKED_BACK: Final = timedelta(days=7)

ENOUGH: Final = 10
"""Logins without a device before anybody is warned: a test or two are none."""

_MAC: Final = "__:__:__:__:__:__"
"""How the log shows a MAC address."""


def nas_that_name_no_device(work: Reading) -> list[str]:
    """The names of those that sent no MAC address in Calling-Station-Id during the last week."""
    named = func.sum(case((AuthEventRow.device.like(_MAC), 1), else_=0))
    query = (
        select(AuthEventRow.nas)
        .where(AuthEventRow.at > work.now - LOOKED_BACK, AuthEventRow.location_id.is_not(None))
        .group_by(AuthEventRow.nas)
        .having(named == 0, func.count() >= ENOUGH)
        .order_by(AuthEventRow.nas)
    )
    return list(work.session.scalars(query))
