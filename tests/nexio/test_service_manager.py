"""What a server tells the service manager that started it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nexio.service_manager import READY, WATCHDOG, notify
from tests.support.service_manager import service_manager

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MORE_THAN_A_QUEUE_HOLDS = 1000


def test_ready_is_told_though_the_queue_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service manager that is slow to listen misses no `READY`."""
    with service_manager(tmp_path) as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", systemd.variables["NOTIFY_SOCKET"])
        systemd.fill(WATCHDOG, MORE_THAN_A_QUEUE_HOLDS)
        sending = threading.Thread(target=notify, args=(READY,))
        sending.start()
        systemd.wait_for(READY)
        sending.join()
