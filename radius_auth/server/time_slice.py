"""Requests a short scheduler time slice for a process that answers: it runs often and briefly.

If two processes wait for one processor, Linux (6.12 and later) starts the one with the shorter
slice first; both get the same time.  So a request that comes while the companion records does
not wait until the companion has used up its own slice, which is milliseconds.
``python -m benchmarks.time_slice`` justifies it: half of the answers come in less than half of the
time when such a process computes on the same processor.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Final

SHORTEST: Final = 100_000
"""Nanoseconds: the minimum that Linux accepts."""

_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
"""Number of the system call, for which the C library of most systems has no function."""

_RESET_ON_FORK: Final = 1

_SCHED_ATTR: Final = struct.Struct("@IIQiIQQQ")
"""struct sched_attr: size, policy, flags, nice, priority, slice, deadline, period."""


def ask_for_slice(nanoseconds: int) -> bool:
    """Request a slice for this process alone, and return whether the system accepted the call.

    Priority and policy do not change, and child processes have the usual slice.  An older Linux
    accepts the call and does nothing; without it everything works, but some answers come later.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    is_64_bit = struct.calcsize("@P") == 8  # noqa: PLR2004 - octets; another number else
    if number is None or not is_64_bit or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    nice, flags = os.getpriority(os.PRIO_PROCESS, 0), _RESET_ON_FORK
    asked = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_OTHER, flags, nice, 0, nanoseconds, 0, 0)
    called: int = ctypes.CDLL(None).syscall(ctypes.c_long(number), 0, asked, 0)
    return called == 0
