"""Lets calls of FreeRADIUS wait for a slot of a visit's device limit (R18)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from radius_auth.companion.link import SLOT_SECONDS
from radius_auth.decision.device_limits import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_WAIT: Final = 0.25
"""Seconds that a FreeRADIUS thread waits for the companion."""

FORGET_SECONDS: Final = 12.0
"""Seconds after which a request for a slot is forgotten; its call has ended long before."""


class _Asked:
    """A request for a slot that has no answer yet."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.is_answered = threading.Event()
        self.answer = Answer.AWAY


class SlotCalls:
    """Waits in FreeRADIUS's threads; the thread of the link sends requests and receives answers.

    Args:
        send: lets the link ask, from any thread.
    """

    def __init__(self, send: Callable[[int, str], None]) -> None:
        self._send = send
        self._asked: dict[tuple[int, str], _Asked] = {}
        self._lock = threading.Lock()

    def ask(self, visit_id: int, device: str) -> Answer:
        """Ask for a slot; without an answer in time the store counts as away.

        Silence would not help: FreeRADIUS drops every retransmission of a request that it has not
        answered.  If the companion has been silent for long, this does not wait for it.
        """
        with self._lock:
            if self._is_silent():
                return Answer.AWAY
            asked = self._asked.get((visit_id, device))
            if asked is None:
                asked = self._asked[visit_id, device] = _Asked()
                self._send(visit_id, device)
        asked.is_answered.wait(LONGEST_WAIT)
        return asked.answer

    def answer(self, visit_id: int, device: str, answer: Answer) -> None:
        """Apply an answer of the companion."""
        with self._lock:
            asked = self._asked.pop((visit_id, device), None)
        if asked is not None:
            asked.answer = answer
            asked.is_answered.set()

    def _is_silent(self) -> bool:
        now = time.monotonic()
        while self._asked:
            key, oldest = next(iter(self._asked.items()))
            if now - oldest.at < FORGET_SECONDS:
                return now - oldest.at > SLOT_SECONDS
            del self._asked[key]
        return False
