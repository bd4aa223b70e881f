"""What an Accounting-Request says: its attributes read as a record (RFC 2866).

What pyrad would decode is not needed for that: the values are few, and their lengths are checked.
"""

from __future__ import annotations

import enum
import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from nexio.accounting import AccountingRecord, Status
from radius_auth.framing import Attribute, Discarded
from radius_auth.printable import device_for_log, printable, user_name_for_log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from radius_auth.access_request import Kind
    from radius_auth.framing import Frame
    from radius_auth.nas_index import Client


class Acct(enum.IntEnum):
    """Types of the attributes of accounting (RFC 2866 section 5, RFC 2869 section 5)."""

    STATUS_TYPE = 40
    DELAY_TIME = 41
    INPUT_OCTETS = 42
    OUTPUT_OCTETS = 43
    SESSION_ID = 44
    SESSION_TIME = 46
    TERMINATE_CAUSE = 49
    INPUT_GIGAWORDS = 52
    OUTPUT_GIGAWORDS = 53


class Unstorable(enum.StrEnum):
    """Why an Accounting-Request that verifies cannot become a record, and gets no answer."""

    LENGTH = "accounting attribute of a wrong length"
    REPEATED = "accounting attribute that may stand once stands twice"
    NO_STATUS = "no Acct-Status-Type"
    NO_SESSION = "no Acct-Session-Id"


LONGEST_DELAY: Final = timedelta(days=7)
LONGEST_SESSION: Final = timedelta(days=366)
"""A NAS that says more does not know; what it says of that is not used."""

SAME_WITHIN: Final = timedelta(minutes=10)
"""Two records that are equal within this time are one (RFC 2866 section 5.2)."""

_LARGEST: Final = 2**63 - 1
"""What the store holds of octets: 9 exabytes."""

_STATUS: Final = {1: Status.START, 2: Status.STOP, 7: Status.ON, 8: Status.OFF}
"""Whatever else a NAS tells of a session (3 is Interim-Update) is an update."""

_SINGLE: Final = (
    *Acct,
    Attribute.USER_NAME,
    Attribute.NAS_IP_ADDRESS,
    Attribute.NAS_IPV6_ADDRESS,
    Attribute.NAS_IDENTIFIER,
    Attribute.CALLING_STATION_ID,
    Attribute.CALLED_STATION_ID,
)
"""RFC 2866 section 5.13: 0-1 of each."""

_PASSING: Final = {Acct.DELAY_TIME, Attribute.PROXY_STATE, Attribute.MESSAGE_AUTHENTICATOR}
"""What differs between transmissions of the same record."""

_CLASS: Final = re.compile(rb"nexio/([0-9]{1,10})/([0-9]{1,10})/([0-9]{1,10})")
"""As our accepts send it: location, visit, token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An Accounting-Request that verifies, and where it came from."""

    frame: Frame
    client: Client
    source_address: str
    at: datetime


def read_accounting_request(
    arrival: Arrival, fixed_lengths: Mapping[Kind, int]
) -> AccountingRecord:
    """Read a verified Accounting-Request.

    Args:
        arrival: the packet.
        fixed_lengths: octets of each attribute that must have exactly so many.

    Raises:
        Discarded: see :class:`Unstorable`.
    """
    frame = arrival.frame
    _check(frame, fixed_lengths)
    status = _STATUS.get(_number(frame, Acct.STATUS_TYPE) or 0, Status.UPDATE)
    session = _first(frame, Acct.SESSION_ID) or b""
    if not session and status not in {Status.ON, Status.OFF}:
        raise Discarded(Unstorable.NO_SESSION)
    identifier, station = _first(frame, Attribute.NAS_IDENTIFIER), _station(frame)
    nas = arrival.client.narrow(_first(frame, Attribute.CALLED_STATION_ID), identifier)
    at, address = arrival.at - _delay(frame), _nas_address(frame)
    sender = _digest(arrival.source_address, identifier, address)
    location, visit, token = _claim(frame)
    return AccountingRecord(
        record_id=_record_id(sender, frame, at),
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
        session_id=printable(session),
        user_name=user_name_for_log(_first(frame, Attribute.USER_NAME) or b""),
        calling_station=None if station is None else printable(station),
        device=device_for_log(station),
        claimed_location=location,
        claimed_visit=visit,
        claimed_token=token,
        seconds=_seconds(frame),
        octets_in=_octets(frame, Acct.INPUT_OCTETS, Acct.INPUT_GIGAWORDS),
        octets_out=_octets(frame, Acct.OUTPUT_OCTETS, Acct.OUTPUT_GIGAWORDS),
        terminate_cause=_number(frame, Acct.TERMINATE_CAUSE) if status is Status.STOP else None,
    )


def _check(frame: Frame, fixed_lengths: Mapping[Kind, int]) -> None:
    """RFC 2866 section 5: with an invalid length in it, the whole request is discarded."""
    for kind, value in frame.attributes:
        if kind in fixed_lengths and len(value) != fixed_lengths[kind]:
            raise Discarded(Unstorable.LENGTH)
    for kind in _SINGLE:
        if len(frame.values(kind)) > 1:
            raise Discarded(Unstorable.REPEATED)
    if not frame.values(Acct.STATUS_TYPE):
        raise Discarded(Unstorable.NO_STATUS)


def _first(frame: Frame, kind: int) -> bytes | None:
    found = frame.values(kind)
    return found[0] if found else None


def _number(frame: Frame, kind: int) -> int | None:
    value = _first(frame, kind)
    return None if value is None else int.from_bytes(value)


def _station(frame: Frame) -> bytes | None:
    return _first(frame, Attribute.CALLING_STATION_ID)


def _name(arrival: Arrival, identifier: bytes | None) -> str:
    """What a NAS is called where no entry fits."""
    return printable(identifier) if identifier else arrival.source_address


def _delay(frame: Frame) -> timedelta:
    delay = timedelta(seconds=_number(frame, Acct.DELAY_TIME) or 0)
    return delay if delay <= LONGEST_DELAY else timedelta()


def _seconds(frame: Frame) -> int | None:
    seconds = _number(frame, Acct.SESSION_TIME)
    return None if seconds is None or seconds > LONGEST_SESSION.total_seconds() else seconds


def _octets(frame: Frame, low: Acct, high: Acct) -> int:
    """RFC 2869 section 5.1: how often the 32 bits of the octets ran over."""
    return min(_LARGEST, ((_number(frame, high) or 0) << 32) + (_number(frame, low) or 0))


def _nas_address(frame: Frame) -> str | None:
    """NAS-IP-Address, else NAS-IPv6-Address."""
    for kind in (Attribute.NAS_IP_ADDRESS, Attribute.NAS_IPV6_ADDRESS):
        value = _first(frame, kind)
        if value is not None:
            return str(ipaddress.ip_address(value))
    return None


def _claim(frame: Frame) -> tuple[int | None, int | None, int | None]:
    """Location, visit and token by the first Class that looks like one of ours."""
    for value in frame.values(Attribute.CLASS):
        if found := _CLASS.fullmatch(value):
            location, visit, token = map(int, found.groups())
            return location, visit, token
    return None, None, None


def _record_id(sender: str, frame: Frame, at: datetime) -> str:
    """RFC 2866 section 5.2: with another Acct-Delay-Time it is the same record.

    But a NAS that knows no time says Accounting-On in the same octets at every start.
    """
    rest = sorted(pair for pair in frame.attributes if pair[0] not in _PASSING)
    return _digest(sender, rest, at.timestamp() // SAME_WITHIN.total_seconds())


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
