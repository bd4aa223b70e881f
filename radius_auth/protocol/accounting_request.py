"""Reads the attributes of an Accounting-Request into a record (RFC 2866).

It does without pyrad's decoding: the values are few, and their lengths are checked.
"""

from __future__ import annotations

import enum
import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nexio.network.accounting_records import AccountingRecord, Status, seal_name
from nexio.network.counting import LARGEST_COUNT
from radius_auth.decision.devices import mac_of
from radius_auth.protocol.nas_clocks import LONGEST_DELAY
from radius_auth.protocol.packet import Acct, Attribute, Discarded
from radius_auth.protocol.printable import (
    device_for_log,
    is_as_sent,
    printable,
    station_for_log,
    user_name_for_log,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from radius_auth.protocol.nas_clocks import NasClocks
    from radius_auth.protocol.packet import Kind, Packet
    from radius_auth.replica.nas_index import Client
    from radius_auth.replica.table import Table


class Unstorable(enum.StrEnum):
    """Why an Accounting-Request that verifies cannot become a record, and gets no answer."""

    LENGTH = "accounting attribute of a wrong length"
    REPEATED = "accounting attribute that contradicts another one"
    NO_STATUS = "no Acct-Status-Type"
    NO_SESSION = "no Acct-Session-Id"


LONGEST_SESSION: Final = timedelta(days=366)
"""A NAS that reports more is wrong; the value is not used."""

_STATUS: Final = {
    1: Status.START,
    2: Status.STOP,
    3: Status.UPDATE,
    7: Status.ON,
    8: Status.OFF,
}
"""All other values (tunnels, Failed, vendor-specific ones) do not concern a session."""

_NEEDED: Final = frozenset(
    map(int, {*Acct, Attribute.NAS_IP_ADDRESS, Attribute.NAS_IPV6_ADDRESS} - {Acct.EVENT_TIMESTAMP})
)
"""Attributes that a record takes numbers and addresses from; no other one can make it invalid."""

_STAMP_OCTETS: Final = 4

_CLASS: Final = re.compile(rb"nexio/([0-9]{1,10})/([0-9]{1,10})/([0-9]{1,10})")
"""As in our accepts: location, visit, token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A verified Accounting-Request, and where it came from."""

    frame: Packet
    table: Table
    clocks: NasClocks
    client: Client
    source_address: str
    at: datetime


def read_accounting_request(
    arrival: Arrival, fixed_lengths: Mapping[Kind, int]
) -> AccountingRecord | None:
    """Read a verified Accounting-Request.

    Args:
        arrival: the packet.
        fixed_lengths: octets of each attribute of fixed length.

    Returns:
        The record; None if there is nothing to store: it does not concern a session, or is
        older than a NAS stores a record.

    Raises:
        Discarded: see :class:`Unstorable`.
    """
    frame = arrival.frame
    _check_lengths(frame, fixed_lengths)
    status_value = _only(frame, Acct.STATUS_TYPE)
    if status_value is None:
        raise Discarded(Unstorable.NO_STATUS)
    status = _STATUS.get(int.from_bytes(status_value))
    if status is None:
        return None
    session = _only(frame, Acct.SESSION_ID) or b""
    if not session and status not in {Status.ON, Status.OFF}:
        raise Discarded(Unstorable.NO_SESSION)
    identifier, station = _first(frame, Attribute.NAS_IDENTIFIER), _station(frame)
    location, visit, token = _claim(frame)
    nas = _entry(arrival, identifier, _visit_of(arrival, (location, visit, token)))
    octets_in, octets_out = (
        _octets(frame, Acct.INPUT_OCTETS, Acct.INPUT_GIGAWORDS),
        _octets(frame, Acct.OUTPUT_OCTETS, Acct.OUTPUT_GIGAWORDS),
    )
    if nas is not None and nas.counts_for_client:
        octets_in, octets_out = octets_out, octets_in
    address = _nas_address(frame)
    sender = _sender(arrival.source_address, identifier, address)
    at = arrival.clocks.time_of(sender, arrival.at - _delay(frame), _stamp(frame))
    if at is None:
        return None
    name = _first(frame, Attribute.USER_NAME) or b""
    behind = arrival.clocks.behind(sender)
    shown = printable(session)
    return AccountingRecord(
        at=at,
        status=status.value,
        sender=sender,
        key=_digest(sender, session),
        nas_id=None if nas is None else nas.id,
        nas=_name(arrival, identifier) if nas is None else nas.name,
        location_id=None if nas is None else nas.location.id,
        source_address=arrival.source_address,
        nas_identifier=None if identifier is None else printable(identifier),
        nas_address=address,
        session_id=shown,
        session_id_hex=None if is_as_sent(shown) else session.hex(),
        clock_behind=None if behind is None else round(behind.total_seconds()),
        user_name=user_name_for_log(name, arrival.table.visits_of),
        user_name_sealed=seal_name(arrival.table.keyring, name) if name else None,
        calling_station=None if station is None else station_for_log(station),
        device=device_for_log(station),
        claimed_location=location,
        claimed_visit=visit,
        claimed_token=token,
        seconds=_seconds(frame),
        octets_in=octets_in,
        octets_out=octets_out,
        terminate_cause=_largest(frame, Acct.TERMINATE_CAUSE) if status is Status.STOP else None,
    )


def _check_lengths(frame: Packet, fixed_lengths: Mapping[Kind, int]) -> None:
    """Discard the whole request if it has an invalid length (RFC 2866 section 5)."""
    for kind, values in frame.by_type.items():
        if kind in _NEEDED and kind in fixed_lengths:
            length = fixed_lengths[kind]
            for value in values:
                if len(value) != length:
                    raise Discarded(Unstorable.LENGTH)


def _only(frame: Packet, kind: int) -> bytes | None:
    """The single value of an attribute: a record is of one kind and of one session.

    Raises:
        Discarded: it has two different values.
    """
    found = frame.values(kind)
    if len(found) > 1 and len(set(found)) > 1:
        raise Discarded(Unstorable.REPEATED)
    return found[0] if found else None


def _first(frame: Packet, kind: int) -> bytes | None:
    found = frame.values(kind)
    return found[0] if found else None


def _largest(frame: Packet, kind: int) -> int | None:
    """A number; of several the largest, as counters only grow."""
    found = frame.values(kind)
    return max(map(int.from_bytes, found)) if found else None


def _station(frame: Packet) -> bytes | None:
    """Calling-Station-Id; of several the one that is a MAC, and None for two devices."""
    found = frame.values(Attribute.CALLING_STATION_ID)
    macs = {mac_of(value): value for value in reversed(found)}
    macs.pop(None, None)
    if len(macs) > 1:
        return None
    return next(iter(macs.values()), found[0] if found else None)


def _entry(arrival: Arrival, identifier: bytes | None, visit: FollowedVisit | None) -> Nas | None:
    """The entry of its NAS; None if none fits, or two SSIDs lead to two locations.

    Some NAS name the SSID in Access-Requests only.  Then the visitor's own location decides,
    if it has an entry at this address.
    """
    if arrival.client.only is not None:
        return arrival.client.only
    called: list[bytes | None] = [*arrival.frame.values(Attribute.CALLED_STATION_ID)] or [None]
    fitting = [arrival.client.narrow(each, identifier) for each in called]
    entries = [nas for nas in fitting if nas is not None]
    found = entries[0] if len({nas.location.id for nas in entries}) == 1 else None
    if visit is None or (found is not None and _admits(found, visit)):
        return found
    own = (nas for nas in arrival.client.entries if nas.location.id == visit.location_id)
    return next(own, found)


def _admits(nas: Nas, visit: FollowedVisit) -> bool:
    return nas.location.id == visit.location_id or nas.location.settings.roaming


def _visit_of(arrival: Arrival, claim: tuple[int | None, ...]) -> FollowedVisit | None:
    """The visit that a Class names, if its parts match."""
    visit = None if claim[1] is None else arrival.table.find_visit(claim[1])
    known = visit is not None and claim == (visit.location_id, visit.id, visit.token_id)
    return visit if known else None


def _name(arrival: Arrival, identifier: bytes | None) -> str:
    """The name of a NAS for which no entry fits."""
    return printable(identifier) if identifier else arrival.source_address


def _delay(frame: Packet) -> timedelta:
    delay = timedelta(seconds=_largest(frame, Acct.DELAY_TIME) or 0)
    return delay if delay <= LONGEST_DELAY else timedelta()


def _stamp(frame: Packet) -> int | None:
    """Event-Timestamp, by the clock of the NAS; a NAS whose clock is not set sends 0."""
    stamps = set(frame.values(Acct.EVENT_TIMESTAMP))
    stamp = stamps.pop() if len(stamps) == 1 else b""
    return int.from_bytes(stamp) or None if len(stamp) == _STAMP_OCTETS else None


def _seconds(frame: Packet) -> int | None:
    seconds = _largest(frame, Acct.SESSION_TIME)
    return None if seconds is None or seconds > LONGEST_SESSION.total_seconds() else seconds


def _octets(frame: Packet, low: Acct, high: Acct) -> int | None:
    """A counter of octets: Gigawords count the overflows of its 32 bits (RFC 2869 section 5.1)."""
    below, above = _largest(frame, low), _largest(frame, high)
    if below is None and above is None:
        return None
    return min(LARGEST_COUNT, ((above or 0) << 32) + (below or 0))


def _nas_address(frame: Packet) -> str | None:
    """NAS-IP-Address, else NAS-IPv6-Address."""
    for kind in (Attribute.NAS_IP_ADDRESS, Attribute.NAS_IPV6_ADDRESS):
        value = _first(frame, kind)
        if value is not None:
            return _address_as_text(value)
    return None


@lru_cache(maxsize=4096)
def _address_as_text(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets))


def _claim(frame: Packet) -> tuple[int | None, int | None, int | None]:
    """Location, visit and token of the first Class that looks like ours."""
    for value in frame.values(Attribute.CLASS):
        if found := _CLASS.fullmatch(value):
            location, visit, token = map(int, found.groups())
            return location, visit, token
    return None, None, None


@lru_cache(maxsize=4096)
def _sender(source_address: str, identifier: bytes | None, address: str | None) -> str:
    return _digest(source_address, identifier, address)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
