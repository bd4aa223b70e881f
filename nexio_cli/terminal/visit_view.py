"""A visit as a person reads it: under each other, or as the row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.input.zones import show, show_window
from nexio_cli.terminal import output
from nexio_cli.terminal.shapes import visit_json

if TYPE_CHECKING:
    from nexio.reception.visits import Stay, Visit

COLUMNS = ["visit", "arrival", "visitor", "e-mail", "host", "PIN", "state", "Wi-Fi"]
WIDE_ONLY = ("e-mail", "host")


def print_visit(visit: Visit, *, headline: str, as_json: bool) -> None:
    """The answer first, then what is known; or the JSON of the visit."""
    fields = [
        ("visit", str(visit.id)),
        ("PIN", visit.pin),
        ("e-mail", visit.email),
        ("login", None if visit.email else visit.login),
        ("arrival", show(visit.expected_arrival, visit.location.zone)),
        ("Wi-Fi", _wifi_words(visit)),
        ("devices", _limit_words(visit)),
        ("network", visit.location.settings.ssid if visit.token is not None else None),
        ("host", visit.host),
        ("company", visit.company),
        ("phone", visit.phone),
        ("notes", visit.notes),
        ("group", visit.group),
        ("language", visit.language),
        ("source", None if visit.source == "admin" else visit.source),
        ("state", visit.state.value),
        *(
            ("is in" if each.out_at is None else "was in", _stay_words(visit, each))
            for each in visit.check_ins
        ),
    ]
    output.print_answer(visit_json(visit), headline, fields, as_json=as_json)


def row_of(visit: Visit) -> list[str]:
    """What stands in :data:`COLUMNS`."""
    return [
        str(visit.id),
        show(visit.expected_arrival, visit.location.zone),
        visit.name,
        visit.login,
        visit.host or "",
        visit.pin,
        visit.state.value,
        "no" if visit.token is None else visit.token.state.value,
    ]


def _stay_words(visit: Visit, stay: Stay) -> str:
    zone = visit.location.zone
    if stay.out_at is not None and not stay.cut_off:
        return show_window(stay.in_at, stay.out_at, zone)
    return f"from {show(stay.in_at, zone)}" + (", never checked out" if stay.cut_off else "")


def _limit_words(visit: Visit) -> str | None:
    most = None if visit.token is None else visit.token.max_devices
    return None if most is None else f"at most {most}"


def _wifi_words(visit: Visit) -> str:
    token, zone = visit.token, visit.location.zone
    if token is None:
        return "no access token"
    if token.valid_from is None or token.valid_until is None:
        return f"from the check-in on ({token.state})"
    return f"{show_window(token.valid_from, token.valid_until, zone)} ({token.state})"
