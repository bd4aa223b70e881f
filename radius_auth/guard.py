"""The guard against guessing (DESIGN 6, R11, Must 15): in memory, without I/O.

A guess is reserved before anybody says whether the password is right, so that parallel guesses
cannot slip by.  It counts as wrong until it is given back.  A refused one counts for nothing.

What a guess may hit is bounded by chance, not by number: for each location the guesses that are
let through weigh what they can hit.  Three budgets stand beside each other, so that an attack
on some does not close the Wi-Fi for the others:

- devices that already got in with a token have a few wrong passwords of their own (``Daily``,
  per token); until they are used up they are refused nothing.  There is an end to it, because
  a MAC address can be copied from the air;
- each visit has a few (``Daily``) that nobody else can use up;
- beyond them the location has one for all (``OfLocation``), of which no device takes more than
  its ``Share``.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
import threading
from typing import TYPE_CHECKING, Any

from radius_auth.budgets import (
    FEWEST,
    REMEMBERED,
    Burst,
    Daily,
    Doubling,
    Harmless,
    OfLocation,
    OfPinLocation,
    OfVisit,
    Share,
    WithoutDevice,
)
from radius_auth.guesses import Act, Cleared, Guess, LetIn, Pool, Reservation, Returned, nameless
from radius_auth.ledgers import Ledger
from radius_auth.seen_devices import SeenDevices
from radius_auth.slowed import Slowed, slowed_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from radius_auth.budgets import Record

MOST_NEWS = 20_000
"""Where nobody takes them: the newest acts that are kept."""


class Guard:
    """Counts guesses and says which have to wait.

    Its methods may be called by several threads.
    """

    def __init__(self) -> None:
        self._pairs: Ledger[tuple[str | None, str]] = Ledger(Doubling)
        self._devices: Ledger[str] = Ledger(Burst)
        self._without: Ledger[tuple[str, str | None]] = Ledger(WithoutDevice)
        self._visits: Ledger[tuple[str | None, int]] = Ledger(OfVisit)
        self._own: Ledger[tuple[str | None, int]] = Ledger(Daily)
        self._shares: Ledger[str] = Ledger(Share)
        self._trust: Ledger[tuple[str | None, int]] = Ledger(Daily)
        self._locations: Ledger[int] = Ledger(OfLocation)
        self._pin_locations: Ledger[int] = Ledger(OfPinLocation)
        self._seen = SeenDevices()
        self._news: dict[int, Act] = {}
        self._harmless = Harmless()
        self._numbers = itertools.count(1)
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def admits(self, guess: Guess, now: datetime) -> bool:
        """Whether a guess is let through; counts nothing, for one that is known to be right."""
        at = now.timestamp()
        with self._lock:
            pool, _ = self._choose_pool(guess, at)
            return not self._has_to_wait(guess, pool, at)

    def let_in(self, guess: Guess, token: int, now: datetime) -> None:
        """A guess was right, and a device got in by it: from now on that device is trusted."""
        if guess.device is None:
            return
        is_news = self._seen.has_room(token, guess.device)
        if not is_news and self._pairs.find((guess.email, guess.device)) is None:
            return  # nothing is new, and most logins are such
        at, device, email = now.timestamp(), guess.device, guess.email
        entry = LetIn(at=at, device=device, token=token, email=email)
        with self._lock:
            self._let_in(entry)
            self._tell(next(self._numbers), entry)

    def reserve(self, guess: Guess, now: datetime) -> Reservation | None:
        """Let a guess through, which counts as wrong from now on; None refuses it."""
        at = now.timestamp()
        with self._lock:
            pool, tokens = self._choose_pool(guess, at)
            if self._has_to_wait(guess, pool, at):
                return None
            number = next(self._numbers) if self._is_to_be_told(guess, pool, at) else 0
            reserved = Reservation(guess=guess, at=at, pool=pool, tokens=tokens, number=number)
            self._count(reserved)
            if number:
                self._tell(number, reserved)
        return reserved

    def give_back(self, reserved: Reservation) -> None:
        """A guess was right after all."""
        with self._lock:
            self._uncount(reserved)
            if reserved.number and self._news.pop(reserved.number, None) is None:
                self._tell(next(self._numbers), Returned(reservation=reserved))

    def is_repeated(self, guess: Guess, password: bytes) -> bool:
        """Whether it is a wrong password that this device has already tried on that e-mail."""
        record = self._record_of(guess)
        return record is not None and self._digest(password) in record.wrong

    def remember_wrong(self, guess: Guess, password: bytes) -> None:
        """Know a wrong password again, by a digest with a key that nobody has."""
        with self._lock:
            record = self._record_of(guess)
            if record is not None:
                record.wrong = (*record.wrong[1 - REMEMBERED :], self._digest(password))

    def clear(self, cleared: Cleared) -> None:
        """Lift waits."""
        device, everything = cleared.device, cleared.everything
        trusted = () if device is None else self._seen.tokens_of(device)

        def is_email(email: str | None) -> bool:
            return everything or (email is not None and email == cleared.email)

        with self._lock:
            self._pairs.forget_all(lambda key: is_email(key[0]) or key[1] == device)
            for devices in (self._devices, self._shares):
                devices.forget_all(lambda key: everything or key == device)
            self._without.forget_all(lambda key: is_email(key[1]))
            self._visits.forget_all(lambda key: is_email(key[0]))
            self._own.forget_all(lambda key: is_email(key[0]))
            self._trust.forget_all(lambda key: is_email(key[0]) or key[1] in trusted)
            for places in (self._locations, self._pin_locations):
                places.forget_all(lambda key: everything or key == cleared.location)

    def apply(self, acts: Iterable[Act]) -> None:
        """Take in what other processes did, or this one before it was started anew."""
        for act in acts:
            if isinstance(act, Cleared):
                self.clear(act)
                continue
            with self._lock:
                if isinstance(act, Reservation):
                    self._count(act)
                elif isinstance(act, Returned):
                    self._uncount(act.reservation)
                else:
                    self._let_in(act)

    def take_news(self) -> list[Act]:
        """What this process did since the last call, for the others."""
        with self._lock:
            news, self._news = self._news, {}
        return [nameless(act) for act in news.values()]

    def put_news_back(self, acts: Iterable[Act]) -> None:
        """What could not be told yet."""
        with self._lock:
            later, self._news = self._news, {}
            for act in (*acts, *later.values()):
                self._tell(act.number if isinstance(act, Reservation) else next(self._numbers), act)

    def slowed(self, now: datetime) -> list[Slowed]:
        """Whose next guess has to wait now, and until when."""
        with self._lock:
            return [
                *slowed_by("e-mail and device", self._pairs, now),
                *slowed_by("device", self._devices, now),
                *slowed_by("device", self._shares, now),
                *slowed_by("NAS and e-mail", self._without, now),
                *slowed_by("e-mail", self._visits, now),
                *slowed_by("location", self._locations, now),
                *slowed_by("location", self._pin_locations, now),
            ]

    def __len__(self) -> int:
        """How many records and pairs there are, which is bounded."""
        ledgers = (each for each in vars(self).values() if isinstance(each, Ledger))
        return sum(map(len, ledgers)) + len(self._seen) + len(self._news)

    def _choose_pool(self, guess: Guess, at: float) -> tuple[Pool, tuple[int, ...]]:
        """What a guess is taken from, and the tokens whose trust that is."""
        tokens = self._trusted_tokens(guess)
        for token in tokens:
            if not self._trust.wait((guess.email, token), at):
                return Pool.TRUST, tokens
        if guess.weight <= 0:
            return Pool.NONE, ()
        if guess.visit is not None and not self._own.wait((guess.email, guess.visit), at):
            return Pool.OWN, ()
        return Pool.SHARED, ()

    def _trusted_tokens(self, guess: Guess) -> tuple[int, ...]:
        """With which of the tokens that it may hit this device already got in."""
        if guess.device is None:
            return ()
        seen = self._seen.tokens_of(guess.device)
        if not seen or guess.email is None:
            return seen
        return seen if seen == guess.tokens else tuple(set(seen) & set(guess.tokens))

    def _has_to_wait(self, guess: Guess, pool: Pool, at: float) -> bool:
        if pool is Pool.TRUST:
            return False
        if self._device_waits(guess, at):
            return True
        if guess.visit is not None and self._visits.wait((guess.email, guess.visit), at):
            return True
        return pool is Pool.SHARED and self._location_waits(guess, at)

    def _device_waits(self, guess: Guess, at: float) -> bool:
        email, device = guess.email, guess.device
        if device is None:
            return self._without.wait((guess.nas, email), at) > 0
        return self._pairs.wait((email, device), at) > 0 or self._devices.wait(device, at) > 0

    def _location_waits(self, guess: Guess, at: float) -> bool:
        if guess.device is not None and self._shares.wait(guess.device, at):
            return True
        ledger, weight = self._shared(guess)
        return ledger.wait(guess.location, at, weight) > 0

    def _budgets(self, reserved: Reservation) -> Iterator[tuple[Ledger[Any], Any, float]]:
        """Where a guess counts: ledger, key and weight."""
        guess, pool = reserved.guess, reserved.pool
        if guess.device is None:
            yield self._without, (guess.nas, guess.email), 1.0
        else:
            if not guess.is_nameless:
                yield self._pairs, (guess.email, guess.device), 1.0
            yield self._devices, guess.device, 1.0
        if pool is Pool.TRUST:
            for token in reserved.tokens:
                yield self._trust, (guess.email, token), 1.0
            return
        if guess.visit is not None:
            yield self._visits, (guess.email, guess.visit), 1.0
        if pool is Pool.OWN:
            yield self._own, (guess.email, guess.visit), 1.0
        if pool is Pool.SHARED:
            if guess.device is not None:
                yield self._shares, guess.device, 1.0
            ledger, weight = self._shared(guess)
            yield ledger, guess.location, weight

    def _shared(self, guess: Guess) -> tuple[Ledger[int], float]:
        """The location's budget, and what the guess takes from it."""
        if guess.email is None:
            return self._pin_locations, min(guess.weight, OfPinLocation.HOLDS / FEWEST)
        return self._locations, min(guess.weight, OfLocation.HOLDS / FEWEST)

    def _count(self, reserved: Reservation) -> None:
        for ledger, key, weight in self._budgets(reserved):
            ledger.add(key, reserved.guess, reserved.at, weight)

    def _uncount(self, reserved: Reservation) -> None:
        for ledger, key, weight in self._budgets(reserved):
            ledger.take_back(key, reserved.at, weight)

    def _let_in(self, entry: LetIn) -> None:
        """Trust a device, and forget what it had mistyped."""
        self._pairs.forget((entry.email, entry.device))
        self._seen.add(entry.token, entry.device)

    def _record_of(self, guess: Guess) -> Record | None:
        if guess.device is None:
            return self._without.find((guess.nas, guess.email))
        return self._pairs.find((guess.email, guess.device))

    def _digest(self, password: bytes) -> bytes:
        return hmac.digest(self._key, password, "sha256")[:16]

    def _is_to_be_told(self, guess: Guess, pool: Pool, at: float) -> bool:
        if pool is not Pool.NONE:
            return True
        if guess.device is None or self._harmless.wait(at, 1.0):
            return False
        self._harmless.add(at, 1.0)
        return True

    def _tell(self, number: int, act: Act) -> None:
        self._news[number] = act
        if len(self._news) > MOST_NEWS:
            del self._news[next(iter(self._news))]
