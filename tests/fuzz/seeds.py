"""Packets to start from: those of the RFCs, and one of each kind that a NAS sends."""

from __future__ import annotations

import functools
import json
from importlib import resources

from radius_auth.protocol.packet import Acct, Attribute, Code
from tests.support.radius.access_requests import access_request, chap_attributes
from tests.support.radius.accounting_requests import (
    OFF,
    ON,
    START,
    STOP,
    UPDATE,
    accounting_request,
)
from tests.support.radius.guests import PIN
from tests.support.radius.signing import unsigned

EAP = b"\x02\0\0\x05\x01"
MS_CHAP = b"\0\0\x01\x37\x19\x34" + bytes(50)
CISCO = b"\0\0\0\x09\x01\x19audit-session-id=00ff00"
FROM_A_PHONE = {
    4: [b"\xc0\0\x02\x0a"],
    Attribute.NAS_PORT: [b"\0\0\0\x01"],
    Attribute.SERVICE_TYPE: [b"\0\0\0\x02"],
    Attribute.CALLED_STATION_ID: [b"02-00-00-00-00-FF:Harbour Guests"],
    Attribute.CALLING_STATION_ID: [b"02-00-00-00-00-01"],
    Attribute.NAS_IDENTIFIER: [b"lobby"],
    Attribute.NAS_PORT_TYPE: [b"\0\0\0\x13"],
    26: [CISCO, CISCO],
    44: [b"5F00A1B2"],
}


TRAFFIC = {
    Acct.DELAY_TIME: [b"\0\0\0\x05"],
    Acct.INPUT_OCTETS: [b"\xff\xff\xff\xff"],
    Acct.OUTPUT_OCTETS: [b"\0\0\0\x09"],
    Acct.INPUT_GIGAWORDS: [b"\0\0\0\x02"],
    Attribute.CLASS: [b"nexio/1/1/101", b"another"],
    Attribute.PROXY_STATE: [b"1"],
}


def accounting_seeds() -> list[bytes]:
    """What a NAS tells of sessions, and whether accounting is there."""
    told = [
        accounting_request(status, attributes=told, signed=signed)
        for status in (START, STOP, UPDATE, ON, OFF)
        for told in (FROM_A_PHONE, TRAFFIC)
        for signed in (True, False)
    ]
    status = access_request(None, None, authenticator=bytes(range(16)))
    return [*told, bytes([Code.STATUS_SERVER]) + status[1:]]


def seeds() -> list[bytes]:
    """What is for the authentication port, signed with the secret that the test guests share."""
    vectors = resources.files("tests.support.radius") / "rfc_vectors.json"
    exchanges = json.loads(vectors.read_text())["exchanges"]
    ask = functools.partial(access_request, authenticator=bytes(range(16)))
    status = ask(None, None)
    return [
        *(bytes.fromhex(exchange["request"]) for exchange in exchanges),
        ask(),
        ask(signed=False),
        ask(password=b"wrong"),
        ask(PIN, PIN.encode(), attributes=FROM_A_PHONE),
        ask("nobody@example.com", attributes=FROM_A_PHONE),
        ask(attributes={Attribute.PROXY_STATE: [b"1", b"22", b""]}),
        ask(password=None, attributes=chap_attributes()),
        ask(password=None, attributes={26: [MS_CHAP]}),
        ask(password=None, attributes={Attribute.EAP_MESSAGE: [EAP, EAP]}),
        bytes([Code.STATUS_SERVER]) + status[1:],
        unsigned((b"\x21\xff" + bytes(253)) * 15 + b"\x21\xfb" + bytes(249)),  # 4096 octets
    ]
