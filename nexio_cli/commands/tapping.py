"""Using codes and visits at the door, for ``nexio checkin`` and ``nexio checkout``."""

from __future__ import annotations

import io
import re
import shlex
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nexio.errors import InvalidValue, NexioError, UnknownCode
from nexio.input.zones import show
from nexio_cli.terminal import finding, options, output, posting
from nexio_cli.terminal.session_view import report_open_sessions
from nexio_cli.terminal.shapes import tap_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexio.checkin.taps import Direction, Tap
    from nexio.store.engine import Writing
    from nexio_cli.terminal.json_types import DoneTapJson


_LIKE_A_VISIT = re.compile(
    r"[1-9][0-9]{0,3}|[\w.+-]+@[\w.-]+|[^\W\d_]{2,}(?:[ .'\u2019-]+[^\W\d_]+)*"
)
"""A number with fewer digits than any PIN, an e-mail, or words of letters: a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who goes through the door: exactly one of these is given."""

    pin: str | None = None
    qr: str | None = None
    visits: tuple[str, ...] = ()
    group: str | None = None
    member: str | None = None
    reader: bool = False

    def require_one(self, *others: object) -> None:
        """Require exactly one of them, or of the others.

        Raises:
            InvalidValue: none is given, or several are.
        """
        given = [bool(self.visits), self.reader]
        named = [self.pin, self.qr, self.group, self.member, *others]
        if sum([*given, *(each is not None for each in named)]) != 1:
            raise InvalidValue(
                "who is it?",
                "Give one PIN, --qr, --visit (also several), --group, --member or --reader.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The other options."""

    way: Direction | None = None
    location_name: str | None
    override: bool = False
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A check-in or a check-out, as it is printed."""

    shape: DoneTapJson
    sentence: str

    @property
    def has_ended_wifi(self) -> bool:
        """Whether devices that are on the Wi-Fi are to be disconnected."""
        from nexio.checkin.desk_wifi import ENDED

        return self.shape["wifi"] == ENDED


def check_in_or_out(who: Who, how: How) -> None:
    """Check in or out, and say who, when, and what it means for the Wi-Fi."""
    if who.reader:
        _read_codes(how)
    elif who.member is not None:
        _print([_tap_member(finding.member_to_change(who.member, how.location_name), how)], how)
    elif who.visits or who.group is not None:
        named = replace(who, visits=finding.visits_to_change(who.visits, how.location_name))
        _print(_tap_visits(named, how), how, several=who.group is not None)
    else:
        _refuse_visit(who.pin or "", how)
        code = who.pin if who.pin is not None else who.qr
        _print([_tap(_typed_or_scanned(code or ""), how, is_qr=who.qr is not None)], how)


def _refuse_visit(typed: str, how: How) -> None:
    """Say how a visit is named, where somebody typed one instead of a PIN.

    Raises:
        InvalidValue: it has the shape of a visit's number, of an e-mail or of a name.
    """
    if _LIKE_A_VISIT.fullmatch(typed):
        word = shlex.quote(typed)
        advice = {
            None: f"If it is a visit: nexio checkin --visit {word}",
            "in": f"If it is a visit: nexio checkin --visit {word} --in",
            "out": f"If it is a visit: nexio checkout --visit {word}",
        }
        raise InvalidValue("this is not a PIN", advice[how.way])


def _tap(code: str, how: How, *, is_qr: bool = False) -> _Done:
    from nexio.checkin.check_ins import tap_pin, tap_qr
    from nexio.locations.locations import find_only_location, get_location
    from nexio.reception import qr_codes

    with options.writing() as work:
        if is_qr or qr_codes.is_qr(code):
            place = find_only_location(work, how.location_name)
            return _done(work, tap_qr(work, place, code, way=how.way))
        place = get_location(work, how.location_name)
        return _done(work, tap_pin(work, place, code, way=how.way))


def _tap_member(member: str, how: How) -> _Done:
    from nexio.checkin.check_ins import tap_member
    from nexio.reception.members import get_member

    with options.writing() as work:
        known = get_member(work, member, how.location_name)
        return _done(work, tap_member(work, known.id, how.way))


def _tap_visits(who: Who, how: How) -> list[_Done]:
    """All of them or none."""
    from nexio.checkin.groups import tap_visits
    from nexio.reception.visits import get_group, get_visit

    with options.writing() as work:
        if who.group is not None:
            numbers = [each.id for each in get_group(work, who.group, how.location_name)]
        else:
            numbers = [get_visit(work, each, how.location_name).id for each in who.visits]
        taps = tap_visits(work, numbers, way=how.way, override=how.override)
        return [_done(work, tap) for tap in taps]


def _done(work: Writing, tap: Tap) -> _Done:
    from nexio.checkin.check_ins import ONE_TAP
    from nexio.checkin.desk_wifi import wifi_words
    from nexio.checkin.refused_taps import other_way

    wifi = wifi_words(work, tap)
    outcome = f"{'already' if tap.repeated else 'checked'}_{tap.direction.value}"
    just_now = ", just now" if work.now - tap.at < ONE_TAP else ""
    already = f" already{just_now}" if tap.repeated else ""
    when = show(tap.at, tap.location.zone)
    checked = f"{tap.name} is checked {tap.direction}{already}: {when} at {tap.location.name}."
    words = (checked, *wifi, other_way(tap) if tap.repeated else "")
    return _Done(
        shape={**tap_json(tap), "outcome": outcome, "wifi": " ".join(wifi) or None},
        sentence=" ".join(filter(None, words)),
    )


def _read_codes(how: How) -> None:
    """A keyboard-wedge scanner types each code and its end; each is answered."""
    from nexio.checkin.wrong_codes import WrongCodes
    from nexio.input.scanners import codes

    wrong = WrongCodes()
    for code in codes(_chunks()):
        try:
            done = _tap(code, how)
        except NexioError as error:
            _print_refused(error, as_json=how.as_json)
            if isinstance(error, UnknownCode):
                _wait(wrong.wait_after(time.monotonic()))
            continue
        if how.as_json:
            output.print_json_line(done.shape)
        else:
            output.print_sentence(done.sentence)
        posting.deliver_now(quiet=True)
        _report_wifi([done], wait=False)  # the next one is at the door


def _report_wifi(all_done: Sequence[_Done], *, wait: bool) -> None:
    """Say what becomes of devices that are still on."""
    for done in all_done:
        if done.has_ended_wifi:
            report_open_sessions(done.shape["id"], wait=wait)


def _wait(seconds: float) -> None:
    """Slow down somebody who tries codes: the next one is read afterwards."""
    if seconds:
        output.say(f"Too many wrong codes: the next one is read in {seconds:.0f} s.")
        time.sleep(seconds)


def _typed_or_scanned(code: str) -> str:
    """``-`` reads the first code on stdin, as a scanner types it or a person."""
    from nexio.input.scanners import codes

    return next(codes(_chunks()), "") if code == "-" else code


def _chunks() -> Iterator[bytes]:
    """What stdin holds, as soon as it is there."""
    if isinstance(sys.stdin, io.TextIOWrapper) and isinstance(sys.stdin.buffer, io.BufferedReader):
        buffer = sys.stdin.buffer
        return iter(buffer.read1, b"")
    return iter([sys.stdin.read().encode()])


def _print(all_done: Sequence[_Done], how: How, *, several: bool = False) -> None:
    if how.as_json:
        shapes = [done.shape for done in all_done]
        output.print_json(shapes if several or len(shapes) > 1 else shapes[0])
    else:
        for done in all_done:
            output.print_headline(done.sentence)
    posting.deliver_now(quiet=True)
    _report_wifi(all_done, wait=not how.as_json)


def _print_refused(error: NexioError, *, as_json: bool) -> None:
    if as_json:
        output.print_json_line({"refused": str(error), "code": error.code, "advice": error.advice})
    else:
        output.print_sentence(f"Refused: {error}. {error.advice}".rstrip())
