"""The worker process: answers on the sockets, with a link to the companion."""

from __future__ import annotations

import os
import secrets
import select
import signal
from typing import TYPE_CHECKING, Any, Final

from nexio.clock import utc_now
from radius_auth.companion.link import Link
from radius_auth.companion.memory import freeze_memory
from radius_auth.guard import Guard
from radius_auth.server.parking import Parked
from radius_auth.server.time_slice import SHORTEST, ask_for_slice
from radius_auth.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from radius_auth.guard.siblings import Siblings
    from radius_auth.server.options import Options
    from radius_auth.server.worker import Inherited

STOP_SECONDS: Final = 2.0
"""Seconds to wait at the end until the companion has the last decisions on a disk."""

CATCH_UP_SECONDS: Final = 0.001
"""Seconds of one wait for the other workers, if two check guesses at the same visit."""


def serve(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
    inherited: Inherited,
    options: Options,
    door: bytes,
    siblings: Siblings | None,
    ready: Callable[[], None],
    beside: Mapping[int, Callable[[], None]],
) -> None:
    """Run a worker until SIGTERM or SIGINT, or until the parent has died.

    Args:
        inherited: what the parent has opened.
        options: how to run.
        door: the address of the companion's socket.
        siblings: memory that the guards of the workers share; None for a single worker.
        ready: called once when requests are answered.
        beside: other actions between requests, by the descriptor that becomes readable.
    """
    guard = Guard(siblings)
    if siblings is not None:
        siblings.begin(guard.writer)
    link = Link(door, secrets.token_hex(8), guard, utc_now)
    try:
        if not _wait_for_table(link, inherited.life):
            return
        parked: Parked[Any] = Parked(link.ask_slot, link.forget_slot)
        link.slot_answered = parked.answer
        worker = Worker(
            inherited, link, link.hand_over, options, guard=guard, recording=link, parked=parked
        )
        try:
            _on_stop(lambda *_: worker.stop())
            link.counts, link.discards = worker.counts, worker.discards
            link.signatures = worker.signatures
            guard.notify_siblings, guard.catch_up = link.send_acts, lambda: _catch_up(link)
            for number, action in {link.fileno(): link.act, **beside}.items():
                worker.watch(number, action)
            freeze_memory()
            ask_for_slice(SHORTEST)
            ready()
            worker.run()
        finally:
            worker.close()
        link.finish(STOP_SECONDS)
    finally:
        link.close()


def _catch_up(link: Link) -> None:
    """Send our acts to the other workers, and receive theirs: both sides may wait for them."""
    link.send_acts()
    link.wait(CATCH_UP_SECONDS)


def _wait_for_table(link: Link, life: int) -> bool:
    """Wait until there is a table to answer by; False if the end comes first."""
    stopped, stop = os.pipe()
    try:
        _on_stop(lambda *_: os.write(stop, b"\0"))
        ends = {life, stopped}
        while not link.is_loaded:
            readable, _, _ = select.select([link.fileno(), *ends], [], [])
            if ends & {*readable}:
                return False
            link.act()
        return True
    finally:
        _on_stop(signal.SIG_DFL)
        os.close(stopped)
        os.close(stop)


def _on_stop(action: signal.Handlers | Callable[[int, object], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, action)
