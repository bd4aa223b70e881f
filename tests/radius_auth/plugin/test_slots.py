"""R18 inside FreeRADIUS: a call waits for a slot, but not for long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from radius_auth.decision.device_limits import Answer
from radius_auth.plugin import slots as slots_module
from radius_auth.plugin.slots import LONGEST_WAIT, SlotCalls
from tests.support.reception import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

PHONE, LAPTOP = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Companion:
    """Answers in a thread of its own, or not at all."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer
        self.asked: list[tuple[int, str]] = []
        self.calls = SlotCalls(self._take)

    def _take(self, visit_id: int, device: str) -> None:
        self.asked.append((visit_id, device))
        if self.answer is not None:
            told = self.answer
            threading.Timer(0.01, lambda: self.calls.answer(visit_id, device, told)).start()


@pytest.mark.parametrize("answer", Answer)
def test_an_answer(answer: Answer) -> None:
    """As it was told; the next login asks again."""
    companion = Companion(answer)
    assert [companion.calls.ask(1, PHONE) for _ in range(2)] == [answer, answer]
    assert companion.asked == [(1, PHONE)] * 2


def test_several_calls_of_one_device() -> None:
    """It is asked once, and all of them hear."""
    companion = Companion(None)
    asking: list[Callable[[], Answer]] = [lambda: companion.calls.ask(1, PHONE)] * 5
    threading.Timer(0.05, lambda: companion.calls.answer(1, PHONE, Answer.TAKEN)).start()
    assert at_once(*asking) == [Answer.TAKEN] * 5
    assert companion.asked == [(1, PHONE)]


def test_no_answer_in_time() -> None:
    """A quarter of a second; the companion is not asked twice."""
    companion = Companion(None)
    began = time.monotonic()
    assert companion.calls.ask(1, PHONE) is Answer.AWAY
    assert time.monotonic() - began >= LONGEST_WAIT
    assert companion.calls.ask(1, PHONE) is Answer.AWAY
    assert companion.asked == [(1, PHONE)]
    companion.calls.answer(1, PHONE, Answer.TAKEN)
    companion.answer = Answer.FULL
    assert companion.calls.ask(1, PHONE) is Answer.FULL


def test_a_companion_that_is_silent_for_long_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more, until it speaks again, or for ten seconds."""
    monkeypatch.setattr(slots_module, "LONGEST_WAIT", 0.01)
    monkeypatch.setattr(slots_module, "SLOT_SECONDS", 0.0)
    companion = Companion(None)
    companion.calls.ask(1, PHONE)
    companion.calls.ask(1, LAPTOP)
    assert companion.asked == [(1, PHONE)]
    companion.calls.answer(1, PHONE, Answer.TAKEN)
    companion.calls.answer(1, PHONE, Answer.TAKEN)
    companion.calls.ask(1, LAPTOP)
    monkeypatch.setattr(slots_module, "FORGET_SECONDS", 0.0)
    companion.calls.ask(1, LAPTOP)
    assert companion.asked == [(1, PHONE), (1, LAPTOP), (1, LAPTOP)]
