"""Access-Requests in and replies out, against RFC vectors and pyrad's own client."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyrad.client import Client
from pyrad.dictionary import Dictionary
from pyrad.packet import AuthPacket

from radius_auth.decision.passwords import Chap, Pap
from radius_auth.decision.request import Request
from radius_auth.decision.rules import VIRTUAL_PORT
from radius_auth.protocol.authenticators import check_message_authenticator, check_policy
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Attribute, Discarded, Malformed, Packet, read_packet
from radius_auth.protocol.replies import encode_accept, encode_reject
from tests.support.radius.access_requests import read
from tests.support.radius.datagrams import join, packet
from tests.support.radius.guests import EMAIL

SECRET = b"a secret of the hotel"
VECTORS: dict[str, Any] = json.loads(
    (resources.files("tests.support.radius") / "rfc_vectors.json").read_text()
)
EXCHANGES: dict[str, dict[str, Any]] = {
    f"{exchange['source']}": exchange for exchange in VECTORS["exchanges"]
}
# The vector of section 7.3b gives this State a length of 0x10; the packet's Length of 67
# leaves room for ten octets.
MISPRINTED_STATE, STATE = b"\x18\x1032769430", b"\x18\x0a32769430"
DICTIONARY = Dictionary(str(resources.files("radius_auth.protocol") / "dictionary"))

Change = Callable[[AuthPacket], None]


def unchanged(request: AuthPacket) -> None:
    """Send the request as it is."""


def request_of(change: Change = unchanged, *, signed: bool = True) -> Packet:
    """Build an Access-Request with pyrad's client; by default it has no attributes."""
    client = Client("192.0.2.1", secret=SECRET, dict=DICTIONARY)
    request = client.CreateAuthPacket(message_authenticator=signed)
    request.authenticator = request.CreateAuthenticator()
    change(request)
    return read_packet(request.RequestPacket())


def decoded(change: Change) -> Request:
    """Build a request and decode it."""
    return read(request_of(change), SECRET)


def raw(values: dict[int, list[bytes]]) -> Change:
    """Put raw values into a request."""

    def change(request: AuthPacket) -> None:
        for kind, octets in values.items():
            request[kind] = octets

    return change


def with_password(password: bytes) -> Change:
    """Put an encrypted User-Password into a request."""

    def change(request: AuthPacket) -> None:
        request[Attribute.USER_PASSWORD] = [request.PwCrypt(password)]

    return change


Reply = Callable[[Packet, bytes], bytes]


def accept(request: Packet, secret: bytes) -> bytes:
    """An accept for 3599 seconds."""
    return encode_accept(request, secret, 3599, b"0x31")


def reject(request: Packet, secret: bytes) -> bytes:
    """A reject with words."""
    return encode_reject(request, secret, "Your Wi-Fi access starts at 09:00.")


def reply_to(request: Packet, reply: Reply) -> Packet:
    """Encode a reply, check it as a NAS would, and take it apart."""
    octets = reply(request, SECRET)
    asked = AuthPacket(packet=request.octets, secret=SECRET, dict=DICTIONARY)
    assert asked.VerifyReply(asked.CreateReply(packet=octets), octets, enforce_ma=True)
    return read_packet(octets)


# RFC vectors


@pytest.mark.parametrize("source", ["RFC 2865 7.1", "RFC 2865 7.3a", "RFC 2865 7.3b"])
def test_the_passwords_of_the_rfc_come_out(source: str) -> None:
    """Must 6: User-Password is decrypted as RFC 2865 section 5.2 says."""
    exchange = EXCHANGES[source]
    octets = bytes.fromhex(exchange["request"]).replace(MISPRINTED_STATE, STATE)

    request = read(read_packet(octets), exchange["secret"].encode())

    assert request.user_name == exchange["user"].encode()
    assert request.password == Pap(exchange["password"].encode())
    assert not request.contradictory


def test_the_misprinted_packet_of_the_rfc_is_malformed() -> None:
    """Must 4: an attribute beyond the end is discarded; pyrad alone would cut its value."""
    octets = bytes.fromhex(EXCHANGES["RFC 2865 7.3b"]["request"])
    assert AuthPacket(packet=octets, dict=DICTIONARY)[Attribute.STATE] == [b"32769430"]

    with pytest.raises(Malformed):
        read_packet(octets)


def test_the_chap_response_of_the_rfc_verifies() -> None:
    """Must 6: the challenge is the Request Authenticator where there is no CHAP-Challenge."""
    exchange = EXCHANGES["RFC 2865 7.2"]

    request = read(read_packet(bytes.fromhex(exchange["request"])), exchange["secret"].encode())

    chap = request.password
    assert isinstance(chap, Chap)
    assert chap.ident == 0x16
    assert chap.challenge == bytes.fromhex(exchange["request"])[4:20]
    hashed = bytes([chap.ident]) + b"arctangent" + chap.challenge
    assert hashlib.md5(hashed).digest() == chap.response
    assert request.user_name == b"flopsy"


@pytest.mark.parametrize("source", ["RFC 5997 6.1", "RFC 5997 6.2", "RFC 5997 6.3"])
def test_the_message_authenticators_of_the_rfc_verify(source: str) -> None:
    """Must 11: with the right secret they pass, with another one they do not."""
    exchange = EXCHANGES[source]
    status_server = read_packet(bytes.fromhex(exchange["request"]))

    check_message_authenticator(status_server, exchange["secret"].encode())
    with pytest.raises(Discarded):
        check_message_authenticator(status_server, b"another secret")


@pytest.mark.parametrize("vector", VECTORS["hmac_md5_rfc2202"])
def test_hmac_md5_is_that_of_the_rfc(vector: dict[str, str]) -> None:
    """Must 11: this machine's HMAC-MD5, which pyrad uses, is RFC 2202's."""
    key, data = bytes.fromhex(vector["key"]), bytes.fromhex(vector["data"])

    assert hmac.new(key, data, "md5").hexdigest() == vector["digest"]


def test_the_response_authenticator_is_that_of_the_rfc() -> None:
    """Must 6: MD5 over code, Identifier, Length, Request Authenticator, attributes, secret."""
    request = request_of(with_password(b"482913"))
    reply = reject(request, SECRET)

    signed = reply[:4] + request.authenticator + reply[20:] + SECRET
    assert hashlib.md5(signed).digest() == reply[4:20]


# Message-Authenticator


def replaced(request: Packet, values: Iterable[tuple[int, bytes]]) -> Packet:
    """Give a request other attributes without signing it again."""
    return read_packet(packet(join(list(values))).replace(packet()[4:20], request.authenticator))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([(80, bytes(16))], DiscardReason.MESSAGE_AUTHENTICATOR_WRONG),
        ([(80, bytes(15))], DiscardReason.MESSAGE_AUTHENTICATOR_LENGTH),
        ([(80, b"")], DiscardReason.MESSAGE_AUTHENTICATOR_LENGTH),
        ([(80, bytes(16)), (80, bytes(16))], DiscardReason.MESSAGE_AUTHENTICATOR_REPEATED),
        ([(79, b"eap")], DiscardReason.MESSAGE_AUTHENTICATOR_MISSING),
    ],
)
def test_a_bad_message_authenticator_is_discarded(
    values: list[tuple[int, bytes]], reason: DiscardReason
) -> None:
    """Must 11 and 13: wrong, of a wrong length, twice, or missing beside EAP-Message."""
    with pytest.raises(Discarded) as discarded:
        read(replaced(request_of(), values), SECRET)

    assert discarded.value.reason is reason


def test_a_second_message_authenticator_is_discarded_where_the_first_is_right() -> None:
    """Must 11: pyrad alone would look at the first one only."""

    def twice(request: AuthPacket) -> None:
        request[Attribute.MESSAGE_AUTHENTICATOR] = [bytes(16), bytes(16)]

    unsigned = request_of(twice, signed=False)
    digest = hmac.new(SECRET, unsigned.octets, "md5").digest()
    signed = read_packet(unsigned.octets[:22] + digest + unsigned.octets[38:])
    assert AuthPacket(
        packet=signed.octets, secret=SECRET, dict=DICTIONARY
    ).verify_message_authenticator()

    with pytest.raises(Discarded):
        read(signed, SECRET)


def test_a_message_authenticator_at_the_end_verifies() -> None:
    """Must 11: where it stands in a request does not matter."""

    def last(request: AuthPacket) -> None:
        request[Attribute.USER_NAME] = [b"jane@example.com"]
        request[Attribute.MESSAGE_AUTHENTICATOR] = [bytes(16)]

    request = request_of(last)
    assert request.attributes[-1][0] == Attribute.MESSAGE_AUTHENTICATOR

    check_message_authenticator(request, SECRET)


def test_a_status_server_without_message_authenticator_is_discarded() -> None:
    """Must 13: RFC 5997 section 3 asks for one."""
    with pytest.raises(Discarded):
        check_message_authenticator(read_packet(packet(code=12)), SECRET)


PROXIED = raw({Attribute.PROXY_STATE: [b"proxy"]})


@pytest.mark.parametrize(
    ("change", "signed", "required", "limited", "reason"),
    [
        (unchanged, True, True, True, None),
        (PROXIED, True, True, True, None),
        (unchanged, False, True, False, DiscardReason.MESSAGE_AUTHENTICATOR_MISSING),
        (unchanged, False, False, True, None),
        (PROXIED, False, False, True, DiscardReason.PROXY_STATE_UNPROTECTED),
        (PROXIED, False, False, False, None),
    ],
)
def test_must_12_the_policy_of_the_nas(
    change: Change, signed: bool, required: bool, limited: bool, reason: DiscardReason | None
) -> None:
    """Must 12: require Message-Authenticator, or else limit Proxy-State."""
    outcome = None
    try:
        check_policy(
            request_of(change, signed=signed),
            require_message_authenticator=required,
            limit_proxy_state=limited,
        )
    except Discarded as discarded:
        outcome = discarded.reason

    assert outcome is reason


# What an Access-Request says


def test_must_05_an_octet_that_is_not_utf8_stays_in_the_password() -> None:
    r"""Must 5: pyrad alone would take 12\xff34 for the PIN 1234."""
    assert decoded(with_password(b"12\xff34")).password == Pap(b"12\xff34")


@given(st.binary(max_size=128))
@example(b"\x0012\x0034\x00")
def test_any_password_comes_out_without_its_trailing_nuls(password: bytes) -> None:
    """Must 5: embedded NULs and invalid UTF-8 are part of a password."""
    request = decoded(with_password(password))

    assert request.password == Pap(password.rstrip(b"\0"))
    assert not request.contradictory


def test_identity_is_read_as_raw_octets() -> None:
    """Must 5: neither invalid UTF-8 nor unknown attributes nor order do any harm."""
    request = decoded(
        raw(
            {
                200: [b"unknown"],
                Attribute.CALLING_STATION_ID: [b"02-00-00-00-00-01"],
                Attribute.NAS_PORT_TYPE: [b"\0\0\0\x13"],
                Attribute.SERVICE_TYPE: [b"\0\0\0\x0a"],
                26: [b"\0\0\0\x09broken"],
                Attribute.CALLED_STATION_ID: [b"02-00-00-00-00-FF:Caf\xe9"],
                Attribute.NAS_IDENTIFIER: [b"lobby\0"],
                Attribute.USER_NAME: [b"0x31\xff"],
            }
        )
    )

    assert request.user_name == b"0x31\xff"
    assert request.calling_station == b"02-00-00-00-00-01"
    assert request.nas_identifier == b"lobby\0"
    assert (request.service_type, request.nas_port_type) == (10, 19)
    assert not request.contradictory


def test_an_empty_request_is_not_an_error() -> None:
    """Must 6: a request without anything is valid, and will be rejected."""
    request = read(request_of(signed=False), SECRET)

    assert request.user_name == b""
    assert request.password is None
    assert not request.contradictory


def test_a_chap_challenge_is_used_where_it_is_sent() -> None:
    """Must 6: RFC 2865 section 5.40."""
    request = decoded(
        raw({Attribute.CHAP_PASSWORD: [b"\x07" + b"r" * 16], Attribute.CHAP_CHALLENGE: [b"12345"]})
    )

    assert isinstance(request.password, Chap)
    assert request.password.challenge == b"12345"


@pytest.mark.parametrize("kind", [1, 25])
def test_ms_chap_is_recognised(kind: int) -> None:
    """Must 6: a method that cannot be served is known as one, and rejected."""
    value = b"\0\0\x01\x37" + bytes([kind, 52]) + bytes(50)

    request = decoded(raw({26: [value]}))
    assert request.password is None
    assert not request.contradictory
    assert decoded(raw({26: [value], Attribute.USER_PASSWORD: [bytes(16)]})).contradictory


def test_eap_is_recognised() -> None:
    """Must 6: EAP at the pyrad server is rejected."""
    request = decoded(raw({Attribute.EAP_MESSAGE: [b"\x02\0\0\x05\x01", b"more"]}))

    assert request.password is None
    assert not request.contradictory


MS_CHAP = [b"\0\0\x01\x37" + bytes([kind, 52]) + bytes(50) for kind in (1, 25)]
MAC, SAME_MAC, OTHER_MAC = b"02-00-00-AB-CD-EF", b"0200.00ab.cdef", b"02-00-00-00-00-01"
FRAMED, LOGIN, ADMINISTRATIVE = bytes(3) + b"\2", bytes(3) + b"\1", bytes(3) + b"\6"
VIRTUAL, WIRELESS = bytes(3) + b"\5", bytes(3) + b"\x13"


@pytest.mark.parametrize(
    "values",
    [
        {Attribute.USER_PASSWORD: [bytes(16)], Attribute.CHAP_PASSWORD: [bytes(17)]},
        {Attribute.USER_PASSWORD: [bytes(16)], Attribute.EAP_MESSAGE: [b"eap"]},
        {Attribute.USER_PASSWORD: [bytes(16)], Attribute.EAP_MESSAGE: [b""]},
        {Attribute.CHAP_PASSWORD: [bytes(17)], Attribute.EAP_MESSAGE: [b"eap"]},
        {Attribute.USER_PASSWORD: [bytes(16)], 26: [MS_CHAP[0]]},
        {Attribute.USER_PASSWORD: [bytes(16)], 26: [MS_CHAP[1]]},
        {Attribute.CHAP_PASSWORD: [bytes(17)], 26: [MS_CHAP[1]]},
        {Attribute.EAP_MESSAGE: [b"eap"], 26: [MS_CHAP[1]]},
        {26: MS_CHAP},
        {26: [MS_CHAP[1]] * 2},
        {Attribute.USER_PASSWORD: [bytes(16), bytes(16)]},
        {Attribute.CHAP_PASSWORD: [bytes(17)] * 2},
        {Attribute.USER_NAME: [b"a", b"b"]},
        {Attribute.CHAP_PASSWORD: [bytes(17)], Attribute.CHAP_CHALLENGE: [bytes(16), bytes(15)]},
        {Attribute.SERVICE_TYPE: [FRAMED, ADMINISTRATIVE]},
        {Attribute.CALLING_STATION_ID: [MAC, OTHER_MAC]},
    ],
)
def test_a_contradictory_request_is_recognised(values: dict[int, list[bytes]]) -> None:
    """Must 7: one method at most, and one meaning of what the decision needs."""
    assert decoded(raw(values)).contradictory


@pytest.mark.parametrize(
    "values",
    [
        {Attribute.USER_NAME: [EMAIL.encode(), EMAIL.upper().encode()]},
        {Attribute.CALLING_STATION_ID: [MAC, SAME_MAC]},
        {Attribute.CALLING_STATION_ID: [b"192.0.2.7", MAC]},
        {Attribute.CALLING_STATION_ID: [b"192.0.2.7", b"\xff"]},
        {Attribute.SERVICE_TYPE: [FRAMED, LOGIN]},
        {Attribute.SERVICE_TYPE: [FRAMED, FRAMED]},
        {Attribute.NAS_PORT_TYPE: [VIRTUAL, WIRELESS]},
        {Attribute.NAS_PORT_TYPE: [bytes(3)]},
        {Attribute.NAS_IP_ADDRESS: [bytes(4), b"\1" * 4, bytes(5)]},
        {Attribute.NAS_PORT: [b"", bytes(3), bytes(9)]},
        {Attribute.FRAMED_IP_ADDRESS: [bytes(3)] * 2},
        {Attribute.NAS_PORT_ID: [b"\xff", b"\0"]},
        {Attribute.STATE: [b"1", b"2"]},
        {Attribute.SESSION_TIMEOUT: [b"1", b"2"]},
        {Attribute.CHAP_CHALLENGE: [b"1", b"2"]},
        {26: [b"", b"\0\0\0\x09\xff", b"\0\0\x01\x37\x01"]},
        {250: [b"\xff"] * 5},
    ],
)
def test_what_is_odd_or_doubled_is_no_contradiction(values: dict[int, list[bytes]]) -> None:
    """R22: as long as the decision does not need it, or it means the same."""

    def both(request: AuthPacket) -> None:
        with_password(b"482913")(request)
        raw(values)(request)

    request = decoded(both)

    assert not request.contradictory
    assert request.password == Pap(b"482913")


def test_of_several_values_the_one_that_says_something_counts() -> None:
    """R22 and R18: the MAC address; and no kind of port where there are two."""
    stations: dict[int, list[bytes]] = {Attribute.CALLING_STATION_ID: [b"192.0.2.7", MAC]}

    assert decoded(raw(stations)).calling_station == MAC
    assert decoded(raw({Attribute.NAS_PORT_TYPE: [VIRTUAL]})).nas_port_type == VIRTUAL_PORT
    assert decoded(raw({Attribute.NAS_PORT_TYPE: [VIRTUAL, WIRELESS]})).nas_port_type is None


@pytest.mark.parametrize(
    "values",
    [
        {Attribute.CHAP_PASSWORD: [bytes(16)]},
        {Attribute.CHAP_PASSWORD: [bytes(18)]},
        {Attribute.CHAP_PASSWORD: [bytes(17)], Attribute.CHAP_CHALLENGE: [b"1234"]},
        {Attribute.SERVICE_TYPE: [bytes(3)]},
        {Attribute.SERVICE_TYPE: [bytes(5), FRAMED]},
    ],
)
def test_a_wrong_length_is_no_exception(values: dict[int, list[bytes]]) -> None:
    """Must 7: RFC 2865 section 5 asks for a reject, so the request must survive."""
    request = decoded(raw(values))

    assert request.contradictory
    assert not isinstance(request.password, Pap)
    assert request.service_type is None


@pytest.mark.parametrize(
    "kind", [Attribute.USER_PASSWORD, Attribute.CHAP_PASSWORD, Attribute.SERVICE_TYPE]
)
def test_an_attribute_without_a_value_is_none(kind: Attribute) -> None:
    """RFC 2865 section 5: whoever has nothing to say leaves it out."""
    assert decoded(raw({kind: [b""]})) == decoded(unchanged)


@pytest.mark.parametrize("length", [1, 6, 15, 17, 20, 144])
def test_a_password_of_another_length_is_read(length: int) -> None:
    """RFC 2865 section 5.2 asks for a multiple of 16; FreeRADIUS reads what there is, too."""
    typed = (b"482913" + bytes(138))[:length]

    def cut(request: AuthPacket) -> None:
        pads, previous = b"", request.authenticator or b""
        for start in range(0, length, 16):
            pad = hashlib.md5(SECRET + previous).digest()
            previous = bytes(a ^ b for a, b in zip(pad, typed[start:], strict=False))
            pads += previous
        request[Attribute.USER_PASSWORD] = [pads]

    assert decoded(cut).password == Pap(typed.rstrip(b"\0"))


def test_no_secret_is_in_the_repr() -> None:
    """Must 20: neither the password nor a User-Name that may be a PIN."""

    def both(request: AuthPacket) -> None:
        request[Attribute.USER_NAME] = [b"482913"]
        with_password(b"482913")(request)

    chap = raw({Attribute.CHAP_PASSWORD: [b"\x07" + b"R" * 16]})

    assert "482913" not in repr(decoded(both))
    assert "RRRR" not in repr(decoded(chap))


# Replies


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("reply", [accept, reject, encode_reject])
def test_must_09_message_authenticator_comes_first(signed: bool, reply: Reply) -> None:
    """Must 9: the first attribute of every reply, also to a request without one."""

    def everything(request: AuthPacket) -> None:
        request[Attribute.PROXY_STATE] = [b"1", b"2"]
        with_password(b"482913")(request)

    answer = reply_to(request_of(everything, signed=signed), reply)

    assert answer.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
    assert len(answer.values(Attribute.MESSAGE_AUTHENTICATOR)) == 1


def test_a_reply_to_a_status_server_is_signed_too() -> None:
    """Must 9: also to Status-Server."""
    client = Client("192.0.2.1", secret=SECRET, dict=DICTIONARY)
    request = read_packet(client.CreateAuthPacket(code=12).RequestPacket())

    assert reply_to(request, reject).attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
def test_must_08_proxy_states_come_back_as_they_were(proxy_states: list[bytes]) -> None:
    """Must 8: all of them, unmodified, in order; values like 0x31 or 65 are no numbers."""
    states = [*proxy_states, b"0x31", b"65"]

    answer = reply_to(request_of(raw({Attribute.PROXY_STATE: states})), reject)

    assert answer.values(Attribute.PROXY_STATE) == states


def test_an_accept_carries_its_limits() -> None:
    """Must 6 and R12: Session-Timeout and Class arrive octet by octet."""
    answer = reply_to(request_of(), accept)

    assert answer.code == 2
    assert answer.values(Attribute.SESSION_TIMEOUT) == [b"\0\0\x0e\x0f"]
    assert answer.values(Attribute.CLASS) == [b"0x31"]
    assert [kind for kind, _ in answer.attributes] == [80, 27, 25]


def test_an_accept_without_time_cannot_be_built() -> None:
    """R12: with less than one second left there is no accept; 0 may mean unlimited."""
    with pytest.raises(ValueError, match="Session-Timeout"):
        encode_accept(request_of(), SECRET, 0, b"1")


def test_a_reject_carries_only_its_words() -> None:
    """Must 6 and R11: a reject says why, and nothing else."""
    answer = reply_to(request_of(), reject)

    assert answer.code == 3
    assert [kind for kind, _ in answer.attributes] == [80, 18]
    assert reply_to(request_of(), encode_reject).values(Attribute.REPLY_MESSAGE) == []


def test_there_are_no_words_beside_eap() -> None:
    """R11: RFC 3579 section 2.6.5."""
    request = request_of(raw({Attribute.EAP_MESSAGE: [b"\x02\0\0\x05\x01"]}))

    assert reply_to(request, reject).values(Attribute.REPLY_MESSAGE) == []


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("x" * 253, b"x" * 253),
        ("x" * 254, b"x" * 253),
        ("x" * 252 + "é", b"x" * 252),
        ("x" * 251 + "é", b"x" * 251 + "é".encode()),
        ("", None),
    ],
)
def test_words_are_cut_at_a_character(text: str, octets: bytes | None) -> None:
    """R11: at most 253 octets, and no half character at the end."""
    answer = read_packet(encode_reject(request_of(), SECRET, text))

    assert answer.values(Attribute.REPLY_MESSAGE) == ([] if octets is None else [octets])


def test_words_give_way_to_proxy_states() -> None:
    """Must 3 and 8: a reply is never longer than 4096 octets."""
    states = [bytes([n]) * 253 for n in range(15)]
    request = request_of(raw({Attribute.PROXY_STATE: states}))

    answer = read_packet(encode_reject(request, SECRET, "x" * 253))

    assert answer.values(Attribute.PROXY_STATE) == states
    assert answer.values(Attribute.REPLY_MESSAGE) == []
    assert answer.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
