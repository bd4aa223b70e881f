"""Memory of a process that answers, and of its companion."""

from __future__ import annotations

import gc


def freeze_memory() -> None:
    """Let the garbage collector look at what is new only, in a process that has loaded its table.

    A full collection walks over all visits, which takes longer than a thousand logins
    (``python -m benchmarks.path``); what a login leaves behind is freed without it.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    # What lives for some seconds, as a reply does for its duplicates, is looked at once.
    gc.set_threshold(10_000, 1_000, 1_000)


def freeze_companion_memory() -> None:
    """The same in the companion: decisions come by thousands and go within a second; logins stay.

    What stays is hardly ever looked at again (``python -m benchmarks.recording``, "first login").
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 100, 100)
