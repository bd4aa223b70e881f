"""Garbage collection in a process that answers, and in its companion."""

from __future__ import annotations

import gc


def freeze_memory() -> None:
    """Limit the garbage collector to new objects, in a process that has loaded its table.

    A full collection walks over all visits, which takes longer than a thousand logins
    (``python -m benchmarks.path``); the garbage of a login is freed without it.
    """
    gc.freeze()
    gc.enable()
    # Objects that live for some seconds, such as a reply kept for duplicates, are scanned once.
    gc.set_threshold(10_000, 1_000, 1_000)


def freeze_companion_memory() -> None:
    """The same in the companion: decisions come by thousands and go within a second; logins stay.

    Old objects are hardly ever scanned again (``python -m benchmarks.recording``, "first login").
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 100, 100)
