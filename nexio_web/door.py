"""What is typed or scanned at a tablet, and what comes of it; the rules are those of the desk."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from nexio.checkin.check_ins import ONE_TAP, tap_pin, undo_tap
from nexio.checkin.greetings import greet
from nexio.checkin.offline_taps import Shown, Why, apply, is_known, remember, show_to_reception
from nexio.checkin.scanned_codes import tap_scanned
from nexio.checkin.taps import Direction
from nexio.checkin.wrong_codes import WrongCodes
from nexio.errors import InvalidValue, KeyUnusable, NotFound, Refused, Rule
from nexio.input.scanners import LONGEST, read_scan
from nexio.languages import ENGLISH
from nexio.reception.pins import chance_at_door, parse_pin
from nexio.reception.qr_codes import is_qr
from nexio.store.signing import sign
from nexio_web import words
from radius_auth.guard.tablets import Place, count_wrong, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.checkin.offline_taps import Delivery
    from nexio.checkin.tablets import Tablet
    from nexio.checkin.taps import Tap
    from nexio.errors import NexioError
    from nexio.languages import Language
    from nexio.store.engine import Reading, Store, Writing
    from nexio_web.words import Screen

UNDO: Final = timedelta(seconds=10)
"""So long an undo is offered; a little longer it is taken."""

LATE: Final = timedelta(seconds=5)

AFTER_SILENCE: Final = timedelta(seconds=90)
"""The same PIN again within that time is one tap, where the tablet got no answer to the first."""

SAME: Final = 60.0
"""Seconds in which the same wrong PIN once more is not another guess."""

AGAIN: Final = 60.0
"""Seconds after which a tablet delivers again what could not be taken."""

WRONG: Final = frozenset({Rule.NO_CODE.value, Rule.WIFI_CODE.value, Why.UNREADABLE.value})
"""What somebody may have made up: the next delivery waits longer and longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody typed or scanned."""

    code: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    way: Direction | None = None
    language: Language = ENGLISH
    """In which they are answered."""

    after_silence: bool = False
    """Whether the tablet got no answer to the PIN before: perhaps only the answer was lost."""

    by_camera: bool = False
    """Then it is a QR code, whatever it says."""

    id: str = ""
    """What the tablet calls this tap, should it have to deliver it later."""


@dataclass(slots=True)
class _Lately:
    """What was typed wrongly at a tablet lately; in memory only."""

    wrong: WrongCodes = field(default_factory=WrongCodes)
    closed_until: float = 0.0
    last: bytes = b""
    last_at: float = 0.0
    wrong_deliveries: WrongCodes = field(default_factory=WrongCodes)
    takes_from: float = 0.0
    """When the next delivery is taken."""


class Door:
    """The tablets of a store.

    Its methods may be called by several threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self._lately: dict[int, _Lately] = {}
        self._lock = threading.Lock()

    def use(self, tablet: Tablet, said: Said) -> tuple[Screen, bool]:
        """Check somebody in or out.

        Returns:
            What the tablet shows, and whether mail was queued.
        """
        code = said.code[: LONGEST + 1]
        try:
            if said.by_camera or is_qr(code):
                with self._writing(tablet) as work:
                    if said.id and is_known(work, said.id):  # it hung, and was delivered meanwhile
                        return words.noted_already(said.language), False
                    tap = tap_scanned(work, tablet.location, code, way=said.way)
                    if said.id:
                        remember(work, tablet, tap, said.id)
                    return self._greet(work, tablet, tap, said.language)
            return self._use_pin(tablet, code, said)
        except Refused as error:
            return words.refused(
                said.language, error, self._store.clock(), tablet.location.zone
            ), False
        except NotFound:
            return words.no_such_visit(said.language), False
        except InvalidValue as error:
            is_pin = _is_bare(code) and not said.by_camera
            return words.cannot_read(said.language, error, is_pin=is_pin), False

    def deliver(self, tablet: Tablet, delivery: Delivery) -> tuple[float, bool]:
        """Take a tap of a time when we were away, once: applied, or shown to reception.

        It is a QR code, whatever it says: nobody guesses PINs in this way.

        Returns:
            Seconds after which it has to be delivered again, 0 where it was taken; and whether
            mail was queued.
        """
        lately, now = self._of(tablet), time.monotonic()
        if now < lately.takes_from:
            return lately.takes_from - now, False
        with self._store.read() as look:
            if is_known(look, delivery.id):
                return 0, False
        try:
            with self._writing(tablet) as work:
                tap = apply(work, tablet, delivery)
                return 0, greet(work, tap).host_is_notified
        except (Shown, Refused, NotFound, InvalidValue, KeyUnusable) as error:
            return self._show(tablet, delivery, error), False

    def _show(self, tablet: Tablet, delivery: Delivery, error: Shown | NexioError) -> float:
        try:
            with self._writing(tablet) as work:
                if is_known(work, delivery.id):
                    return 0
                why = show_to_reception(work, tablet, delivery, error)
        except Refused:  # too many wait, or the same was delivered at this moment
            return AGAIN
        if why in WRONG:
            lately, now = self._of(tablet), time.monotonic()
            with self._lock:
                lately.takes_from = now + lately.wrong_deliveries.wait_after(now)
        return 0

    def undo(self, tablet: Tablet, ticket: str, language: Language = ENGLISH) -> Screen:
        """Take back what a tablet has just shown."""
        try:
            with self._writing(tablet) as work:
                stay, direction = _read_ticket(work, tablet, ticket)
                taken = undo_tap(work, tablet.location, stay, direction)
                return words.taken_back(language, taken)
        except Refused:
            return words.nothing_to_take_back(language)

    def _use_pin(self, tablet: Tablet, code: str, said: Said) -> tuple[Screen, bool]:
        digits = parse_pin(read_scan(code))
        place = Place(tablet_id=tablet.id, location_id=tablet.location.id)
        lately, now = self._of(tablet), time.monotonic()
        if now < lately.closed_until:
            return words.wait(said.language, lately.closed_until - now), False
        with self._writing(tablet) as work:
            chance = chance_at_door(work, tablet.location, len(digits), said.email)
            if wait_for(work, place, chance, with_email=said.email is not None):
                asks = words.closed if said.email else words.ask_for_email
                return asks(said.language), False
            try:
                tap = tap_pin(
                    work,
                    tablet.location,
                    digits,
                    way=said.way,
                    email=said.email,
                    one_tap=AFTER_SILENCE if said.after_silence else ONE_TAP,
                )
            except Refused as error:
                if error.rule is not Rule.NOBODY:
                    raise
                if self._is_new(lately, f"{digits} {said.email}", now):
                    count_wrong(work, place, chance)
                return words.unknown_pin(said.language, with_email=said.email is not None), False
            return self._greet(work, tablet, tap, said.language)

    @contextmanager
    def _writing(self, tablet: Tablet) -> Iterator[Writing]:
        """A transaction whose audit names the tablet."""
        with self._store.write() as work:
            yield replace(work, operator=f"tablet {tablet.name}")

    def _is_new(self, lately: _Lately, typed: str, now: float) -> bool:
        """Whether it is another wrong PIN than just before; from now on it is known."""
        digest = hmac.digest(self._key, typed.encode(), "sha256")
        with self._lock:
            same = hmac.compare_digest(digest, lately.last) and now < lately.last_at + SAME
            if not same:
                lately.last, lately.last_at = digest, now
                lately.closed_until = now + lately.wrong.wait_after(now)
            return not same

    def _of(self, tablet: Tablet) -> _Lately:
        with self._lock:
            return self._lately.setdefault(tablet.id, _Lately())

    def _greet(
        self, work: Writing, tablet: Tablet, tap: Tap, language: Language
    ) -> tuple[Screen, bool]:
        greeting = greet(work, tap)
        until = tap.at + UNDO
        undo = _ticket(work, tablet, tap, until) if work.now < until else None
        return words.welcome(language, greeting, work.now, undo), greeting.host_is_notified


def _is_bare(code: str) -> bool:
    """Whether it can have been meant as a PIN: no keyboard layout has changed it."""
    try:
        read_scan(code)
    except InvalidValue:
        return False
    return True


def _ticket(work: Reading, tablet: Tablet, tap: Tap, until: datetime) -> str:
    what = f"{tap.stay}.{tap.direction.value}.{int(until.timestamp())}"
    return f"{what}.{sign(work, f'undo {tablet.id} {what}').hex()}"


def _read_ticket(work: Writing, tablet: Tablet, ticket: str) -> tuple[int, Direction]:
    what, _, signature = ticket.rpartition(".")
    genuine = sign(work, f"undo {tablet.id} {what}").hex()
    if not hmac.compare_digest(signature.encode(), genuine.encode()):
        raise Refused("this tablet has not shown that")
    stay, direction, until = what.split(".")
    if work.now > datetime.fromtimestamp(int(until), UTC) + LATE:
        raise Refused("the time for it is over")
    return int(stay), Direction(direction)
