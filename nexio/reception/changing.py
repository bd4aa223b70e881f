"""Change a registered visit: its time, its Wi-Fi, the data of the visitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from nexio.errors import InvalidValue, Refused
from nexio.input.addresses import email_key, parse_email
from nexio.input.arrivals import check_end, parse_end, same_time_after
from nexio.input.durations import LONGEST
from nexio.input.names import parse_full_name
from nexio.input.zones import local_day, show
from nexio.locations.locations import location_of, lock_location
from nexio.outbox.outbox import Template, queue_mail
from nexio.reception.pin_days import days_of, recounting
from nexio.reception.pins import draw_pin, live_pin
from nexio.reception.registration import command_for_tokens, gives_token, refuse_past
from nexio.reception.registration_texts import parse_language, parse_optional
from nexio.reception.tokens import refuse_unplanned
from nexio.reception.visits import PIN_PURPOSE, Visit, get_open_row, visit_of
from nexio.store import audit
from nexio.store.engine import Reading, Writing
from nexio.store.tables import AccessTokenRow, PinRow, VisitRow


def reschedule(
    work: Writing, visit_id: int, arrival: datetime, until: datetime | None = None
) -> Visit:
    """Move a visit; its Wi-Fi moves along and keeps its length, its PIN stays (R13).

    The visitor gets a mail about it.

    Args:
        work: the transaction.
        visit_id: the visit's number.
        arrival: the new expected arrival, a whole minute.
        until: a new end of the Wi-Fi; it then counts as given explicitly (R2).

    Raises:
        NotFound: no such visit.
        InvalidValue: the arrival is past and its window would be over.
        Refused: the visit is deleted or over, more guests than planned (R9), or it has no
            Wi-Fi that could end.
    """
    row = get_open_row(work, visit_id)
    before = _times_of(row)
    with recounting(work, row):
        _move(work, row, arrival, until)
    details = {"before": before[0].isoformat(), "after": arrival.isoformat()}
    if until is not None:
        details["until"] = until.isoformat()
    audit.record(work, "reschedule", "visit", visit_id, details)
    if _times_of(row) != before:
        queue_mail(work, Template.VISITOR_UPDATED, visit_id=visit_id)
    return visit_of(work, row)


def extend_token(work: Writing, visit_id: int, by: timedelta) -> Visit:
    """Let a visitor stay on the Wi-Fi longer (R2's explicit exception), and mail that.

    Raises:
        NotFound: no such visit.
        Refused: no token, a revoked one, one that would be over all the same or last for more
            than 30 days, or more guests than planned (R9).
    """
    row = get_open_row(work, visit_id)
    token = _open_token(work, row)
    if token.duration + by > LONGEST:
        raise Refused("a token lasts for 30 days at most", "Register the visitor again instead.")
    with recounting(work, row):
        token.duration += by
        if token.valid_until is not None:
            _extend_window(work, row, by)
    row.ends_at = token.valid_until if row.ends_at is None else row.ends_at + by
    queue_mail(work, Template.VISITOR_EXTENDED, visit_id=visit_id)
    audit.record(work, "extend", "visit", visit_id, {"seconds": int(by.total_seconds())})
    return visit_of(work, row)


def extend_token_until(work: Writing, visit_id: int, text: str) -> Visit:
    """:func:`extend_token` until an end in people's words (R20).

    Raises:
        InvalidValue: it cannot be read.
        Refused: as :func:`extend_token`; or the Wi-Fi lasts as long already, or has no end before
            the check-in (R16).
    """
    row = get_open_row(work, visit_id)
    token = _open_token(work, row)
    if token.valid_from is None or token.valid_until is None:
        raise _starts_later(row)
    zone = location_of(row.location).zone
    since = max(token.valid_from, work.now)
    until = parse_end(text, since, work.now, zone)
    later = same_time_after(max(token.valid_until, work.now), until, zone)
    check_end(token.valid_from, until, zone, show(later, zone))
    if until <= token.valid_until:
        raise Refused(
            f"visit {visit_id} has Wi-Fi until {show(token.valid_until, zone)} already",
            f'Name a later end, such as "{show(later, zone)}".'
            f" To end it now: nexio token revoke {visit_id}",
        )
    return extend_token(work, visit_id, until - token.valid_until)


def edit_visit(work: Writing, visit_id: int, texts: Mapping[str, str | None]) -> Visit:
    """Correct the data of a visitor; a new e-mail means a new PIN and a mail with it.

    Args:
        work: the transaction.
        visit_id: the visit's number.
        texts: by field; None leaves a field unchanged, "" empties one that may be empty.

    Raises:
        NotFound: no such visit.
        InvalidValue: nothing to change, or a value that is not allowed.
        Refused: the visit is deleted or over, or there is no free PIN (R7).
    """
    given = {name: text for name, text in texts.items() if text is not None}
    if not given:
        raise InvalidValue("nothing to change", "Give at least one of the options.")
    row = get_open_row(work, visit_id)
    names = parse_full_name(
        given.pop("first_name", row.first_name), given.pop("last_name", row.last_name)
    )
    changes = dict(zip(("first_name", "last_name"), names, strict=True)) | {
        name: _PARSERS[name](text) if name in _PARSERS else parse_optional(name, text)
        for name, text in given.items()
    }
    changed = {name for name, value in changes.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, changes[name])
    if row.email and email_key(row.email) != row.email_key:
        row.email_key = email_key(row.email)
        _renew_pin(work, row)
        queue_mail(work, Template.VISITOR_REGISTERED, visit_id=visit_id)
    audit.record(work, "edit", "visit", visit_id, {"changed": sorted(changed)})
    return visit_of(work, row)


_PARSERS: Mapping[str, Callable[[str], str | None]] = {
    "email": parse_email,
    "language": parse_language,
}


def resend_mail(work: Writing, visit_id: int) -> Visit:
    """Send the registration e-mail again, with the current data; the PIN stays.

    Raises:
        NotFound: no such visit.
        Refused: the visit is deleted or over, or the visitor has no e-mail.
    """
    row = get_open_row(work, visit_id)
    if not row.email:
        raise Refused(
            f"visit {visit_id} has no e-mail",
            f"Give the visitor the slip: nexio visitor slip {visit_id}",
        )
    queue_mail(work, Template.VISITOR_REGISTERED, visit_id=visit_id)
    audit.record(work, "resend", "visit", visit_id)
    return visit_of(work, row)


def _open_token(work: Reading, row: VisitRow) -> AccessTokenRow:
    token = row.token
    if token is None or token.revoked_at is not None:
        why = "has no access token" if token is None else "had its access token revoked"
        location = location_of(row.location)
        gives = gives_token(location, row.source)
        first = "" if gives else f"{command_for_tokens(work, location, row.source)}, then: "
        raise Refused(
            f"visit {row.id} {why}",
            f"Give it one, with a new PIN: {first}nexio visitor reissue {row.id}",
        )
    return token


def _starts_later(row: VisitRow) -> Refused:
    return Refused(
        f"the Wi-Fi of visit {row.id} starts with the check-in, so its end is not known",
        f"Say how much longer it lasts: nexio token extend {row.id} --by 30m",
    )


def _name_duration(work: Reading, row: VisitRow, duration: timedelta) -> None:
    token = _open_token(work, row)
    if token.valid_from is None:
        raise _starts_later(row)
    token.duration = row.token_duration = duration


def _times_of(row: VisitRow) -> tuple[datetime, datetime | None]:
    return row.expected_arrival, None if row.token is None else row.token.valid_until


def _move(work: Writing, row: VisitRow, arrival: datetime, until: datetime | None) -> None:
    zone = location_of(row.location).zone
    token = row.token
    length = row.location.token_duration
    if until is not None:
        _name_duration(work, row, until - arrival)
    if token is not None and token.valid_from is not None and token.valid_until is not None:
        starts_early = row.token_starts == "expected-arrival"
        early = row.expected_arrival - token.valid_from if starts_early else timedelta()
        length = token.valid_until - token.valid_from - early if until is None else until - arrival
        token.valid_from, token.valid_until = arrival - early, arrival + length
        refuse_unplanned(work, location_of(row.location), token)
    refuse_past(work, location_of(row.location), arrival, length)
    if until is not None:
        row.ends_at = until
    elif row.ends_at is not None:
        row.ends_at += arrival - row.expected_arrival
    row.expected_arrival = arrival
    row.opens_at, row.closes_at = local_day(arrival, zone)
    _keep_open(work, row)
    # Without a token a visit ends with its day, which may be over although the window is not.
    refuse_past(work, location_of(row.location), arrival, row.closes_at - arrival)


def _extend_window(work: Writing, row: VisitRow, by: timedelta) -> None:
    token = row.token
    if token is None or token.valid_until is None:
        return
    token.valid_until += by
    if token.valid_until <= work.now:
        over = show(token.valid_until, location_of(row.location).zone)
        raise Refused(
            f"the Wi-Fi of visit {row.id} would be over all the same, at {over}",
            "Extend it by more, or move the visit with: nexio visitor reschedule",
        )
    refuse_unplanned(work, location_of(row.location), token)
    _keep_open(work, row)


def _keep_open(work: Writing, row: VisitRow) -> None:
    """R7, R15: visit and PIN last until the later of the day's end and the window's end."""
    token = row.token
    if token is not None and token.valid_until is not None and token.revoked_at is None:
        row.closes_at = max(row.closes_at, token.valid_until)
    _live_pin(work, row).free_at = row.closes_at


def _live_pin(work: Writing, row: VisitRow) -> PinRow:
    pin = live_pin(work, row)
    if pin is None:
        raise Refused(f"the PIN of visit {row.id} is free already", "Register the visitor again.")
    return pin


def _renew_pin(work: Writing, row: VisitRow) -> None:
    """Draw a new PIN; the old PIN and the QR codes made so far become invalid."""
    row.qr_edition += 1
    location = lock_location(work, location_of(row.location))
    pin = draw_pin(work, location, days_of(row))
    row.pin_sealed, row.pin_digest = work.keyring.seal(pin.digits, PIN_PURPOSE), pin.digest
    live = _live_pin(work, row)
    live.digest, live.length = pin.digest, len(pin.digits)
