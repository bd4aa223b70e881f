"""Slots of device limits (R18): from the worker that asks to the store, and back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from nexio.errors import StoreUnreachable
from nexio.store.engine import Store
from radius_auth.companion import slots as slots_module
from radius_auth.companion.slots import Slots
from radius_auth.decision.device_limits import Answer
from tests.support.people import register
from tests.support.radius.radiusd import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location

PHONE, LAPTOP, TABLET = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"


class Away:
    """Opens a store, or says that it is away, or says nothing."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.is_away = False
        self.speaks = threading.Event()
        self.speaks.set()

    def open(self) -> Store:
        """What the companion does."""
        assert self.speaks.wait(30)
        if self.is_away:
            raise StoreUnreachable("the store is away", "Wait.")
        return Store.open(self._configuration)


@pytest.fixture
def away(configuration: Configuration) -> Away:
    """How the store is reached."""
    return Away(configuration)


@pytest.fixture
def slots(away: Away) -> Iterator[Slots]:
    """They are taken there."""
    made = Slots(away.open)
    made.start()
    yield made
    away.speaks.set()
    made.stop()


class Asking:
    """Asks, and collects the answers."""

    def __init__(self, slots: Slots, visit_id: int) -> None:
        self._slots = slots
        self._visit_id = visit_id
        self.answers: list[tuple[str, Answer]] = []

    def ask(self, *macs: str) -> None:
        """Ask for the slots of some devices."""
        for mac in macs:
            self._slots.ask((self._visit_id, mac), lambda answer, mac=mac: self._hear(mac, answer))  # type: ignore[misc]

    def _hear(self, mac: str, answer: Answer) -> None:
        self.answers.append((mac, answer))

    def heard(self, *macs: str) -> list[Answer]:
        """The answers, once they are there; and they are forgotten."""
        self.ask(*macs)
        wait_until(lambda: len(self.answers) == len(macs))
        found, self.answers = dict(self.answers), []
        return [found[mac] for mac in macs]


@pytest.fixture
def asking(slots: Slots, store: Store, location: Location) -> Asking:
    """A worker at a visit with a limit of two."""
    return Asking(slots, register(store, location, max_devices="2").id)


def test_r18_a_slot_is_taken(asking: Asking) -> None:
    """Until there is none; the same device has its own again."""
    assert asking.heard(PHONE) == [Answer.TAKEN]
    assert asking.heard(PHONE, LAPTOP) == [Answer.TAKEN, Answer.TAKEN]
    assert asking.heard(TABLET, PHONE) == [Answer.FULL, Answer.TAKEN]


def test_the_store_is_away(asking: Asking, away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it; it is tried now and then, and all is as before."""
    monkeypatch.setattr(slots_module, "TRY_EVERY_SECONDS", 0.05)
    away.is_away = True
    assert asking.heard(PHONE) == [Answer.AWAY]
    assert asking.heard(LAPTOP) == [Answer.AWAY]
    away.is_away = False
    wait_until(lambda: asking.heard(TABLET) == [Answer.TAKEN])
    assert asking.heard(PHONE, LAPTOP) == [Answer.TAKEN, Answer.FULL]


def test_the_store_says_nothing(
    asking: Asking, away: Away, slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited long enough hears that it is away, once; who asks then, at once."""
    monkeypatch.setattr(slots_module, "PATIENCE_SECONDS", 0.05)
    away.speaks.clear()
    asking.ask(PHONE)
    time.sleep(0.1)
    slots.answer_overdue()
    slots.answer_overdue()
    assert asking.answers == [(PHONE, Answer.AWAY)]
    asking.ask(LAPTOP)
    assert asking.answers[1:] == [(LAPTOP, Answer.AWAY)]
    away.speaks.set()
    monkeypatch.setattr(slots_module, "PATIENCE_SECONDS", 30.0)
    wait_until(lambda: not slots._is_away)  # noqa: SLF001 (it says nothing of it)
    assert len(asking.answers) == 2
    asking.answers.clear()
    assert asking.heard(PHONE, LAPTOP, TABLET) == [Answer.TAKEN, Answer.TAKEN, Answer.FULL]


def test_a_store_that_was_replaced_is_opened_again(asking: Asking, slots: Slots) -> None:
    """What is wrong with an open one is no outage."""
    assert asking.heard(PHONE) == [Answer.TAKEN]
    old = slots._store  # noqa: SLF001 (nobody else has it)
    assert old is not None
    old.keyring = None  # type: ignore[assignment]
    assert asking.heard(LAPTOP) == [Answer.TAKEN]
