"""Every kind of reply of ours, read by a program that is not ours and checks all it can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pyrad.packet import CoAPacket

from nexio.network.following import FollowedVisit
from radius_auth.protocol.packet import Attribute, Code, read_packet
from radius_auth.protocol.pyrad_codec import encode_disconnect_request
from radius_auth.protocol.replies import encode_accounting_response
from tests.support.radius.access_requests import DICTIONARY, EAP, access_request, chap_attributes
from tests.support.radius.accounting_requests import accounting_request
from tests.support.radius.captures import Exchange, complaints, read_by_tshark, write_capture
from tests.support.radius.guests import NINE, SECOND, SECRET, nas, visit
from tests.support.radius.responder import LONGEST_DELAY, Server
from tests.support.radius.signing import status_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROXIED: dict[int, list[bytes]] = {Attribute.PROXY_STATE: [b"one", b"\0two\xff", b"0x33"]}
ENDED = visit(valid_until=NINE + SECOND)


def exchange(datagram: bytes, held: FollowedVisit | None = None) -> Exchange:
    """A request to a server with one visit, and its reply, whenever it comes."""
    lenient = nas(require_message_authenticator=False)
    server = Server(held or visit(), nas_entries=(lenient,))
    reply = server.receive(datagram)
    if reply is None:
        ((reply, _),) = server.wait(LONGEST_DELAY)
    return Exchange(request=datagram, reply=reply)


def accounted(datagram: bytes) -> Exchange:
    """An Accounting-Request and its answer."""
    reply = encode_accounting_response(read_packet(datagram), SECRET)
    return Exchange(request=datagram, reply=reply, port=1813)


def disconnected(code: Code) -> Exchange:
    """A Disconnect-Request of ours and what a NAS says to it (RFC 5176)."""
    session: dict[str, str | int] = {
        "User-Name": "zoe@example.com",
        "Acct-Session-Id": "5F00A1B2",
        "Calling-Station-Id": "02-00-00-00-00-01",
        "NAS-Identifier": "lobby",
    }
    request = encode_disconnect_request(SECRET, 7, session)
    asked = CoAPacket(packet=request, secret=SECRET, dict=DICTIONARY)
    answer = asked.CreateReply()
    answer.code = code
    reply: bytes = answer.ReplyPacket()
    return Exchange(request=request, reply=reply, port=3799)


ODD_REQUESTS = {"reject beside EAP"}
"""The EAP in it is not what tshark would call EAP; our reply is what is read here."""

KINDS: dict[str, Callable[[], Exchange]] = {
    "accept": lambda: exchange(access_request()),
    "accept with Proxy-State": lambda: exchange(access_request(attributes=PROXIED)),
    "accept by CHAP": lambda: exchange(access_request(password=None, attributes=chap_attributes())),
    "accept of an unsigned request": lambda: exchange(access_request(signed=False)),
    "reject": lambda: exchange(access_request(password=b"wrong")),
    "reject with words": lambda: exchange(access_request(), ENDED),
    "reject with Proxy-State": lambda: exchange(access_request(attributes=PROXIED), ENDED),
    "reject beside EAP": lambda: exchange(access_request(password=None, attributes=EAP), ENDED),
    "status": lambda: exchange(status_server()),
    "accounting": lambda: accounted(accounting_request(attributes=PROXIED)),
    "disconnect": lambda: disconnected(Code.DISCONNECT_ACK),
    "no disconnect": lambda: disconnected(Code.DISCONNECT_NAK),
}


Layers = dict[str, Any]


@pytest.fixture(scope="module")
def read(
    programs: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Layers, Layers]]:
    """Each exchange as tshark shows it."""
    path = tmp_path_factory.mktemp("tshark") / "radius.pcap"
    write_capture(path, [make() for make in KINDS.values()])
    packets = iter(read_by_tshark(path, SECRET))
    return {kind: (next(packets), next(packets)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_tshark_has_no_complaint(kind: str, read: dict[str, tuple[Layers, Layers]]) -> None:
    """RFC 2865 section 3: attributes are whole, and the Response Authenticator is right."""
    asked, answered = read[kind]
    assert list(complaints(answered)) == []
    assert kind in ODD_REQUESTS or list(complaints(asked)) == []
    if kind != "status":  # tshark 4.0 does not know that its reply is a reply
        assert answered["radius"]["radius.authenticator_tree"] == {
            "radius.authenticator.valid": "1",
            "radius.authenticator.invalid": "0",
        }


def test_tshark_reads_what_we_mean(read: dict[str, tuple[Layers, Layers]]) -> None:
    """R11, R12: time, Class and words are what it shows, too."""
    assert attributes(read["accept"]) >= {
        ("radius.Session_Timeout", "1800"),
        ("radius.Class", b"nexio/1/1/101".hex(":")),
    }
    words = ("radius.Reply_Message", "Your Wi-Fi access ended at 09:00.")
    assert words in attributes(read["reject with words"])
    assert "radius.Reply_Message" not in dict(attributes(read["reject beside EAP"]))


def attributes(exchange: tuple[Layers, Layers]) -> set[tuple[str, str]]:
    """Names and values of the reply's attributes."""
    pairs = exchange[1]["radius"]["Attribute Value Pairs"]["radius.avp_tree"]
    trees = pairs if isinstance(pairs, list) else [pairs]
    return {
        (name, value) for tree in trees for name, value in tree.items() if isinstance(value, str)
    }


@pytest.mark.parametrize("position", [21, 22, 60])
def test_tshark_would_complain(programs: None, position: int, tmp_path: Path) -> None:
    """What holds the tests above: a changed Length of an attribute or value is seen."""
    right = exchange(access_request(attributes=PROXIED))
    spoilt = bytearray(right.reply)
    spoilt[position] ^= 0x81
    path = tmp_path / "spoilt.pcap"
    write_capture(path, [replace(right, reply=bytes(spoilt))])

    assert list(complaints(read_by_tshark(path, SECRET)[1]))
