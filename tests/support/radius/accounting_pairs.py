"""A stand-in for FreeRADIUS: an Accounting-Request as its policy ``nexio_account`` hands it over.

``test_accounting_conformance`` sends such requests to the real one.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from radius_auth.plugin.calls import Stage
from radius_auth.protocol.packet import Acct, Attribute, read_packet
from tests.support.radius.virtual_server import at

if TYPE_CHECKING:
    from radius_auth.plugin.pairs import Pairs

OCTETS: Final[dict[int, str]] = {
    Attribute.USER_NAME: "Tmp-Octets-1",
    Attribute.CALLED_STATION_ID: "Tmp-Octets-2",
    Attribute.CALLING_STATION_ID: "Tmp-Octets-3",
    Attribute.NAS_IDENTIFIER: "Tmp-Octets-4",
    Acct.SESSION_ID: "Tmp-Octets-5",
    Acct.EVENT_TIMESTAMP: "Tmp-Octets-6",
}
"""Of these FreeRADIUS hands over two values at most."""

MARKED: Final[dict[int, str]] = {
    Acct.SESSION_ID: "Tmp-String-4",
    Attribute.USER_NAME: "Tmp-String-5",
    Attribute.CALLED_STATION_ID: "Tmp-String-6",
    Attribute.CALLING_STATION_ID: "Tmp-String-7",
    Attribute.NAS_IDENTIFIER: "Tmp-String-8",
}
"""The same where one of them begins with ``0x``."""

NUMBERS: Final[dict[int, str]] = {
    Acct.STATUS_TYPE: "Tmp-Integer-0",
    Acct.TERMINATE_CAUSE: "Tmp-Integer-1",
    Acct.DELAY_TIME: "Acct-Delay-Time",
    Acct.INPUT_OCTETS: "Acct-Input-Octets",
    Acct.OUTPUT_OCTETS: "Acct-Output-Octets",
    Acct.SESSION_TIME: "Acct-Session-Time",
    Acct.INPUT_GIGAWORDS: "Acct-Input-Gigawords",
    Acct.OUTPUT_GIGAWORDS: "Acct-Output-Gigawords",
}
ADDRESSES: Final[dict[int, tuple[str, int]]] = {
    Attribute.NAS_IP_ADDRESS: ("NAS-IP-Address", 4),
    Attribute.NAS_IPV6_ADDRESS: ("NAS-IPv6-Address", 16),
}


def as_freeradius(datagram: bytes, host: str = "127.0.0.1") -> Pairs:
    """What the plugin gets of a request."""
    received = read_packet(datagram)
    pairs = [*at(Stage.ACCOUNTING, host), ("Tmp-Octets-0", f"0x{received.authenticator.hex()}")]
    for kind, value in received.attributes:
        written = f"0x{value.hex()}"
        stamp = kind == Acct.EVENT_TIMESTAMP and len(value) != 4
        if not value:  # it drops what is empty
            continue
        if kind in MARKED and any(each.startswith(b"0x") for each in received.values(kind)):
            pairs.append((MARKED[kind], (b"=" + value).hex()))
        elif kind in OCTETS and not stamp:
            pairs.append((OCTETS[kind], written))
        elif kind == Attribute.CLASS:
            pairs.append(("Class", written))
        elif kind in NUMBERS and len(value) == 4:
            pairs.append((NUMBERS[kind], str(int.from_bytes(value))))
        elif kind in ADDRESSES and len(value) == ADDRESSES[kind][1]:
            pairs.append((ADDRESSES[kind][0], str(ipaddress.ip_address(value))))
        elif stamp or kind in {*NUMBERS, *ADDRESSES}:
            pairs.append((f"Attr-{kind}", written))
        elif kind in {11, 18, 87}:  # texts that the plugin does not need stay where they are
            pairs.append((f"Filter-Id-{kind}", "as it is"))
    return tuple(pairs)
