"""Notifications from a server to the service manager that started it: sd_notify(3) of systemd."""

from __future__ import annotations

import os
import socket
import time
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"

_PATIENCE: Final = 1.0
"""Seconds to wait while the queue of the service manager is full: it must not miss `READY`."""


def notify(*news: str) -> None:
    """Send notifications; do nothing if no service manager listens or the send fails."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    # An @ stands for the leading zero octet of an abstract socket, which has no file.
    address = "\0" + place[1:] if place.startswith("@") else place
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(_PATIENCE)
        try:
            line.sendto("\n".join(news).encode(), address)
        except OSError:
            return


def notify_reloading() -> None:
    """Report that a reload has begun; `READY` reports its end."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_seconds() -> float | None:
    """The longest interval between two `WATCHDOG` notifications; None if no watchdog is set.

    Half of the time after which systemd kills the service, as its manual advises.
    """
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 2e6 if microseconds > 0 else None
