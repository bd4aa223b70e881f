"""Which file of tests each process of ``make test`` takes next.

It takes a whole file at a time, so a server or a browser that a file shares starts once.  Two
thirds of the processes take files that mostly wait, while the others compute: so no core is idle.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    import pytest
    from xdist.workermanage import WorkerController

WAITING = (
    "radius_auth/plugin/test_freeradius.py",
    "nexio_web/test_offline.py",
    "radius_auth/plugin/test_device_limits.py",
    "radius_auth/server/test_wired.py",
    "radius_auth/server/test_hung_database.py",
    "nexio_web/test_desk.py",
    "nexio_web/test_kiosk.py",
    "radius_auth/server/test_stopping.py",
    "radius_auth/server/test_faults.py",
    "nexio_web/test_daemon.py",
    "nexio_web/test_languages.py",
    "radius_auth/server/test_without_store.py",
    "nexio_web/test_phone.py",
    "radius_auth/server/test_accounting_server.py",
    "radius_auth/server/test_behind_pgbouncer.py",
    "benchmarks/test_lineup.py",
    "radius_auth/server/test_processes.py",
    "test_three_servers.py",
    "test_live_changes.py",
    "radius_auth/server/test_server.py",
    "radius_auth/server/test_database_faults.py",
    "radius_auth/server/test_guard_server.py",
    "nexio/mail/test_hostile_servers.py",
    "radius_auth/replica/test_follower.py",
    "radius_auth/server/test_endings.py",
    "nexio/store/test_postgresql.py",
    "radius_auth/server/test_faults_under_load.py",
    "test_documentation.py",
    "radius_auth/server/test_access_points.py",
    "nexio_cli/test_streams.py",
    "radius_auth/server/test_fleet.py",
    "nexio_cli/commands/test_person.py",
    "nexio_cli/commands/test_demo.py",
    "radius_auth/client/test_liveness.py",
)
"""Those that mostly wait, for servers, browsers and time to pass; below ``tests/``, the longest
first."""

_RUN_PROGRAMS = {
    "tests.support.cli.forking",
    "tests.support.cli.programs",
    "tests.support.radius.freeradius",
    "tests.support.radius.radiusd",
    "tests.support.radius.wired",
    "tests.support.web.webd",
    "tests.support.web.house",
}


class Scheduling(LoadFileScheduling):
    """Keeps some processes waiting and the others computing, as long as there is enough of both."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        waiting = [
            any(_waits(file) and not all(tests.values()) for file, tests in files.items())
            for files in self.assigned_work.values()
        ]
        wanted = 3 * sum(waiting) < 2 * self.numnodes
        chosen = next((file for file in self.workqueue if _waits(file) == wanted), None)
        if chosen is not None:
            self.workqueue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)


def _waits(file: str) -> bool:
    """Whether a file, as it is called below the root, is one of those that mostly wait."""
    return file.removeprefix("tests/") in WAITING


def place(item: pytest.Function) -> tuple[int, bool, bool, int]:
    """What a test is sorted by: whatever waits for a program leaves its core to others meanwhile.

    What needs neither store nor program comes last.
    """
    rank, depth = _place_of(item.path, item.config.rootpath)
    fast = item.get_closest_marker("fast") is not None
    return rank, fast, not _runs_programs(item.module), depth


@cache
def _place_of(file: Path, root: Path) -> tuple[int, int]:
    """Of a file: its place among those that wait, and how deep it lies."""
    path = file.relative_to(root / "tests")
    name = path.as_posix()
    return WAITING.index(name) if name in WAITING else len(WAITING), len(path.parts)


@cache
def _runs_programs(module: ModuleType) -> bool:
    """Whether the tests of a module use a helper that runs a program, or do so themselves."""
    used = [getattr(each, "__module__", None) for each in vars(module).values()]
    return "subprocess" in vars(module) or any(name in _RUN_PROGRAMS for name in used)
