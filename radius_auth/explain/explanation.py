"""Explains in a sentence why a visitor gets on the Wi-Fi or not, by the rules of a login."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nexio.errors import KeyUnusable
from nexio.input.addresses import email_key
from nexio.input.arrivals import parse_arrival
from nexio.input.names import quoted
from nexio.input.zones import show, show_window
from nexio.locations.locations import get_location, list_locations, zone_for_entry
from nexio.network.following import Horizon
from nexio.network.nas import Nas, get_nas, list_nas
from nexio.network.news import read_visits_of
from nexio.reception.visits import PIN_PURPOSE, get_visit
from radius_auth.decision.decide import decide
from radius_auth.decision.device_limits import Answer, decide_by_answer, decide_device
from radius_auth.decision.devices import mac_of
from radius_auth.decision.passwords import Pap
from radius_auth.decision.reasons import Reason, is_unseen
from radius_auth.decision.request import Accepted, Rejected, Request
from radius_auth.decision.words import LOGGED, REMEDIES
from radius_auth.guard import Guard
from radius_auth.guard.desk import guard_in, has_open_device, waits
from radius_auth.guard.target import MOST_OF_A_DEVICE
from radius_auth.protocol.replies import class_of
from radius_auth.replica.replies import prepare_reply
from radius_auth.replica.table import Table

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from nexio.store.engine import Reading
    from radius_auth.decision.request import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question of an operator, as typed."""

    email: str
    """The e-mail of the login, or the number of a visit, which stands for its e-mail."""

    pin: str | None = field(default=None, repr=False)
    """The PIN that the guest types; None for the right PIN of each visit."""

    at: str = "now"
    nas: str | None = None
    """Name of the NAS; None for a NAS of the visit's own location."""

    device: str | None = None
    location: str | None = None
    """The location of the visits; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one visit, or for none."""

    visit_id: int | None
    accepted: bool
    reason: Reason
    sentence: str
    """The outcome, the reason, and what to do."""

    nas: str | None = None
    """The NAS of the accept; None is any NAS without settings of its own."""

    reply: tuple[tuple[str, str], ...] = ()
    """All attributes of the accept, and their values."""


def explain(work: Reading, question: Question) -> list[Explanation]:
    """Explain the outcome of a login, in one explanation or more.

    Raises:
        InvalidValue: ``at`` cannot be read.
        NotFound: no such NAS or location.
    """
    if question.email.isdigit():
        question = replace(question, email=get_visit(work, question.email, question.location).login)
    table = _table(work, question.email)
    visits = _relevant(_visits_of(work, table, question), work.now)
    if not visits:
        return [_nobody(question, table)]
    if question.pin is not None:
        return [_explain(work, table, question, visits[-1], question.pin)]
    return [_explain(work, table, question, visit, _pin_of(work, visit)) for visit in visits]


def _visits_of(work: Reading, table: Table, question: Question) -> tuple[FollowedVisit, ...]:
    visits = table.visits_of(email_key(question.email))
    if question.location is None:
        return visits
    place = get_location(work, question.location).id
    return tuple(visit for visit in visits if visit.location_id == place)


def _pin_of(work: Reading, visit: FollowedVisit) -> str:
    try:
        return work.keyring.unseal(visit.pin_sealed, PIN_PURPOSE)
    except KeyUnusable:
        return ""  # the PIN is lost, so the login is explained as a wrong PIN


def _table(work: Reading, email: str) -> Table:
    """A server's table of this e-mail, with older visits too."""
    table = Table(work.keyring)
    table.locations = {location.id: location for location in list_locations(work)}
    table.put(read_visits_of(work, email_key(email)))
    return table


def _relevant(visits: tuple[FollowedVisit, ...], now: datetime) -> list[FollowedVisit]:
    """The visits that a server holds now, or else the last one."""
    return [visit for visit in visits if Horizon().holds(visit, now)] or list(visits[-1:])


def _explain(
    work: Reading, table: Table, question: Question, visit: FollowedVisit, pin: str
) -> Explanation:
    location = table.locations[visit.location_id]
    at = (
        work.now
        if question.at == "now"
        else parse_arrival(question.at, work.now, zone_for_entry(location))
    )
    nas = _nas(work, location, question)
    request = Request(
        nas=nas,
        user_name=question.email.encode(errors="surrogateescape"),
        password=Pap(pin.encode(errors="surrogateescape")),
        calling_station=None if question.device is None else question.device.encode(),
    )
    guard = guard_in(work, at)
    decision, unguarded = (
        _within_limit(decide(request, table, each, at), request, table) for each in (guard, Guard())
    )
    # A cause that a release would not change comes first; a pause is over before this is read.
    is_final = isinstance(unguarded, Rejected) and unguarded.visit is not None
    if decision.reason is Reason.GUARDED and not is_final:
        return _of(decision, _wait_words(work, visit, question, guard, at))
    explained = unguarded if is_unseen(decision.reason) else decision
    if isinstance(explained, Accepted):
        reply = reply_of(explained, nas, table.locations[nas.location.id])
        found = _explanation(work, explained)
        return replace(found, nas=nas.name if nas.id else None, reply=reply)
    return _explanation(work, explained)


def reply_of(accepted: Accepted, nas: Nas, location: Location) -> tuple[tuple[str, str], ...]:
    """All attributes of an accept at a NAS of a location."""
    visit, by_source = accepted.visit, prepare_reply(nas, location)
    limits = (
        ("Session-Timeout", str(accepted.session_timeout)),
        ("Class", class_of(visit).decode()),
    )
    if not by_source:
        return limits
    return (*limits, *(by_source.get(visit.source) or by_source[""]).attributes_for(visit))


def _within_limit(decision: Decision, request: Request, table: Table) -> Decision:
    """Apply the visit's limit of devices (R18), unless no device was named.

    Only a real login takes a free slot.
    """
    if (
        isinstance(decision, Rejected)
        or request.calling_station is None
        or decision.visit.max_devices is None
    ):
        return decision
    decided = decide_device(request, decision)
    if decided is not None:
        return decided
    has_room = len(decision.visit.devices) < decision.visit.max_devices
    answer = Answer.TAKEN if has_room else Answer.FULL
    return decide_by_answer(decision, answer, table)


def _devices_words(visit: FollowedVisit) -> str:
    """Who holds the slots of a limit."""
    most, held = visit.max_devices, visit.devices
    if most is None:
        return ""
    who = f": {', '.join(held)}" if held else ""
    return f" Devices: {len(held)} of {most}{who}."


def _wait_words(
    work: Reading, visit: FollowedVisit, question: Question, guard: Guard, at: datetime
) -> str:
    """Who has to wait, until when, and why."""
    found = get_visit(work, str(visit.id), None)
    device = None if question.device is None else mac_of(question.device.encode())
    wait = next((each for each in waits(guard, at) if each.visit_id == visit.id), None)
    mine = [each for each in (wait.tried if wait else ()) if each.device == device is not None]
    until = mine[0].until if mine else wait.until if wait else None
    why = (
        "too many wrong PINs came from this device"
        if mine and mine[0].guesses >= MOST_OF_A_DEVICE
        else "somebody else is guessing at this visit"
    )
    when = "" if until is None else f" until {show(until, found.location.zone)}"
    if device is None and has_open_device(guard, visit.id, at):
        when += " with a new device, but not with one that was on before"
    return (
        f"No: {found.name} (visit {visit.id}) has to wait{when}: {why}; {REMEDIES[Reason.GUARDED]}."
    )


def _explanation(work: Reading, decision: Decision) -> Explanation:
    if decision.visit is None:
        sentence = f"No: {LOGGED[decision.reason]}; {REMEDIES[decision.reason]}."
        return _of(decision, sentence)
    visit = get_visit(work, str(decision.visit.id), None)
    who = f"{visit.name} (visit {visit.id})"
    window = ""
    token = visit.token
    if token is not None and token.valid_from is not None and token.valid_until is not None:
        window = show_window(token.valid_from, token.valid_until, visit.location.zone)
    devices = _devices_words(decision.visit)
    if isinstance(decision, Accepted):
        return _of(decision, f"Yes: {who} gets on the Wi-Fi, {window}.{devices}")
    why = LOGGED[decision.reason] + (f" ({window})" if window else "")
    if decision.reason is Reason.WRONG_LOCATION:
        why = f"{LOGGED[decision.reason]}, {visit.location.name}"
    no = f"No: {who} gets no Wi-Fi because {why}; {REMEDIES[decision.reason]}."
    return _of(decision, no + devices)


def _of(decision: Decision, sentence: str) -> Explanation:
    return Explanation(
        visit_id=None if decision.visit is None else decision.visit.id,
        accepted=isinstance(decision, Accepted),
        reason=decision.reason,
        sentence=sentence,
    )


def _nobody(question: Question, table: Table) -> Explanation:
    elsewhere = {visit.location_id for visit in table.visits_of(email_key(question.email))}
    places = ", ".join(sorted(table.locations[number].name for number in elsewhere))
    only = f"at {question.location}, only at {places}" if places else "in the store"
    sentence = f"No: there is no visit of the e-mail {quoted(question.email)} {only};"
    return Explanation(
        visit_id=None,
        accepted=False,
        reason=Reason.UNKNOWN_USER,
        sentence=f"{sentence} {REMEDIES[Reason.UNKNOWN_USER]}.",
    )


def _nas(work: Reading, location: Location, question: Question) -> Nas:
    """The NAS of the question, or the only one of the location, or a made-up one."""
    if question.nas is not None:
        return get_nas(work, question.nas)
    there = list_nas(work, location)
    return there[0] if len(there) == 1 else _some_nas(location)


def _some_nas(location: Location) -> Nas:
    """A made-up NAS of that location."""
    return Nas(
        id=0,
        name="any",
        address=ipaddress.ip_network("127.0.0.1"),
        location=location,
        secret=b"",
        ssid=None,
        identifier=None,
        require_message_authenticator=True,
        limit_proxy_state=True,
    )
