"""Which files the tests begin with.

``make test`` gives each of its processes a whole file at a time, in this order: a server or a
browser that a file shares starts once, and what takes long is not waited for at the end.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    import pytest

LONGEST = (
    "radius_auth/server/test_wired.py",
    "radius_auth/plugin/test_freeradius.py",
    "test_live_changes.py",
    "radius_auth/server/test_accounting_server.py",
    "nexio_web/test_languages.py",
    "test_documentation.py",
    "radius_auth/server/test_hung_database.py",
    "test_three_servers.py",
    "nexio_cli/test_streams.py",
    "nexio_web/test_kiosk.py",
    "radius_auth/server/test_faults.py",
    "nexio_web/test_daemon.py",
    "nexio_web/test_desk.py",
    "radius_auth/server/test_must.py",
    "radius_auth/server/test_must_trust.py",
    "radius_auth/plugin/test_conformance.py",
    "nexio_web/test_offline.py",
    "nexio_web/test_phone.py",
    "radius_auth/server/test_guard_server.py",
    "radius_auth/server/test_endings.py",
    "radius_auth/server/test_database_faults.py",
    "radius_auth/plugin/test_device_limits.py",
    "radius_auth/disconnecting/test_ending.py",
    "test_query_plans.py",
    "test_packaging.py",
    "nexio_cli/commands/test_demo.py",
    "benchmarks/test_lineup.py",
    "radius_auth/client/test_liveness.py",
    "radius_auth/server/test_fleet.py",
)
"""Where the most time goes, on any machine; below ``tests/``, the longest first."""

_RUN_PROGRAMS = {
    "tests.support.cli.forking",
    "tests.support.cli.programs",
    "tests.support.radius.freeradius",
    "tests.support.radius.radiusd",
    "tests.support.radius.wired",
    "tests.support.web.webd",
    "tests.support.web.house",
}


def place(item: pytest.Function) -> tuple[int, bool, bool, int]:
    """What a test is sorted by: whatever waits for a program leaves its core to others meanwhile.

    What needs neither store nor program comes last.
    """
    rank, depth = _place_of(item.path, item.config.rootpath)
    fast = item.get_closest_marker("fast") is not None
    return rank, fast, not _runs_programs(item.module), depth


@cache
def _place_of(file: Path, root: Path) -> tuple[int, int]:
    """Of a file: how many take longer, and how deep it lies."""
    path = file.relative_to(root / "tests")
    name = path.as_posix()
    return LONGEST.index(name) if name in LONGEST else len(LONGEST), len(path.parts)


@cache
def _runs_programs(module: ModuleType) -> bool:
    """Whether the tests of a module use a helper that runs a program, or do so themselves."""
    used = [getattr(each, "__module__", None) for each in vars(module).values()]
    return "subprocess" in vars(module) or any(name in _RUN_PROGRAMS for name in used)
