"""Slots of device limits (R18): asked for by those who answer, taken in the store, in a thread."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nexio.errors import NexioError
from nexio.network.devices import known_slots, take_slots
from radius_auth.decision.device_limits import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nexio.network.devices import Asked
    from nexio.store.engine import Store

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 1.0
"""A store that says nothing for so long counts as away."""

TRY_EVERY_SECONDS: Final = 1.0
"""How often one that is away is tried again."""

STOP_SECONDS: Final = 3.0


@dataclass(eq=False, slots=True, kw_only=True)
class _Question:
    """Somebody waits for an answer."""

    asked: Asked
    tell: Callable[[Answer], None]
    at: float = field(default_factory=time.monotonic)


class Slots:
    """Takes slots, all that were asked for meanwhile in one transaction.

    Args:
        open_store: opens the store.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._changed = threading.Condition()
        self._new: list[_Question] = []
        self._unanswered: dict[_Question, None] = {}
        self._is_away = False
        self._trouble = ""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="nexio-slots", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End; who still waits for an answer gets none."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def ask(self, asked: Asked, tell: Callable[[Answer], None]) -> None:
        """Ask for a slot; ``tell`` gets the answer, once, in some thread.

        As long as the store is away nobody waits for it.
        """
        with self._changed:
            if not self._is_away:
                question = _Question(asked=asked, tell=tell)
                self._new.append(question)
                self._unanswered[question] = None
                self._changed.notify()
                return
        tell(Answer.AWAY)

    def tell_overdue(self) -> None:
        """Tell those who have waited too long that the store is away; to be called often.

        What the store says later holds all the same: the device has its slot then.
        """
        before = time.monotonic() - PATIENCE_SECONDS
        with self._changed:
            overdue = [each for each in self._unanswered if each.at < before]
            self._is_away = self._is_away or bool(overdue)
        for each in overdue:
            self._answer(each, Answer.AWAY)

    def _answer(self, question: _Question, answer: Answer) -> None:
        with self._changed:
            if question not in self._unanswered:
                return
            del self._unanswered[question]
        question.tell(answer)

    def _run(self) -> None:
        while True:
            with self._changed:
                again = TRY_EVERY_SECONDS if self._is_away else None
                self._changed.wait_for(lambda: self._new or self._stopping, again)
                if self._stopping:
                    break
                questions, self._new = self._new, []
            taken = self._ask_store(dict.fromkeys(each.asked for each in questions))
            with self._changed:
                self._is_away = taken is None
            for each in questions:
                if taken is None:
                    self._answer(each, Answer.AWAY)
                else:
                    self._answer(each, Answer.TAKEN if taken[each.asked] else Answer.FULL)
        self._close()

    def _ask_store(self, asked: Collection[Asked]) -> dict[Asked, bool] | None:
        """Who has a slot now; None where the store is away."""
        if self._store is not None:
            try:
                return _take(self._store, asked)
            except Exception:  # noqa: BLE001 - it may be another store by now, or have other keys
                self._close()
        try:
            self._store = self._open_store()
            taken = _take(self._store, asked)
        except NexioError as error:
            if str(error) != self._trouble:
                log.warning("devices cannot be counted: %s", error)
            self._trouble = str(error)
        except Exception:
            log.exception("devices cannot be counted")
        else:
            self._trouble = ""
            return taken
        self._close()
        return None

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _take(store: Store, asked: Collection[Asked]) -> dict[Asked, bool]:
    """Take slots; of nothing it is the attempt to write."""
    with store.read() as work:
        taken = known_slots(work, asked)
    # Only where there is room: whoever asks in vain keeps nobody else from writing.
    open_ones = [each for each in asked if each not in taken]
    if open_ones or not asked:
        with store.write() as writing:
            taken |= take_slots(writing, open_ones)
    return taken
