"""The process that answers: a link to the companion behind, the sockets in front."""

from __future__ import annotations

import gc
import secrets
import select
import signal
from typing import TYPE_CHECKING, Final

from nexio.clock import utc_now
from radius_auth.companion.link import Link
from radius_auth.guard import Guard
from radius_auth.protocol.packet import fixed_lengths
from radius_auth.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from radius_auth.guard.siblings import Siblings
    from radius_auth.server.options import Options
    from radius_auth.server.worker import Inherited

STOP_SECONDS: Final = 2.0
"""How long the companion is waited for at the end, until it has the last decisions on a disk."""

CATCH_UP_SECONDS: Final = 0.001
"""How long the others are waited for at a time, where two look at guesses at the same visit."""

NEVER: Final = 1_000_000
"""Collections of what is young before all is collected: a guest would wait for that."""


def serve(
    inherited: Inherited,
    options: Options,
    door: bytes,
    siblings: Siblings | None,
    ready: Callable[[], None],
) -> None:
    """Be a worker until SIGTERM or SIGINT, or until the parent has died.

    Args:
        inherited: what the parent has opened.
        options: how to run.
        door: where the companion is found.
        siblings: what the guards of the workers share in memory; None where there is one worker.
        ready: called once when requests are answered.
    """
    fixed_lengths()  # reads a file, which the first guest would wait for
    gc.set_threshold(gc.get_threshold()[0], gc.get_threshold()[1], NEVER)
    guard = Guard(siblings)
    if siblings is not None:
        siblings.begin(guard.writer)
    link = Link(door, secrets.token_hex(8), guard, utc_now)
    worker = Worker(inherited, link, link.hand_over, options, guard=guard, recording=link)
    is_stopping = False

    def stop(*_: object) -> None:
        nonlocal is_stopping
        is_stopping = True
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        while not link.is_loaded and not is_stopping:
            ready_now, _, _ = select.select([link.fileno(), inherited.life], [], [], 1.0)
            if inherited.life in ready_now:
                stop()
            link.act()
        if is_stopping:
            return
        link.counts = worker.counts
        guard.announce, guard.catch_up = link.tell_acts, lambda: link.wait(CATCH_UP_SECONDS)
        worker.watch(link.fileno(), link.act)
        ready()
        worker.run()
        link.finish(STOP_SECONDS)
    finally:
        worker.close()
        link.close()
