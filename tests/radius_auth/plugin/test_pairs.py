"""Reading what FreeRADIUS hands to Python, held against FreeRADIUS's own dictionary."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radius_auth.decision.decide import Request
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.decision.rules import VIRTUAL_PORT, ServiceType
from radius_auth.plugin.calls import Call
from radius_auth.plugin.pairs import (
    NOTE,
    PROVEN,
    SENDER,
    STAGE,
    TEXTS,
    Pairs,
    as_updates,
    by_name,
    read_any_request,
    read_request,
)
from radius_auth.protocol.packet import Attribute
from radius_auth.replica.nas_index import Client, NasIndex
from tests.support.radius.freeradius_dictionary import dictionary
from tests.support.radius.guests import EMAIL, NINE, PIN, nas
from tests.support.radius.virtual_server import house

TEXT = "text without meaning"
HEXADECIMAL = [name for _, name in TEXTS.values()]
OCTETS = b"\x07" + b"r" * 16


def read(*pairs: tuple[str, str], client: Client | None = None) -> Request:
    """What these pairs ask."""
    return read_request(by_name(pairs), client)


def client_of(**changes: Any) -> Client:
    """The NAS of 127.0.0.1, or as ``changes`` say."""
    found = NasIndex([nas(**changes)]).find("127.0.0.1")
    assert found is not None
    return found


# The names


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        *((name, attribute) for attribute, (name, _) in TEXTS.items()),
        ("CHAP-Password", Attribute.CHAP_PASSWORD),
        ("CHAP-Challenge", Attribute.CHAP_CHALLENGE),
        ("EAP-Message", Attribute.EAP_MESSAGE),
        ("Service-Type", Attribute.SERVICE_TYPE),
        ("NAS-Port-Type", Attribute.NAS_PORT_TYPE),
    ],
)
def test_attributes_are_called_as_in_the_dictionary(name: str, attribute: Attribute) -> None:
    """rlm_python3: a name that FreeRADIUS does not know is one that never comes."""
    number, _ = dictionary().attributes[name]

    assert number == attribute


@pytest.mark.parametrize(
    "name", ["CHAP-Password", "CHAP-Challenge", "State", "Message-Authenticator", "EAP-Message"]
)
def test_what_is_read_as_octets_is_octets(name: str) -> None:
    """rlm_python3: they come as hexadecimal digits, and text does not."""
    assert dictionary().attributes[name][1] == "octets"


@pytest.mark.parametrize("name", [SENDER, STAGE, NOTE, PROVEN, *HEXADECIMAL])
def test_what_the_configuration_says_is_in_no_packet(name: str) -> None:
    """Must 1: an attribute of FreeRADIUS's own, whose number is above that of any on the wire."""
    number, kind = dictionary().attributes[name]

    assert number > 255
    assert kind == "string"


@pytest.mark.parametrize("service", ServiceType)
def test_services_are_read_by_their_names(service: ServiceType) -> None:
    """R22: those that are no guest's, by the name that FreeRADIUS shows for the number."""
    name = dictionary().values["Service-Type"][service]

    assert read(("Service-Type", name)).service_type == service


def test_every_other_service_decides_nothing() -> None:
    """R22: Login, Framed, Outbound, Authenticate-Only and what nobody knows are guests'."""
    names = dictionary().values["Service-Type"]
    others = [name for number, name in names.items() if number not in set(ServiceType)]

    assert "Login-User" in others
    for name in (*others, "4294967295", "", "call-check"):
        assert read(("Service-Type", name)).service_type == 0


def test_only_a_virtual_port_decides_something() -> None:
    """R22: of all the kinds of ports, by the name that FreeRADIUS shows for the number."""
    names = dictionary().values["NAS-Port-Type"]
    read_as = {
        number: read(("NAS-Port-Type", name)).nas_port_type for number, name in names.items()
    }

    assert len(read_as) > 20
    assert {number for number, read in read_as.items() if read} == {VIRTUAL_PORT}
    assert read_as[VIRTUAL_PORT] == VIRTUAL_PORT


# The request


def test_an_empty_request_asks_for_nothing() -> None:
    """rlm_python3: FreeRADIUS drops an empty User-Name."""
    assert read() == Request(nas=None, user_name=b"", password=None)


def test_text_comes_as_the_octets_that_were_sent() -> None:
    """Must 5: in hexadecimal, because it may be no UTF-8; nothing of it is read or cut."""
    asked = read(
        ("Tmp-String-5", b"= Zo\xeb\0@Example.com ".hex()),
        ("Tmp-String-4", b"= 482-913\xff\0\t".hex()),
        ("Tmp-String-7", b"=\x07\xff".hex()),
    )

    assert asked.user_name == b" Zo\xeb\0@Example.com "
    assert asked.password == Pap(b" 482-913\xff\0\t")
    assert asked.calling_station == b"\x07\xff"


def test_what_is_handed_over_counts_and_not_the_text() -> None:
    """rlm_python3: the text itself may be there, or taken away."""
    asked = read(("User-Name", "a"), ("Tmp-String-5", b"=b".hex()), ("User-Password", "1"))

    assert (asked.user_name, asked.password) == (b"b", Pap(b"1"))


def test_an_empty_password_is_one() -> None:
    """Must 6: the guest typed nothing, which is a wrong PIN and no other method."""
    assert read(("Tmp-String-4", b"=".hex())).password == Pap(b"")


def test_a_chap_response_is_read_with_its_challenge() -> None:
    """RFC 2865 section 5.3: an ident of one octet and a response of 16."""
    asked = read(("CHAP-Password", f"0x{OCTETS.hex()}"), ("CHAP-Challenge", "0x0102030405"))

    assert asked.password == Chap(ident=7, response=b"r" * 16, challenge=bytes([1, 2, 3, 4, 5]))


@pytest.mark.parametrize(
    ("answered", "challenge"),
    [
        ("0x" + "00" * 16, "0x0102030405"),
        ("0x" + "00" * 18, "0x0102030405"),
        ("0x", "0x0102030405"),
        ("", "0x0102030405"),
        ("0x" + "0" * 33, "0x0102030405"),
        ("0x" + "zz" * 17, "0x0102030405"),
        ("0x" + "00" * 17, "0x010"),
        ("0x" + "00" * 17, "what is this?"),
        ("0x" + "00" * 17, None),
        (None, "0x0102030405"),
    ],
)
def test_octets_that_are_none_prove_nothing(answered: str | None, challenge: str | None) -> None:
    """Must 6: a response that cannot be checked is no password; and nothing is raised."""
    sent = (("CHAP-Password", answered), ("CHAP-Challenge", challenge))

    assert read(*((name, value) for name, value in sent if value is not None)).password is None


def test_the_nas_is_narrowed_by_ssid_and_identifier() -> None:
    """R19: the client of the address, and what Called-Station-Id and NAS-Identifier say."""
    client = client_of(ssid="Guests", identifier="lobby")
    called, identifier = ("Called-Station-Id", "02-00-00-00-00-01:Guests"), ("NAS-Identifier", "")

    assert read(called, ("NAS-Identifier", "lobby"), client=client).nas == client.entries[0]
    assert read(called, identifier, client=client).nas is None
    assert read(("NAS-Identifier", "lobby"), client=client).nas is None
    assert read(called, ("NAS-Identifier", "lobby")).nas is None


# Contradictions


METHODS: dict[str, tuple[str, str]] = {
    "PAP": ("User-Password", PIN),
    "CHAP": ("CHAP-Password", f"0x{OCTETS.hex()}"),
    "MS-CHAP": ("MS-CHAP-Response", "0x00"),
    "MS-CHAPv2": ("MS-CHAP2-Response", "0x00"),
    "EAP": ("EAP-Message", "0x00"),
}


@pytest.mark.parametrize("method", METHODS)
def test_one_method_is_no_contradiction(method: str) -> None:
    """Must 7: at most one of each."""
    assert not read(METHODS[method], ("User-Name", EMAIL)).contradictory


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PAP", "CHAP"),
        ("PAP", "EAP"),
        ("CHAP", "EAP"),
        ("PAP", "MS-CHAP"),
        ("PAP", "MS-CHAPv2"),
        ("CHAP", "MS-CHAP"),
        ("MS-CHAP", "MS-CHAPv2"),
        ("EAP", "MS-CHAP"),
        ("CHAP", "MS-CHAPv2"),
        ("EAP", "MS-CHAPv2"),
    ],
)
def test_two_methods_contradict_each_other(one: str, other: str) -> None:
    """Must 7: RFC 2865 section 4.1, RFC 3579 section 3.3."""
    assert read(METHODS[one], METHODS[other]).contradictory
    assert read(METHODS[other], METHODS[one]).contradictory


@pytest.mark.parametrize("method", ["PAP", "CHAP", "MS-CHAP", "MS-CHAPv2"])
def test_a_method_that_comes_twice_is_a_contradiction(method: str) -> None:
    """Must 7: FreeRADIUS would take one of them."""
    assert read(METHODS[method], METHODS[method]).contradictory


def test_a_service_that_cannot_be_read_is_a_contradiction() -> None:
    """RFC 2865 section 5: FreeRADIUS shows octets of a wrong length under another name."""
    assert read(("Attr-6", "0x000001")).contradictory
    assert not read(("Attr-61", "0x000001")).contradictory


@pytest.mark.parametrize("name", ["EAP-Message", "Proxy-State", "Class", "Vendor-Thing"])
def test_what_may_be_repeated_is_none(name: str) -> None:
    """RFC 2865 section 5.44: a long EAP message comes in several attributes."""
    assert not read((name, "0x00"), (name, "0x01")).contradictory


def test_of_repeated_attributes_the_first_counts() -> None:
    """Must 7: the reason is told about the one that FreeRADIUS takes itself."""
    assert read(("User-Name", "first"), ("User-Name", "second")).user_name == b"first"


# Safety


def test_no_value_is_in_a_repr() -> None:
    """Must 20: there are passwords among them, and User-Names that are PINs."""
    values = by_name((("User-Name", PIN), ("User-Password", PIN), ("State", TEXT)))
    call = Call(
        began=0, now=NINE, table=house(), values=values, stage=None, address="", client=None
    )

    for shown in (repr(call), repr(read_request(values, None))):
        assert PIN not in shown
        assert TEXT not in shown


_NAMES = st.sampled_from(
    [
        *(name for names in TEXTS.values() for name in names),
        *(SENDER, STAGE, NOTE, PROVEN),
        *("CHAP-Password", "CHAP-Challenge", "EAP-Message", "Service-Type", "NAS-Port-Type"),
        *("MS-CHAP-Response", "MS-CHAP2-Response", "Attr-6"),
    ]
)
_VALUES = st.text() | st.binary().map(lambda octets: f"0x{octets.hex()}") | st.from_regex(r"0x\w*")


@given(st.lists(st.tuples(_NAMES | st.text(), _VALUES)).map(tuple))
def test_whatever_comes_is_read(pairs: Pairs) -> None:
    """Must 5: any text under any name, and nothing is raised, which would be everybody's reject."""
    values = by_name(pairs)

    asked = read_request(values, client_of(ssid="Guests"))

    assert isinstance(asked.user_name, bytes)
    for name, value in dict(reversed(pairs)).items():
        assert values.first[name] == value


_PLAIN = st.fixed_dictionaries(
    {},
    optional={
        name: _VALUES | st.sampled_from(["", "Virtual", "Call-Check", "Login-User"])
        for name in (
            *(name for name, _ in TEXTS.values()),
            *("Service-Type", "NAS-Port-Type", "State", "CHAP-Password", "Attr-6"),
        )
    },
)


@given(_PLAIN, st.lists(st.tuples(_NAMES, _VALUES), max_size=2))
def test_the_short_way_through_a_request_is_no_other_one(
    plain: dict[str, str], more: list[tuple[str, str]]
) -> None:
    """Must 7: PAP at a NAS that is known by its address asks the same, whichever way it is read."""
    values, client = by_name((*plain.items(), *more)), client_of()

    assert read_request(values, client) == read_any_request(values, client)


# What goes back


def test_what_goes_back_is_plain_text() -> None:
    """rlm_python3: anything but exact tuples of exact text is skipped."""
    updates = as_updates(
        [("Session-Timeout", 60), ("Class", b"\x00\xff"), ("Reply-Message", Sneaky("Zoë"))]
    )

    assert updates == (
        ("Session-Timeout", ":=", "60"),
        ("Class", ":=", "0x00ff"),
        ("Reply-Message", ":=", "Zoë"),
    )
    assert {type(word) for update in updates for word in update} == {str}


class Sneaky(str):
    """Text that is not exactly text, as a member of an enum."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("text", "written"),
    [(r"a\nb", r"a\\nb"), ("\\", "\\\\"), ('"quoted"', '"quoted"'), ("%{User-Name}",) * 2],
)
def test_a_backslash_is_not_taken_for_the_start_of_an_escape(text: str, written: str) -> None:
    """A shared secret may hold one; FreeRADIUS reads text as between double quotes."""
    assert as_updates([("FreeRADIUS-Client-Secret", text)]) == (
        ("FreeRADIUS-Client-Secret", ":=", written),
    )
