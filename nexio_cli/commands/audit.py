"""``nexio audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nexio.input.zones import show
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio.store.audit_entries import AuditFilter, Entry
    from nexio.store.engine import Reading


@click.command(cls=once.Command)
@click.option("--visit", metavar="VISIT", help="Only this visit, or all visits of an e-mail.")
@click.option("--operator", metavar="NAME", help="Only what this one did, such as 'desk Lobby'.")
@click.option(
    "--since", metavar="TIME", help="From this day or time on: yesterday, 'today 14:00', 20 Nov."
)
@click.option("--until", metavar="TIME", help="Before this time, or to the end of this day.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(0, 100_000),
    metavar="N",
    help="How many to show, the newest.",
)
@click.option(
    "--after",
    type=click.IntRange(0, 2**31 - 1),
    metavar="ID",
    help="Those above this number, the oldest of them.",
)
@options.as_json
def command(
    visit: str | None,
    operator: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    after: int | None,
    *,
    as_json: bool,
) -> None:
    """Show who did what, oldest first.

    An entry has a number, the time, the operator, what was done, and to what. The operator is
    what NEXIO_OPERATOR said, else the user of the system; "desk Lobby" is a browser of reception,
    "tablet Door" a tablet. Of a setting, a location or a NAS it has the values before and after,
    of a person only which fields were changed. There is never a PIN or a secret in it.

    What was done to a visit goes when the visit is forgotten; see audit-retention-days of
    'nexio settings' for the rest. A script reads on with --after and the last number it has.
    """
    from nexio.locations.locations import list_locations
    from nexio.store.audit_entries import list_entries
    from nexio_cli.terminal.shapes import audit_json

    with options.reading() as work:
        places = list_locations(work)
        zone = places[0].zone if len({each.zone for each in places}) == 1 else ZoneInfo("UTC")
        which = _which(work, zone, visit, operator, since, until, limit, after)
        entries = list_entries(work, which)
    output.print_list(
        entries,
        lambda entry: audit_json(entry, zone),
        ["id", "time", "operator", "what", "about", "details"],
        lambda entry: [
            str(entry.id),
            show(entry.at, zone),
            entry.operator,
            entry.action,
            _subject(entry),
            _words(entry.details),
        ],
        "No entry fits.",
        as_json=as_json,
        only_wide=("id",),
    )


def _which(
    work: Reading,
    zone: ZoneInfo,
    visit: str | None,
    operator: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    after: int | None,
) -> AuditFilter:
    from nexio.input.past_times import parse_since, parse_until
    from nexio.reception.visits import numbers_of
    from nexio.store.audit_entries import AuditFilter

    return AuditFilter(
        visits=None if visit is None else numbers_of(work, visit),
        operator=operator,
        since=None if since is None else parse_since(since, work.now, zone),
        before=None if until is None else parse_until(until, work.now, zone),
        after=after,
        limit=limit,
    )


def _subject(entry: Entry) -> str:
    """Such as "visit 7"; of what there is only one, no number."""
    alone = entry.subject in {"store", "key", "person", "mail"}
    return entry.subject if alone else f"{entry.subject} {entry.subject_id}"


def _words(details: dict[str, Any]) -> str:
    """Such as "pin-length: 6 → 8" or "changed: email, host"."""
    if details.keys() >= {"before", "after"}:
        before, after = details["before"], details["after"]
        others = {name: each for name, each in details.items() if name not in {"before", "after"}}
        if isinstance(before, dict) and isinstance(after, dict):
            moved = {name: (before.get(name), after[name]) for name in after}
            changed = [_change(name, *both) for name, both in moved.items() if both[0] != both[1]]
            return "; ".join([*changed, *([_words(others)] if others else [])])
        return "; ".join([f"{before} → {after}", *([_words(others)] if others else [])])
    return "; ".join(
        _change(name, value["before"], value["after"])
        if isinstance(value, dict) and value.keys() == {"before", "after"}
        else f"{name}: {_value(value)}"
        for name, value in details.items()
    )


def _change(name: str, before: Any, after: Any) -> str:
    return f"{name}: {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    return ", ".join(map(_value, value)) if isinstance(value, list) else str(value)
