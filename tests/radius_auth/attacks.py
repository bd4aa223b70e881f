"""A location with 100 visitors, and somebody who tries PINs there for a whole day."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.settings import Settings
from radius_auth.decision import Accepted, Request, decide, reserve_guess
from radius_auth.guard import Guard
from radius_auth.guesses import Reservation
from radius_auth.passwords import Pap
from tests.radius_auth.guests import ANNEX, HOUR, HOUSE, NINE, nas, table_of, visit, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from radius_auth.table import Table

VISITORS = 100
IN_BEFORE = 50
"""Those who are on the Wi-Fi when the attack begins."""

EVERY = timedelta(minutes=9)
"""How often the attacker looks whether there is a free guess; a location has one in 9.6."""

AT_ONCE = 20
"""How often a new device is taken then, for each e-mail."""

OFTEN = 24 * HOUR // EVERY
NAS = nas()
TYPING_ERRORS = 0.2
"""How often a guest's first attempt is wrong."""


def email(number: int) -> str:
    """Of a visitor."""
    return f"guest{number}@example.com"


def mac(number: int) -> bytes:
    """Of a visitor's device, or any other."""
    return number.to_bytes(6).hex("-").encode()


def ever_new() -> Iterator[bytes]:
    """Devices that nobody has seen yet."""
    return (mac(number) for number in itertools.count(0x020000000000))


@dataclass(frozen=True, kw_only=True)
class Attacker:
    """What somebody knows and has."""

    emails: tuple[str, ...] = ("",)
    """Whose PIN is tried; where the PIN alone logs in it does not matter."""

    devices: tuple[bytes | None, ...] = ()
    """None is a login that names no device."""

    new_devices: bool = False
    """Whether there is a new one for each guess."""

    with_visitors_device: bool = False
    """Whether each e-mail is also tried from its visitor's device, copied from the air."""

    own_pin_devices: int = 0
    """Devices that got in with a PIN of the attacker's own: that of the first visitor."""


@dataclass(kw_only=True)
class Outcome:
    """What came of a day."""

    guesses: int = 0
    """Let through."""

    chance: float = 0.0
    """That one of them was a PIN."""

    stayed: list[bool] = field(default_factory=list)
    """For each login of somebody who was in before: whether it was accepted."""

    got_in: list[bool] = field(default_factory=list)
    """For each guest who came during the attack: whether they got in, in two attempts."""

    def __str__(self) -> str:
        """One line for the report."""
        return (
            f"{self.guesses:5} guesses, chance {self.chance:.2e},"
            f" stayed {sum(self.stayed)}/{len(self.stayed)},"
            f" got in {sum(self.got_in)}/{len(self.got_in)}"
        )


class House:
    """The location of that day.

    Args:
        settings: whether e-mail and PIN, or the PIN alone, logs in.
    """

    def __init__(self, settings: Settings) -> None:
        digits = settings.pin_length
        self._draw = random.Random(4711)
        self.pins = [f"{pin:0{digits}}" for pin in self._draw.sample(range(10**digits), VISITORS)]
        self.table: Table = table_of(
            *(
                visit(number, email=email(number), pin=pin, valid_until=NINE + 25 * HOUR)
                for number, pin in enumerate(self.pins)
            ),
            locations=(
                with_settings(
                    HOUSE,
                    wifi_login=settings.wifi_login,
                    planned_guests=VISITORS,
                    pin_length=digits,
                ),
                ANNEX,
            ),
        )
        self.guard = Guard()
        self.new = ever_new()
        self._own = list(itertools.islice(self.new, 99))

    def log_in(self, number: int, now: datetime, device: bytes, pin: str | None = None) -> bool:
        """A visitor's login, with the right PIN or another."""
        typed = (self.pins[number] if pin is None else pin).encode()
        asked = self._request(email(number), device, typed)
        return isinstance(decide(asked, self.table, self.guard, now), Accepted)

    def spend_a_day(self, attacker: Attacker) -> Outcome:
        """Attack from nine to nine, while guests come and go."""
        for number in range(IN_BEFORE):
            assert self.log_in(number, NINE, mac(number))
        for device in self._own[: attacker.own_pin_devices]:
            assert self.log_in(0, NINE, device)
        arrivals = self._arrivals()
        outcome = Outcome()
        for turn in range(OFTEN):
            now = NINE + turn * EVERY
            for reserved in self._guesses(attacker, now):
                outcome.guesses += 1
                outcome.chance += reserved.guess.weight / 10**6
            outcome.stayed += [
                self.log_in(number, now, mac(number))
                for number in self._draw.sample(range(1, 50), 2)
            ]
            outcome.got_in += [self._arrive(number, now) for number in arrivals.get(turn, ())]
        return outcome

    def _arrivals(self) -> dict[int, list[int]]:
        turns: dict[int, list[int]] = {}
        for number in range(IN_BEFORE, VISITORS):
            turns.setdefault(self._draw.randrange(OFTEN), []).append(number)
        return turns

    def _arrive(self, number: int, now: datetime) -> bool:
        if self._draw.random() < TYPING_ERRORS:
            self.log_in(number, now, mac(number), "1234")
        return self.log_in(number, now + timedelta(seconds=20), mac(number))

    def _guesses(self, attacker: Attacker, now: datetime) -> Iterator[Reservation]:
        """Every guess that is let through at this moment."""
        for number, address in enumerate(attacker.emails):
            for device in self._known(attacker, number):
                while reserved := self._try(address, device, now):
                    yield reserved
            if attacker.new_devices:
                for device in itertools.islice(self.new, AT_ONCE):
                    if (reserved := self._try(address, device, now)) is None:
                        break  # nor is another one let through
                    yield reserved

    def _try(self, address: str, device: bytes | None, now: datetime) -> Reservation | None:
        asked = self._request(address, device)
        reserved = reserve_guess(asked, self.table, self.guard, now)
        return reserved if isinstance(reserved, Reservation) else None

    def _known(self, attacker: Attacker, number: int) -> list[bytes | None]:
        copied = [mac(number)] if attacker.with_visitors_device else []
        return [*attacker.devices, *copied, *self._own[: attacker.own_pin_devices]]

    def _request(self, address: str, device: bytes | None, typed: bytes = b"") -> Request:
        return Request(
            nas=NAS, user_name=address.encode(), password=Pap(typed), calling_station=device
        )
