"""Checks the servers that follow the store, and whether the NAS sign their requests."""

from __future__ import annotations

from datetime import timedelta
from shlex import quote
from typing import TYPE_CHECKING, Final

from nexio.input.durations import words_for
from nexio.input.names import counted
from nexio.network.guard_table import servers_at_work
from nexio.network.nas import list_nas
from nexio.network.nas_signatures import ENOUGH, Signing, read_signatures, signing_of
from nexio.network.servers import list_servers
from nexio.operations.health import bad_row, unwell, well
from nexio.reception.guessing_limits import MOST_OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.network.servers import Server
    from nexio.operations.health import Finding
    from nexio.store.engine import Reading

MISSED_FOR: Final = timedelta(days=7)
"""A server that has been silent for longer is no problem any more."""

OLD: Final = timedelta(minutes=1)
"""How far a server may lag behind the store before that counts as a problem."""


def look_at_fleet(work: Reading) -> Iterator[Finding]:
    """Check every server that has reported to the store, and every NAS."""
    servers = [each for each in list_servers(work) if each.state != "stopped"]
    yield from map(bad_row, work.bad_rows.lines)
    running = [each for each in servers if each.state == "running"]
    if running:
        names = ", ".join(each.identity.name for each in running)
        yield well("servers", f"{counted(len(running), 'server')} at work: {names}")
    for server in servers:
        yield from _server(server)
    yield from _guard(work, running)
    yield from _signing(work)


def _server(server: Server) -> Iterator[Finding]:
    name = f"{server.identity.kind} {server.identity.name}"
    if server.state == "silent":
        message = f"{name} has said nothing for {words_for(server.silent_for)}"
        if server.silent_for < MISSED_FOR:
            yield unwell(
                "servers", message, "Start it, or see its log: it may not reach the store."
            )
        else:
            yield well("servers", message)
        return
    if server.table_age > OLD:
        message = f"{name} has not followed the store for {words_for(server.table_age)}"
        yield unwell("servers", message, "See its log for the reason.")
    if server.is_clock_off:
        yield unwell(
            "clock",
            f"{name}: its clock is {server.clock_words} the database's",
            "Wi-Fi begins and ends by it: set it, and let NTP keep it (timedatectl).",
        )


def _guard(work: Reading, running: list[Server]) -> Iterator[Finding]:
    """Check that the servers share their guess counts, and that the bound allows so many."""
    sharing = servers_at_work(work.session.connection(), work.now)
    for server in running:
        if server.report.writer not in sharing and not server.is_clock_off:
            yield unwell(
                "guessing",
                f"{server.identity.name} does not count guesses together with the others",
                "See its log for why it does not reach the store.",
            )
    if len(sharing) > 1 + MOST_OTHERS:
        yield unwell(
            "guessing",
            f"{len(sharing)} servers count guesses together, and the bound holds for"
            f" {1 + MOST_OTHERS}",
            "Use fewer, with more workers each: nexio-radiusd --workers.",
        )


def _signing(work: Reading) -> Iterator[Finding]:
    counts = read_signatures(work)
    for nas in list_nas(work):
        known = counts.get(nas.id)
        signing = signing_of(nas, known, work.now)
        if known is None or signing in {Signing.REQUIRED, Signing.UNKNOWN}:
            continue
        if signing is Signing.READY:
            yield well(
                "Message-Authenticator",
                f"{nas.name} always sends it, so it can be required:"
                f" nexio nas edit {quote(nas.name)} --require-message-authenticator",
            )
        elif signing is Signing.UNANSWERED and known.unsigned < ENOUGH:
            message = f"{nas.name} sends it, but for {counted(known.unsigned, 'request')}"
            yield well("Message-Authenticator", message)
        elif signing is Signing.UNANSWERED:
            yield unwell(
                "Message-Authenticator",
                f"{counted(known.unsigned, 'request')} of {nas.name} had none and got no answer",
                "If they are its own, let it send one; until it can: nexio nas edit"
                f" {quote(nas.name)} --insecure-no-message-authenticator",
            )
        else:
            message = f"{nas.name} does not always send it, so its replies can be forged"
            yield well("Message-Authenticator", message)
