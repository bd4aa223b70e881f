"""Accounting records, made in memory, and the sessions that they lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nexio.network.accounting_records import AccountingRecord, Status
from nexio.network.session_updates import record_accounting
from nexio.network.sessions import SessionFilter, WifiSession, list_sessions
from tests.support.clocks import FRIDAY_MORNING

if TYPE_CHECKING:
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store

MAC = "02:00:00:ab:cd:ef"


def record(status: Status = Status.START, visit: Visit | None = None, **changes: Any) -> Any:
    """A record of ``ap-1`` at 192.0.2.10 about session 81 at half past eight, or with changes.

    Args:
        status: of the session.
        visit: its Class is in the record.
        changes: of an `AccountingRecord`.
    """
    made = AccountingRecord(
        at=FRIDAY_MORNING,
        status=status.value,
        sender=f"{1:032x}",
        key=f"{81:032x}",
        nas_id=1,
        nas="ap-1",
        location_id=1,
        source_address="192.0.2.10",
        nas_identifier="lobby",
        nas_address="192.0.2.10",
        session_id="81",
        user_name="zoe@example.com",
        calling_station="02-00-00-AB-CD-EF",
        device=MAC,
        claimed_location=None,
        claimed_visit=None,
        claimed_token=None,
        seconds=None,
        octets_in=0,
        octets_out=0,
        terminate_cause=None,
    )
    if visit is not None and visit.token is not None:
        made = replace(
            made,
            claimed_location=visit.location.id,
            claimed_visit=visit.id,
            claimed_token=visit.token.id,
        )
    return replace(made, **changes)


def tell(store: Store, *records: AccountingRecord) -> list[WifiSession]:
    """Store some records in one transaction, and return all sessions."""
    with store.write() as work:
        record_accounting(work, records)
    return sessions(store)


def sessions(store: Store, **which: Any) -> list[WifiSession]:
    """The sessions, in the order in which they began."""
    with store.read() as work:
        return list_sessions(work, SessionFilter(**which))
