"""The guard: decides which guesses are checked, and counts wrong ones, in memory.

It does no I/O of its own; :attr:`Guard.catch_up` and :attr:`Guard.notify_siblings` may.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, islice, takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from nexio.network.guard_acts import OTHERS_KEPT, Act, ActBatch, Kind
from nexio.network.server_identity import host_name
from nexio.reception.guessing_limits import (
    BOUND,
    GUESSES_A_DAY,
    GUESSES_AT_ONCE,
    MOST_OTHERS,
    OF_PIN_LOGIN,
)
from radius_auth.guard.bucket import A_DAY, Bucket
from radius_auth.guard.target import (
    BACK_OFF,
    MOST_DEVICES,
    MOST_UNPROCESSED,
    Device,
    FewGuesses,
    Target,
    Wrong,
    target_of,
    within_a_day,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from radius_auth.guard.siblings import Siblings

FREE_TRIES: Final = 3
"""Tries that the desk gives a device."""

MOST_OPEN: Final = 20_000
"""Reservations that wait for their outcome; one that is dropped stays counted as wrong."""

MOST_NEWS: Final = 20_000
"""Acts stored for the other servers."""

MOMENT: Final = 1.0
"""Seconds that a guess has to wait while another worker checks one; in fact it is far less."""

MOST_TARGETS: Final = 65_536
"""Targets stored at most; the ones guessed at longest ago are forgotten first."""


_named = tuple.__new__
"""Makes a named tuple of all its fields, in half of the time that calling its class takes."""

_NOBODY: Final[frozenset[int]] = frozenset()


class Guessed(NamedTuple):
    """A visit whose PIN the guess may be."""

    location: int
    """The location of the visit; with roaming not that of the guess."""

    chance: float
    """The chance that one guess hits its PIN."""

    pin: bytes
    """Represents its PIN: differs if the PIN differs."""


_NO_VISITS: Final[Mapping[int, Guessed]] = {}


class Guess(NamedTuple):
    """A password that may be wrong: its origin, and what it is compared with."""

    location: int
    nas: str = ""
    device: str = ""
    """A MAC address; empty where the NAS names none."""

    visits: Mapping[int, Guessed] = _NO_VISITS
    """The visits of an e-mail, by number."""

    by_pin: bool = False
    """Whether it is compared with every visit of the location (``wifi-login=pin``)."""

    chance: float = 0.0
    """Then: the chance that it hits one of them."""

    pins: bytes = b""
    """Then: represents all PINs that it can hit."""

    def find(self, visit: int | None) -> Guessed | None:
        """The visit of that number, if it is among those of the e-mail."""
        return None if visit is None else self.visits.get(visit)


class Opening(NamedTuple):
    """What a guess may be compared with now."""

    visits: frozenset[int] = frozenset()
    everyone: bool = False
    """Every visit of the location."""

    wait: float = 0.0
    """Seconds until there is something; 0 if there is now, or if nothing is asked for."""

    @property
    def is_refused(self) -> bool:
        """Whether it may be compared with nothing now, only later."""
        return self.wait > 0

    @property
    def is_pause(self) -> bool:
        """Whether it is refused only for the pause after a wrong guess."""
        return 0 < self.wait <= BACK_OFF

    def admits(self, visit: int) -> bool:
        """Whether it may be compared with a visit."""
        return self.everyone or visit in self.visits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reserved:
    """A guess whose outcome is not known yet."""

    guess: Guess
    acts: list[Act]


class Guard:
    """Decides which guesses are checked, and counts the wrong ones.

    Its methods are thread-safe.

    Args:
        siblings: memory shared with the other workers of its server; None for a single process.
    """

    def __init__(self, siblings: Siblings | None = None) -> None:
        self.writer = secrets.token_hex(8)
        self.notify_siblings: Callable[[], None] = lambda: None
        """Called by :meth:`finish` after wrong guesses: siblings wait until they receive them."""

        self.catch_up: Callable[[], None] = lambda: None
        """Waits for a moment, and receives the acts of the siblings."""

        self._siblings = siblings
        self._known_serials: dict[int, int] = {}
        self.host = host_name()
        self._visits: OrderedDict[int, Target | FewGuesses] = OrderedDict()
        self._locations: OrderedDict[int, Target] = OrderedDict()
        self._spare: dict[int, Bucket] = {}
        self._visits_of: dict[str, set[int]] | None = None
        """For each device the visits that it logged in at; built when it is first needed, which
        only happens where the PIN alone logs in."""

        self._guests: dict[int, tuple[str, ...]] = {}
        """The devices that logged in at a visit at which nothing else has happened.

        Nearly every visit is such a one, so it has no :class:`Target`: that is made when somebody
        guesses (``python -m benchmarks.path``).  ``""`` stands for a device without a name, which
        counts only where e-mail and PIN log in.
        """

        self._undisturbed: dict[int, tuple[str, ...]] = {}
        """The same for visits that have a target at which nothing is counted any more."""

        self._last_seen: dict[str, float] = {}
        self._serial = 0
        self._news: dict[int, Act] = {}
        """Acts that were not sent to anybody yet, by serial number."""

        self._sent: deque[Act] = deque(maxlen=MOST_NEWS)
        self._must_notify = False
        self._open: OrderedDict[int, _Reserved] = OrderedDict()
        self._numbers = count(1)
        self._hash = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=16)
        """With a key of its own, to be copied."""

        self._lock = threading.Lock()

    def look(self, guess: Guess, now: datetime) -> Opening:
        """What a guess may be compared with; counts nothing.

        If another worker is checking a guess at the same visit, this waits for its result, by
        :attr:`catch_up`: for each visit ``siblings.PATIENCE`` at most.  The state of visits and
        devices may have changed afterwards.
        """
        busy = _NOBODY if self._siblings is None else self._announce(self._siblings, guess)
        with self._lock:
            opening = self._look(guess, now.timestamp())
        return _without(opening, busy, guess) if busy else opening

    def is_undisturbed(self, visit: int, device: str) -> bool:
        """Whether :meth:`look` would admit a device, and :meth:`record_login` change nothing."""
        known = self._guests.get(visit) or self._undisturbed.get(visit)
        if known is None or device not in known:
            return False
        return self._siblings is None or self._siblings.is_quiet(visit, self._known_serials)

    def is_untouched(self, visit: int) -> bool:
        """Whether nobody has guessed at a visit: :meth:`look` would admit each right PIN there.

        A guest's first login need not be announced to the siblings, as a right PIN is no guess
        (``python -m benchmarks.path``); it has to wait if they have announced a guess.
        """
        return visit not in self._visits and (
            self._siblings is None or self._siblings.is_quiet(visit, self._known_serials)
        )

    def finish(self) -> None:
        """Notify the siblings of the guesses that were checked; call it before replying.

        They receive wrong guesses, many at once (the rejects of ``make bench``).  A guess that was
        not counted is withdrawn, so that they need not wait for it.
        """
        self._withdraw()
        if self._must_notify:
            self._must_notify = False
            self.notify_siblings()

    def _withdraw(self) -> None:
        if self._siblings is not None:
            self._siblings.withdraw()

    def count(self, guess: Guess, opening: Opening, now: datetime, password: bytes) -> None:
        """Count a wrong guess.

        The same password again, compared with the same PINs, reveals nothing new: it costs
        nothing.
        """
        with self._lock:
            if self._count_guess(guess, opening, now.timestamp(), password):
                self._must_notify = True
            self._withdraw()

    def count_first(  # noqa: PLR0913, PLR0917 - of the visit, and of the login
        self,
        visit: int,
        location: int,
        pin: bytes,
        device: str,
        nas: str,
        now: datetime,
        password: bytes,
    ) -> bool:
        """Check a wrong guess at one visit, and count it, if the visit is untouched.

        There is nothing to wait for, as for nearly every wrong guess (``python -m
        benchmarks.path``).  If it is not untouched, this does nothing and returns False: then
        call :meth:`look` and :meth:`count`.
        """
        if not self.is_untouched(visit):
            return False
        siblings = self._siblings
        if siblings is not None:
            siblings.withdraw()
            if not siblings.announce(visit, self._serial + 1, self._known_serials, self.catch_up):
                return False
        with self._lock:
            if visit in self._visits:  # acts of the siblings arrived meanwhile
                return False
            digest = self._digest(pin, password)
            self._count_first_guess(visit, location, device, nas, now.timestamp(), digest)
            self._must_notify = True
        return True

    def reserve(self, guess: Guess, visit: int, now: datetime) -> int | None:
        """Count a guess as wrong before somebody else compares it with a visit, or with nobody.

        Returns:
            A number for :meth:`give_back`; None refuses the guess.
        """
        with self._lock:
            opening = self._look(guess, now.timestamp())
            if opening.is_refused or (visit and not opening.admits(visit)):
                return None
            number = next(self._numbers)
            acts = self._count_guess(guess, opening, now.timestamp())
            self._withdraw()
            self._open[number] = _Reserved(guess=guess, acts=acts)
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
        self.notify_siblings()
        return number

    def give_back(self, number: int, visit: int | None, now: datetime) -> None:
        """Give back a reserved guess that was right.

        Args:
            number: of the guess; unknown if it was dropped.
            visit: that the device logged in at; None if it did not.
            now: as of when.
        """
        with self._lock:
            reserved = self._open.pop(number, None)
            for act in () if reserved is None else reserved.acts:
                self._target(act).take_back(act.cost or 1.0, act.at)
                back = act._replace(kind=Kind.BACK, serial=self._next_serial(), at=now.timestamp())
                if act.serial in self._news:
                    del self._news[act.serial]
                    self._apply(back)  # it was sent to nobody
                else:
                    self._apply_and_publish(back)
        if reserved is not None and visit is not None:
            self.record_login(reserved.guess, visit, now)

    def record_login(self, guess: Guess, visit: int, now: datetime) -> None:
        """Record the login of a device at a visit; its wrong guesses there are given back."""
        self._withdraw()
        at = now.timestamp()
        with self._lock:
            if guess.device and not self._is_in(guess.device, visit):
                self._admit_device(guess, visit, at)
            target = self._at_visit(visit)
            if target is None:
                self._add_guest(visit, guess.device)
            elif target.is_quiet(at):
                known = self._undisturbed.get(visit, ())
                if guess.device not in known:
                    self._undisturbed[visit] = (*known, guess.device)

    def record_first_login(  # noqa: PLR0913, PLR0917 - of the visit, and of the login
        self, visit: int, location: int, chance: float, device: str, nas: str, now: datetime
    ) -> None:
        """The same at a visit that is untouched: there is nothing to give back."""
        with self._lock:
            is_touched = visit in self._visits  # meanwhile, by another thread
            is_new = (
                not self._is_in(device, visit) if is_touched else self._add_guest(visit, device)
            )
            if is_new and device:
                origin = Kind.IN, now.timestamp(), self.writer, self._next_serial(), self.host
                act = _named(Act, (*origin, location, visit, device, nas, 0.0, chance))
                if is_touched:
                    self._apply(act)
                self._publish(act)

    def _is_in(self, device: str, visit: int) -> bool:
        """Whether a device was in, and has no wrong guesses to get back."""
        target = self._at_visit(visit)
        if target is None:
            return device in self._guests.get(visit, ())
        mine = target.devices.get(device)
        return mine is not None and mine.was_in and not mine.guesses

    def _add_guest(self, visit: int, device: str) -> bool:
        """Remember a device that logged in where nothing else has happened; True if it is new."""
        known = self._guests.get(visit, ())
        if device in known:
            return False
        if len(self._guests) >= MOST_TARGETS:  # the first half, as a dict is slow at its front
            self._guests = dict(islice(self._guests.items(), MOST_TARGETS // 2, None))
        self._guests[visit] = (*known[1 - MOST_DEVICES :], device)
        if self._visits_of is not None:
            self._visits_of.setdefault(device, set()).add(visit)
        return True

    def _admit_device(self, guess: Guess, visit: int, at: float) -> None:
        at_visit = guess.find(visit)
        chance = 0.0 if at_visit is None else at_visit.chance
        act = self._act(Kind.IN, guess, at, visit, chance=chance)
        if room := self._room_to_give_back(act):
            act = act._replace(cost=float(room))
        self._apply_and_publish(act)

    def report_state(self, kind: str, now: datetime) -> None:
        """Notify the others that this server is running, or ends."""
        with self._lock:
            self._apply_and_publish(self._act(kind, Guess(location=0), now.timestamp()))

    def apply(self, acts: Iterable[Act]) -> None:
        """Apply acts of other servers, or of this one before it was restarted."""
        writer, is_sibling = "", False
        with self._lock:
            for act in acts:
                if act.writer != writer:  # most come from one of them together
                    writer = act.writer
                    is_sibling = self._siblings is not None and self._siblings.has(writer)
                # Like an act of our own, it may not have reached the other servers yet.
                self._apply(act, is_propagating=is_sibling)

    def begin_again(self, acts: Iterable[Act]) -> None:
        """Forget everything that was counted, and apply these acts."""
        with self._lock:
            for each in (self._visits, self._locations, self._spare, self._last_seen):
                each.clear()
            self._guests.clear()
            self._undisturbed.clear()
            self._visits_of = None
            for act in acts:
                self._apply(act)

    def begin_with(self, other: Guard) -> None:
        """Forget everything that was counted, and take over the state of another guard."""
        with self._lock:
            self._visits, self._locations = other._visits, other._locations
            self._spare, self._visits_of = other._spare, other._visits_of
            self._last_seen, self._guests = other._last_seen, other._guests
            self._undisturbed = other._undisturbed

    def latest_serial(self) -> int:
        """The number of its latest act."""
        return self._serial

    def mark_known_up_to(self, writer: str, serial: int) -> None:
        """Note that all acts of another worker up to that one have arrived."""
        self._known_serials[int(writer, 16)] = serial

    def news_after(self, serial: int) -> list[Act]:
        """The acts of this process after that act of its own."""
        with self._lock:
            self._sent.extend(self._news.values())
            self._news.clear()
            newest = takewhile(lambda act: act.serial > serial, reversed(self._sent))
            return list(newest)[::-1]

    def news_since(self, position: int) -> tuple[int, list[Act]]:
        """The same, and the position to ask from the next time."""
        news = self.news_after(position)
        return (news[-1].serial if news else position), news

    def take(self, batches: Iterable[ActBatch]) -> None:
        """Apply the acts of other processes."""
        for acts, _ in batches:
            self.apply(acts)

    def tidy(self, now: datetime) -> None:
        """Forget what no longer counts, and times in the future."""
        at = now.timestamp()
        with self._lock:
            self._undisturbed.clear()
            self._visits_of = None
            for visit in [visit for visit in self._visits if self._is_idle(visit, at)]:
                del self._visits[visit]
            for number in [key for key, each in self._locations.items() if each.is_idle(at)]:
                del self._locations[number]
            for writer in [
                each for each, seen in self._last_seen.items() if at - seen > OTHERS_KEPT
            ]:
                del self._last_seen[writer]

    def visits(self) -> dict[int, Target]:
        """The visits that were guessed at, or that devices logged in at."""
        with self._lock:
            quiet = {visit: target_of(known, 0.0) for visit, known in self._guests.items()}
            return quiet | self._targets()

    def locations(self) -> dict[int, Target]:
        """The locations that were guessed at, where the PIN alone logs in."""
        with self._lock:
            return dict(self._locations)

    def __len__(self) -> int:
        """The number of stored targets, devices and reservations, which is bounded."""
        targets = [*self._visits.values(), *self._locations.values()]
        devices = sum(map(len, self._guests.values())) + sum(
            len(each.wrong) + len(each.guests)
            if isinstance(each, FewGuesses)
            else len(each.devices)
            for each in targets
        )
        return len(self._guests) + len(targets) + devices + len(self._open)

    def _visits_where_in(self, device: str) -> Iterable[int]:
        """The visits at which a device was in, or may try for free."""
        if self._visits_of is None:
            self._visits_of = {}
            for visit, known in self._guests.items():
                for name in known:
                    self._visits_of.setdefault(name, set()).add(visit)
            for visit, target in self._targets().items():
                for name, each in target.devices.items():
                    if each.was_in or each.free:
                        self._visits_of.setdefault(name, set()).add(visit)
        return self._visits_of.get(device, ())

    def _look(self, guess: Guess, at: float) -> Opening:
        if not guess.by_pin:
            return self._look_at(guess.visits, guess, at)
        wait = self._wait(self._locations.get(guess.location), guess, guess.chance, at)
        if not wait:
            return Opening(everyone=True)
        # Guesses at all visits of a location lock out no device that was in before.
        own = self._look_at(self._visits_where_in(guess.device), guess, at)
        return own if own.visits else Opening(wait=min(wait, own.wait or wait))

    def _look_at(self, visits: Iterable[int], guess: Guess, at: float) -> Opening:
        if self._visits.keys().isdisjoint(visits):
            return _named(Opening, (frozenset(visits), False, 0.0))
        waits = {visit: self._wait(self._at_visit(visit), guess, 1.0, at) for visit in visits}
        open_ = frozenset([visit for visit, wait in waits.items() if not wait])
        if len(open_) == len(waits):
            return Opening(open_)
        return Opening(open_, wait=min(waits.values()))

    def _wait(self, target: Target | None, guess: Guess, cost: float, at: float) -> float:
        if target is None:
            return 0.0
        return target.wait(guess.device, cost, at, shared=self._others(at) > 0)

    def _others(self, at: float) -> int:
        """How many other servers share what is counted here."""
        if not self._last_seen:
            return 0
        return sum(at - seen < OTHERS_KEPT for seen in self._last_seen.values())

    def _announce(self, siblings: Siblings, guess: Guess) -> frozenset[int]:
        """Keep siblings from checking guesses there; return the visits that stay busy."""
        siblings.withdraw()
        keys: Iterable[int] = guess.visits
        if guess.by_pin:
            keys = [~guess.location, *self._visits_where_in(guess.device)]
        number, known, busy = self._serial + 1, self._known_serials, _NOBODY
        # In the same order in all workers, or two of them would wait for each other.
        for key in sorted(keys):
            if not siblings.announce(key, number, known, self.catch_up):
                busy |= {key}
        return busy

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _count_guess(
        self, guess: Guess, opening: Opening, at: float, password: bytes | None = None
    ) -> list[Act]:
        """Count a guess at everything that it may be compared with.

        Args:
            guess: what is asked.
            opening: what it may be compared with.
            at: when.
            password: counts nothing where it was tried before; None always counts.
        """
        acts: list[Act] = []
        for visit in (None,) if opening.everyone else sorted(opening.visits):
            at_visit, location, pins = guess.find(visit), guess.location, guess.pins
            if at_visit is not None:
                location, pins = at_visit.location, at_visit.pin
            digest = b"" if password is None else self._digest(pins, password)
            if visit is not None and visit not in self._visits:
                device, nas = guess.device, guess.nas
                acts.append(self._count_first_guess(visit, location, device, nas, at, digest))
                continue
            cost, chance = self._cost(visit, at_visit, guess, at)
            if visit is None and not cost:
                continue  # nobody's PIN has so many digits
            target = self._target_at(visit, location, at)
            if digest and not target.is_new(digest):
                continue
            act = self._act(Kind.GUESS, guess, at, visit, cost, chance)
            self._apply_to(target, act)
            target.spend(cost or 1.0, at)
            self._publish_guess(act, ~guess.location if visit is None else visit)
            acts.append(act)
        return acts

    def _count_first_guess(  # noqa: PLR0913, PLR0917 - of the visit, and of the login
        self, visit: int, location: int, device: str, nas: str, at: float, digest: bytes
    ) -> Act:
        """Count a guess at a visit at which nothing is counted yet."""
        origin = Kind.GUESS, at, self.writer, self._next_serial(), self.host
        act = _named(Act, (*origin, location, visit, device, nas, 1.0, 0.0))
        self._store_guess(act, digest, is_propagating=True)
        self._publish_guess(act, visit)
        return act

    def _publish_guess(self, act: Act, key: int) -> None:
        self._publish(act)
        if self._siblings is not None:
            self._siblings.confirm(key, act.serial)

    def _digest(self, pins: bytes, password: bytes) -> bytes:
        """A digest of a password and the PINs that it was compared with."""
        digest = self._hash.copy()
        digest.update(pins + password)
        return digest.digest()

    def _cost(
        self, visit: int | None, at_visit: Guessed | None, guess: Guess, at: float
    ) -> tuple[float, float]:
        """Cost 1; or 0, and the chance that it is right, for a try that the desk gave the device.

        At all visits of a location the cost is the chance that it hits one.
        """
        if visit is None:
            return guess.chance, 0.0
        known = self._at_visit(visit)
        if known is None or not known.is_free(guess.device, at):
            return 1.0, 0.0
        return 0.0, guess.chance if at_visit is None else at_visit.chance

    def _act(  # noqa: PLR0913, PLR0917 - all fields of an act
        self,
        kind: str,
        guess: Guess,
        at: float,
        visit: int | None = None,
        cost: float = 0.0,
        chance: float = 0.0,
    ) -> Act:
        at_visit = guess.find(visit)
        location = guess.location if at_visit is None else at_visit.location
        origin = kind, at, self.writer, self._next_serial(), self.host
        return _named(Act, (*origin, location, visit, guess.device, guess.nas, cost, chance))

    def _apply_and_publish(self, act: Act) -> None:
        """Apply an act, and queue it for the others."""
        self._apply(act)
        self._publish(act)

    def _publish(self, act: Act) -> None:
        if len(self._news) >= MOST_NEWS:  # nobody asks
            self._sent.extend(self._news.values())
            self._news.clear()
        self._news[act.serial] = act

    def _apply(self, act: Act, *, is_propagating: bool = False) -> None:
        """Apply an act.

        Args:
            act: what was done.
            is_propagating: for a guess, whether it may not have reached other servers yet.
        """
        kind, visit = act.kind, act.visit_id
        if kind == Kind.IN and not act.cost and visit is not None and visit not in self._visits:
            self._add_guest(visit, act.device)
        elif kind == Kind.GUESS and act.cost and visit is not None and self._has_few_guesses(visit):
            self._store_guess(act, b"", is_propagating=is_propagating)
        elif kind == Kind.HERE:
            if act.writer != self.writer:
                self._last_seen[act.writer] = act.at
        elif kind == Kind.GONE:
            self._last_seen.pop(act.writer, None)
        else:
            target = self._target(act)
            self._apply_to(target, act)
            if is_propagating and kind == Kind.GUESS:
                target.spend(act.cost or 1.0, act.at)

    def _apply_to(self, target: Target, act: Act) -> None:
        visit, kind = act.visit_id, act.kind
        if visit is not None and visit in self._undisturbed:
            del self._undisturbed[visit]
        device = target.device(act.device)
        if kind == Kind.GUESS and act.cost:
            target.guess(device, act)
        elif kind == Kind.GUESS:
            device.nas, device.free = act.nas, max(0, device.free - 1)
            target.freed = (*within_a_day(target.freed, act.at), act.at)
            self._spare_of(act).take(act.chance, act.at)
        elif kind == Kind.IN:
            self._apply_in(target, device, act)
        elif kind == Kind.BACK and not act.cost:
            device.free += 1
            target.freed = target.freed[:-1]
            self._spare_of(act).take(-act.chance, act.at)
        elif kind == Kind.BACK:
            device.guesses = device.guesses[:-1]
            target.bucket.take(-act.cost, act.at)
        elif kind == Kind.RELEASE:
            device.free = FREE_TRIES
        is_in = device.was_in or device.free
        if visit is not None and is_in and self._visits_of is not None:
            self._visits_of.setdefault(act.device, set()).add(visit)
        if len(target.devices) > MOST_DEVICES:
            target.forget_one()

    def _apply_in(self, target: Target, device: Device, act: Act) -> None:
        given = int(act.cost)
        device.was_in, device.nas = True, act.nas
        if not given:
            return
        device.guesses = device.guesses[: len(device.guesses) - given]
        device.given_back += (act.at,) * given
        target.bucket.take(-act.cost, act.at)
        self._spare_of(act).take(act.cost * act.chance, act.at)

    def _room_to_give_back(self, act: Act) -> int:
        """How many wrong guesses a device gets back, limited by the chance the bound leaves."""
        target = self._at_visit(act.visit_id or 0)
        if target is None or act.device not in target.devices or not act.chance:
            return 0  # with ``wifi-login=pin`` nothing is given back
        left = MOST_OTHERS - self._others(act.at)
        room = self._spare_of(act).level(act.at) * left / MOST_OTHERS
        return max(0, min(target.room_to_give_back(act.device, act.at), int(room / act.chance)))

    def _spare_of(self, act: Act) -> Bucket:
        """What the bound of a location leaves for guesses that are given back."""
        location = act.location_id or 0
        if location not in self._spare:
            self._spare[location] = _of_chance(BOUND - OF_PIN_LOGIN, act.at)
        return self._spare[location]

    def _target(self, act: Act) -> Target:
        return self._target_at(act.visit_id, act.location_id, act.at)

    def _target_at(self, visit: int | None, location: int | None, at: float) -> Target:
        """The target of a visit, or of all visits of a location; made if there is none."""
        if visit is None:
            return self._at_location(location or 0, at)
        found = self._at_visit(visit)
        if found is None:
            found = target_of(self._guests.pop(visit, ()), at)
            self._store(visit, found)
        else:
            self._visits.move_to_end(visit)
        return found

    def _at_location(self, location: int, at: float) -> Target:
        found = self._locations.get(location)
        if found is None:
            found = self._locations[location] = Target(_of_chance(OF_PIN_LOGIN, at), reserve=0)
            if len(self._locations) > MOST_TARGETS:
                self._locations.popitem(last=False)
        else:
            self._locations.move_to_end(location)
        return found

    def _at_visit(self, visit: int) -> Target | None:
        """The target of a visit, if anything is counted there."""
        known = self._visits.get(visit)
        if isinstance(known, FewGuesses):  # callers need the whole target
            known = self._visits[visit] = known.target()
        return known

    def _targets(self) -> dict[int, Target]:
        """All visits at which something is counted."""
        found = {visit: self._at_visit(visit) for visit in self._visits}
        return {visit: target for visit, target in found.items() if target is not None}

    def _is_idle(self, visit: int, at: float) -> bool:
        known = self._visits[visit]
        if isinstance(known, FewGuesses) and known.is_recent(at):
            return False
        target = self._at_visit(visit)
        return target is not None and target.is_idle(at)

    def _has_few_guesses(self, visit: int) -> bool:
        """Whether another guess there can be stored unprocessed."""
        known = self._visits.get(visit)
        if known is None:
            return True
        return isinstance(known, FewGuesses) and len(known.wrong) < MOST_UNPROCESSED

    def _store_guess(self, act: Act, digest: bytes, *, is_propagating: bool) -> None:
        """Store a guess unprocessed, if only such guesses are counted at its visit."""
        visit, wrong = act.visit_id or 0, _named(Wrong, (act, digest, is_propagating))
        known = self._visits.get(visit)
        if isinstance(known, FewGuesses):
            self._visits.move_to_end(visit)
            few = _named(FewGuesses, (known.guests, (*known.wrong, wrong)))
        else:
            few = _named(FewGuesses, (self._guests.pop(visit, ()), (wrong,)))
        self._store(visit, few)

    def _store(self, visit: int, known: Target | FewGuesses) -> None:
        self._visits[visit] = known
        if len(self._visits) > MOST_TARGETS:
            forgotten, _ = self._visits.popitem(last=False)
            self._undisturbed.pop(forgotten, None)


def _without(opening: Opening, busy: frozenset[int], guess: Guess) -> Opening:
    """What is left of an opening while siblings check guesses there."""
    if opening.everyone:
        return Opening(wait=MOMENT) if ~guess.location in busy else opening
    visits = opening.visits - busy
    if visits or not opening.visits:
        return opening._replace(visits=visits)
    return Opening(wait=MOMENT)


def _of_chance(in_a_day: float, at: float) -> Bucket:
    """A full bucket of chance, from which so much can be taken in a day."""
    return Bucket(
        at, holds=in_a_day * GUESSES_AT_ONCE / GUESSES_A_DAY, a_day=in_a_day * A_DAY / GUESSES_A_DAY
    )
