"""Whatever is answered to whatever was asked: octet by octet what pyrad would send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AcctPacket, AuthPacket

from radius_auth.protocol.authenticators import secret_of
from radius_auth.protocol.packet import Attribute, Code, Packet, read_packet
from radius_auth.protocol.replies import (
    StatusReply,
    encode_accept,
    encode_accounting_response,
    encode_reject,
    encode_status,
)
from tests.support.radius.access_requests import DICTIONARY
from tests.support.radius.datagrams import join, packet

SECRETS = st.binary(min_size=1, max_size=80)
PROXY_STATES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
OTHERS = st.lists(st.tuples(st.sampled_from([1, 4, 24, 30, 200]), st.binary(max_size=20)))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@st.composite
def requests(draw: st.DrawFn, code: Code = Code.ACCESS_REQUEST) -> Packet:
    """A request with any Proxy-State among other attributes."""
    states = [(int(Attribute.PROXY_STATE), state) for state in draw(PROXY_STATES)]
    attributes = draw(st.permutations([*states, *draw(OTHERS)]))
    return read_packet(packet(join(attributes), code=code))


def by_pyrad(
    request: Packet, secret: bytes, code: Code, *attributes: tuple[Attribute, list[bytes]]
) -> bytes:
    """The same reply, put together by pyrad in the same order."""
    asked = AuthPacket(
        code=request.code,
        id=request.identifier,
        authenticator=request.authenticator,
        secret=secret,
        dict=DICTIONARY,
    )
    reply = asked.CreateReply()
    reply.code = code
    for kind, values in (*attributes, (Attribute.PROXY_STATE, request.values(33))):
        if values:
            reply[kind] = values
    octets: bytes = reply.ReplyPacket()
    return octets


@given(requests(), SECRETS, st.integers(1, 2**32 - 1), st.binary(min_size=1, max_size=40))
def test_an_accept(request: Packet, secret: bytes, seconds: int, class_: bytes) -> None:
    """Must 6, 8 and 9, R12: signed first, Session-Timeout, Class, Proxy-State in its order."""
    assert encode_accept(request, secret, seconds, class_) == by_pyrad(
        request,
        secret,
        Code.ACCESS_ACCEPT,
        (Attribute.SESSION_TIMEOUT, [seconds.to_bytes(4)]),
        (Attribute.CLASS, [class_]),
    )


@given(requests(), SECRETS, TEXTS | st.none())
def test_a_reject(request: Packet, secret: bytes, words: str | None) -> None:
    """Must 6, 8 and 9, R11: with its words or without."""
    said = [] if words is None else [words.encode()]

    assert encode_reject(request, secret, words) == by_pyrad(
        request, secret, Code.ACCESS_REJECT, (Attribute.REPLY_MESSAGE, said)
    )


@given(requests(Code.STATUS_SERVER), SECRETS, TEXTS, st.lists(TEXTS, max_size=5))
def test_a_status(request: Packet, secret: bytes, words: str, further: list[str]) -> None:
    """Must 18: several Reply-Messages, signed."""
    reply = StatusReply(reply_message=words, statistics=tuple(further))

    assert encode_status(request, secret, reply) == by_pyrad(
        request,
        secret,
        Code.ACCESS_ACCEPT,
        (Attribute.REPLY_MESSAGE, [text.encode() for text in (words, *further)]),
    )


@pytest.mark.parametrize("code", [Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER])
@given(data=st.data(), secret=SECRETS)
def test_an_accounting_response(code: Code, data: st.DataObject, secret: bytes) -> None:
    """Must 8, 16 and 18: nothing but Proxy-State; to Status-Server signed."""
    request = data.draw(requests(code))
    asked = AcctPacket(
        code=request.code,
        id=request.identifier,
        authenticator=request.authenticator,
        secret=secret,
        dict=DICTIONARY,
    )
    if states := request.values(Attribute.PROXY_STATE):
        asked[Attribute.PROXY_STATE] = states

    assert encode_accounting_response(request, secret) == asked.CreateReply().ReplyPacket()


@given(SECRETS)
def test_no_secret_is_in_a_repr(secret: bytes) -> None:
    """Must 20: what is made of it does not show either."""
    assert repr(secret_of(secret)) == "Secret()"
