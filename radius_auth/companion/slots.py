"""Takes slots of device limits (R18) in the store for the workers, in a thread."""

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
"""A store that does not answer for so long counts as away."""

TRY_EVERY_SECONDS: Final = 1.0
"""How often a store that is away is tried again."""

STOP_SECONDS: Final = 3.0


@dataclass(eq=False, slots=True, kw_only=True)
class _Question:
    """A request for a slot that waits for its answer."""

    asked: Asked
    notify: Callable[[Answer], None]
    at: float = field(default_factory=time.monotonic)


class Slots:
    """Takes slots; all requests of the meantime share one transaction.

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
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; open requests get no answer."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def ask(self, asked: Asked, notify: Callable[[Answer], None]) -> None:
        """Ask for a slot; ``notify`` is called once with the answer, in some thread.

        While the store is away the answer comes at once.
        """
        with self._changed:
            if not self._is_away:
                question = _Question(asked=asked, notify=notify)
                self._new.append(question)
                self._unanswered[question] = None
                self._changed.notify()
                return
        notify(Answer.AWAY)

    def answer_overdue(self) -> None:
        """Answer requests that have waited too long that the store is away; to be called often.

        The store may still take the slot later: the device then has it.
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
        question.notify(answer)

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
        """Return who has a slot now, or None if the store is away."""
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
    """Take slots; without any, only try to write."""
    with store.read() as work:
        taken = known_slots(work, asked)
    # Write only where there is room: a request in vain must not keep others from writing.
    open_ones = [each for each in asked if each not in taken]
    if open_ones or not asked:
        with store.write() as writing:
            taken |= take_slots(writing, open_ones)
    return taken
