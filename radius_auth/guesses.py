"""Guesses, and what is remembered of them; never a password, nor what was made of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

NAMELESS = ""
"""In place of an e-mail that nobody has: it may be a PIN, typed into the wrong field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A password that may be wrong: who offers it where, and what it is held against."""

    location: int
    nas: str
    """Name of the NAS."""

    email: str | None
    """Its key; None where the PIN alone logs in (R9)."""

    device: str | None = None
    """The MAC address, None without one."""

    visit: int | None = None
    """The latest visit of that e-mail; None for an unknown one, and where there is no e-mail."""

    tokens: tuple[int | None, ...] = ()
    """The tokens of that e-mail, None for a visit without; empty where there is no e-mail."""

    weight: float = 0.0
    """Its chance of being right, in millionths: 1 for one PIN of six digits.

    0 where no PIN can be hit: nobody of that e-mail is expected.
    """

    @property
    def is_nameless(self) -> bool:
        """Whether there should be an e-mail, and is none."""
        return self.email == NAMELESS


class Pool(StrEnum):
    """Which budget of chance a guess is taken from."""

    NONE = "none"
    """None: it cannot hit anything."""

    TRUST = "trust"
    """That of devices which already got in with the token."""

    OWN = "own"
    """The few a day that each visit has for itself."""

    SHARED = "shared"
    """That of the whole location."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A guess that was let through; it counts as wrong until it is given back."""

    guess: Guess
    at: float
    """Seconds since 1970."""

    pool: Pool
    tokens: tuple[int, ...] = ()
    """Whose trust it is taken from."""

    number: int = 0
    """Where this process finds it again before the others know of it; 0 where they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A guess turned out right: it does not count any more."""

    reservation: Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """A device got in."""

    at: float
    device: str
    token: int
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """An operator lifted waits: those of each field that is given, or all."""

    at: float
    email: str | None = None
    device: str | None = None
    location: int | None = None
    everything: bool = False


Act: TypeAlias = Reservation | Returned | LetIn | Cleared
"""What one process tells the others."""


def nameless(act: Act) -> Act:
    """What may leave this process: of an unknown e-mail nothing, so that its device counts alone.

    Must 20: guests type PINs into the field of the e-mail.
    """
    if isinstance(act, Returned):
        return Returned(reservation=_without_name(act.reservation))
    return _without_name(act) if isinstance(act, Reservation) else act


def _without_name(reserved: Reservation) -> Reservation:
    if reserved.pool is not Pool.NONE:
        return reserved
    return replace(reserved, guess=replace(reserved.guess, email=NAMELESS))
