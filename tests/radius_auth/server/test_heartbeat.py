"""What nexio-radiusd tells systemd."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nexio.service_manager import READY, STOPPING, WATCHDOG
from tests.support.radius.radiusd import Radiusd
from tests.support.service_manager import ServiceManager, service_manager

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.radius.desk import Desk

STATUS = re.compile(r"^STATUS=table: \d seconds old; \d+\.\d logins a second$", re.MULTILINE)

BEATS = 1.0
"""Seconds in which a server that is well tells of itself several times."""


def hear_all(systemd: ServiceManager, seconds: float) -> list[str]:
    """All news of so many seconds."""
    heard, until = [], time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        heard += systemd.hear(left)
    return heard


def test_a_worker_that_hangs_stops_the_watchdog(desk: Desk, tmp_path: Path) -> None:
    """Ready, a reload, its end; and no beat while one of two request loops stands still."""
    with (
        service_manager(tmp_path) as systemd,
        Radiusd(desk.configuration, started_by=systemd.as_words) as server,
    ):
        told = "\n".join(systemd.wait_for("STATUS=", READY))
        assert STATUS.search(told)
        systemd.wait_for(WATCHDOG)
        server.signal(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for(READY)
        hanging = server.worker()
        os.kill(hanging, signal.SIGSTOP)
        try:
            hear_all(systemd, BEATS)  # it may have answered before
            assert WATCHDOG not in hear_all(systemd, 3 * BEATS)
        finally:
            with suppress(ProcessLookupError):
                os.kill(hanging, signal.SIGCONT)
        systemd.wait_for(WATCHDOG)
        server.signal()
        systemd.wait_for(STOPPING)
        assert server.wait() == 0
