"""What a server tells the service manager that started it: sd_notify(3) of systemd."""

from __future__ import annotations

import os
import socket
import time
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"

_PATIENCE: Final = 1.0
"""Seconds to wait for a service manager whose queue is full: it must not miss `READY`."""


def tell(*news: str) -> None:
    """Send news; nothing where no service manager listens, or where it does not hear."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    # An @ stands for the zero octet of a name that no file has.
    address = "\0" + place[1:] if place.startswith("@") else place
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(_PATIENCE)
        try:
            line.sendto("\n".join(news).encode(), address)
        except OSError:
            return


def tell_reloading() -> None:
    """Say that what is new is being read; `READY` says that it was."""
    tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_seconds() -> float | None:
    """How often `WATCHDOG` is to be told, at least; None where nobody waits for it.

    Half of the time after which systemd kills the service, as its manual advises.
    """
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 2e6 if microseconds > 0 else None
