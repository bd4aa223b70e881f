"""The database tables, a module for each topic.

``location`` has ``visit`` s and ``member`` s; each of those owns a live ``pin``; a visit may
have one ``access_token``; ``nas`` are the devices that ask us over RADIUS, ``tablet`` s
stand at the doors, ``desk`` s are browsers at reception.  Rows of ``auth_event`` and ``audit`` are
added and deleted; one changes only if it names a person who is erased.
``store_revision``, ``change`` and ``removed`` let readers follow along (see
``nexio/store/batches.py``).

Business rules are named constraints here, not only checks in Python.  Numbers that leave the store
(in a QR code, a Class attribute, ``removed``) are never reused, which SQLite ensures only with
``sqlite_autoincrement``.

A module is loaded at the first access to a name in it: SQLAlchemy takes a tenth of a millisecond to
map each column, and all of them would be a third of a small command's time.

It may import ``nexio.store.columns``.  Read ``row.py`` first.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nexio.store.tables.audit import AuditRow as AuditRow
    from nexio.store.tables.changes import ChangeRow as ChangeRow
    from nexio.store.tables.changes import RemovedRow as RemovedRow
    from nexio.store.tables.doors import DeskRow as DeskRow
    from nexio.store.tables.doors import OfflineTapRow as OfflineTapRow
    from nexio.store.tables.doors import TabletRow as TabletRow
    from nexio.store.tables.locations import LocationRow as LocationRow
    from nexio.store.tables.mail import MailTextRow as MailTextRow
    from nexio.store.tables.mail import OutboxRow as OutboxRow
    from nexio.store.tables.nas import NasRow as NasRow
    from nexio.store.tables.nas import NasSignatureRow as NasSignatureRow
    from nexio.store.tables.passes import MemberPassRow as MemberPassRow
    from nexio.store.tables.passes import PassCodeRow as PassCodeRow
    from nexio.store.tables.pin_days import PinDayRow as PinDayRow
    from nexio.store.tables.pins import PinRow as PinRow
    from nexio.store.tables.revision import StoreRevisionRow as StoreRevisionRow
    from nexio.store.tables.row import LARGEST_NUMBER as LARGEST_NUMBER
    from nexio.store.tables.row import NAMING as NAMING
    from nexio.store.tables.row import Followed as Followed
    from nexio.store.tables.row import Row as Row
    from nexio.store.tables.row import (
        add_conditions_for_postgresql as add_conditions_for_postgresql,
    )
    from nexio.store.tables.row import index_where as index_where
    from nexio.store.tables.row import parse_number as parse_number
    from nexio.store.tables.row import shared_names as shared_names
    from nexio.store.tables.servers import AuthEventRow as AuthEventRow
    from nexio.store.tables.servers import EventBatchRow as EventBatchRow
    from nexio.store.tables.servers import GuardActRow as GuardActRow
    from nexio.store.tables.servers import ServerRow as ServerRow
    from nexio.store.tables.sessions import DeviceRow as DeviceRow
    from nexio.store.tables.sessions import WifiSessionRow as WifiSessionRow
    from nexio.store.tables.visits import CUT_OFF as CUT_OFF
    from nexio.store.tables.visits import AccessTokenRow as AccessTokenRow
    from nexio.store.tables.visits import CheckInRow as CheckInRow
    from nexio.store.tables.visits import MemberRow as MemberRow
    from nexio.store.tables.visits import VisitRow as VisitRow

_HOMES: Final = {
    "AuditRow": "audit",
    "ChangeRow": "changes",
    "RemovedRow": "changes",
    "TabletRow": "doors",
    "DeskRow": "doors",
    "OfflineTapRow": "doors",
    "LocationRow": "locations",
    "OutboxRow": "mail",
    "MailTextRow": "mail",
    "NasRow": "nas",
    "NasSignatureRow": "nas",
    "MemberPassRow": "passes",
    "PassCodeRow": "passes",
    "PinDayRow": "pin_days",
    "PinRow": "pins",
    "StoreRevisionRow": "revision",
    "LARGEST_NUMBER": "row",
    "parse_number": "row",
    "NAMING": "row",
    "Row": "row",
    "shared_names": "row",
    "index_where": "row",
    "add_conditions_for_postgresql": "row",
    "Followed": "row",
    "AuthEventRow": "servers",
    "EventBatchRow": "servers",
    "GuardActRow": "servers",
    "ServerRow": "servers",
    "DeviceRow": "sessions",
    "WifiSessionRow": "sessions",
    "VisitRow": "visits",
    "AccessTokenRow": "visits",
    "MemberRow": "visits",
    "CUT_OFF": "visits",
    "CheckInRow": "visits",
}
"""The module of each name."""

if not TYPE_CHECKING:  # else mypy would accept every name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Code with the base class may walk over its metadata: all tables have to be loaded.
        for module in set(_HOMES.values()) if name == "Row" else ():
            import_module(f"{__name__}.{module}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return found
