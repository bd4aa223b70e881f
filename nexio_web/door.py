"""Handles what people type or scan at a tablet; the rules are the same as at the desk."""

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
"""How long an undo is offered; it is accepted a little longer."""

LATE: Final = timedelta(seconds=5)

AFTER_SILENCE: Final = timedelta(seconds=90)
"""The same PIN again within this time is one tap, if the tablet got no answer to the first."""

SAME: Final = 60.0
"""Seconds in which repeating the same wrong PIN is not another guess."""

AGAIN: Final = 60.0
"""Seconds after which a tablet retries a delivery that could not be accepted."""

WRONG: Final = frozenset({Rule.NO_CODE.value, Rule.WIFI_CODE.value, Why.UNREADABLE.value})
"""Reasons that suggest an invented code: the next delivery has to wait longer and longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapRequest:
    """What somebody typed or scanned."""

    code: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    way: Direction | None = None
    language: Language = ENGLISH
    """The language of the answer."""

    after_silence: bool = False
    """Whether the tablet got no answer to the PIN before: maybe only the answer was lost."""

    by_camera: bool = False
    """Whether the camera read it: then it is a QR code, whatever it contains."""

    id: str = ""
    """The tablet's id for this tap, in case it has to deliver it later."""


@dataclass(slots=True)
class _Recent:
    """Recent wrong codes at a tablet; in memory only."""

    wrong: WrongCodes = field(default_factory=WrongCodes)
    closed_until: float = 0.0
    last: bytes = b""
    last_at: float = 0.0
    wrong_deliveries: WrongCodes = field(default_factory=WrongCodes)
    takes_from: float = 0.0
    """When the next delivery is accepted."""


class Door:
    """The tablets of a store.

    Its methods may be called by several threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self._recent: dict[int, _Recent] = {}
        self._lock = threading.Lock()

    def use(self, tablet: Tablet, request: TapRequest) -> tuple[Screen, bool]:
        """Check somebody in or out.

        Returns:
            The screen for the tablet, and whether mail was queued.
        """
        code = request.code[: LONGEST + 1]
        try:
            if request.by_camera or is_qr(code):
                with self._writing(tablet) as work:
                    if request.id and is_known(
                        work, request.id
                    ):  # the request was slow, and the tap was delivered meanwhile
                        return words.noted_already(request.language), False
                    tap = tap_scanned(work, tablet.location, code, way=request.way)
                    if request.id:
                        remember(work, tablet, tap, request.id)
                    return self._greet(work, tablet, tap, request.language)
            return self._use_pin(tablet, code, request)
        except Refused as error:
            return words.refused(
                request.language, error, self._store.clock(), tablet.location.zone
            ), False
        except NotFound:
            return words.no_such_visit(request.language), False
        except InvalidValue as error:
            is_pin = _is_bare(code) and not request.by_camera
            return words.cannot_read(request.language, error, is_pin=is_pin), False

    def deliver(self, tablet: Tablet, delivery: Delivery) -> tuple[float, bool]:
        """Accept a tap from when we were unreachable, once: apply it or show it to reception.

        It is always read as a QR code, so that nobody can guess PINs in this way.

        Returns:
            Seconds after which it has to be delivered again, 0 if it was accepted; and whether
            mail was queued.
        """
        recent, now = self._of(tablet), time.monotonic()
        if now < recent.takes_from:
            return recent.takes_from - now, False
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
        except Refused:  # too many taps wait, or the same one was just delivered
            return AGAIN
        if why in WRONG:
            recent, now = self._of(tablet), time.monotonic()
            with self._lock:
                recent.takes_from = now + recent.wrong_deliveries.wait_after(now)
        return 0

    def undo(self, tablet: Tablet, ticket: str, language: Language = ENGLISH) -> Screen:
        """Take back the tap that a tablet has just shown."""
        try:
            with self._writing(tablet) as work:
                stay, direction = _read_ticket(work, tablet, ticket)
                taken = undo_tap(work, tablet.location, stay, direction)
                return words.taken_back(language, taken)
        except Refused:
            return words.nothing_to_take_back(language)

    def _use_pin(self, tablet: Tablet, code: str, request: TapRequest) -> tuple[Screen, bool]:
        digits = parse_pin(read_scan(code))
        place = Place(tablet_id=tablet.id, location_id=tablet.location.id)
        recent, now = self._of(tablet), time.monotonic()
        if now < recent.closed_until:
            return words.wait(request.language, recent.closed_until - now), False
        with self._writing(tablet) as work:
            chance = chance_at_door(work, tablet.location, len(digits), request.email)
            if wait_for(work, place, chance, with_email=request.email is not None):
                asks = words.closed if request.email else words.ask_for_email
                return asks(request.language), False
            try:
                tap = tap_pin(
                    work,
                    tablet.location,
                    digits,
                    way=request.way,
                    email=request.email,
                    one_tap=AFTER_SILENCE if request.after_silence else ONE_TAP,
                )
            except Refused as error:
                if error.rule is not Rule.NOBODY:
                    raise
                if self._is_new(recent, f"{digits} {request.email}", now):
                    count_wrong(work, place, chance)
                return words.unknown_pin(
                    request.language, with_email=request.email is not None
                ), False
            return self._greet(work, tablet, tap, request.language)

    @contextmanager
    def _writing(self, tablet: Tablet) -> Iterator[Writing]:
        """A transaction whose audit names the tablet."""
        with self._store.write() as work:
            yield replace(work, operator=f"tablet {tablet.name}")

    def _is_new(self, recent: _Recent, typed: str, now: float) -> bool:
        """Whether a wrong PIN differs from the last one; remember it and start the wait if so."""
        digest = hmac.digest(self._key, typed.encode(), "sha256")
        with self._lock:
            same = hmac.compare_digest(digest, recent.last) and now < recent.last_at + SAME
            if not same:
                recent.last, recent.last_at = digest, now
                recent.closed_until = now + recent.wrong.wait_after(now)
            return not same

    def _of(self, tablet: Tablet) -> _Recent:
        with self._lock:
            return self._recent.setdefault(tablet.id, _Recent())

    def _greet(
        self, work: Writing, tablet: Tablet, tap: Tap, language: Language
    ) -> tuple[Screen, bool]:
        greeting = greet(work, tap)
        until = tap.at + UNDO
        undo = _ticket(work, tablet, tap, until) if work.now < until else None
        return words.welcome(language, greeting, work.now, undo), greeting.host_is_notified


def _is_bare(code: str) -> bool:
    """Whether it may be meant as a PIN: no keyboard layout has changed it."""
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
