"""What access points tell of sessions, and the rows that it leads to: one table for both servers.

Points 16 and 17 of ``docs/radius.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from radius_auth.protocol.packet import Acct, Attribute, read_packet
from tests.support.radius.accounting_requests import (
    OFF,
    ON,
    START,
    STOP,
    UPDATE,
    accounting_request,
    number,
    resigned,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED: Final = 15
"""Acct-Status-Type of tunnels: answered, and no session."""

AP: Final = "an access point"
OTHER: Final = "another one at the same address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A session, as far as it is the same on both servers."""

    session_id: str = "81"
    began_ago: int = 0
    """Seconds between the case and its beginning."""

    seconds: int = 0
    octets_in: int | None = None
    octets_out: int | None = None
    ended_by: str | None = None
    terminate_cause: int | None = None
    is_visitors: bool = False
    user_name: str = "zoe@example.com"
    device: int | None = 0
    """The last octet of its address; the others are those of the case."""

    nas_address: str | None = None
    nas: str = AP
    """Whose NAS-Identifier it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One request."""

    status: int
    attributes: dict[int, list[bytes]] = field(default_factory=dict)
    session: bytes = b"81"
    nas: str = AP
    device: int = 0
    """As in a `Row`."""

    has_class: bool = False
    """Whether it has the Class of the visitor's accept."""

    is_answered: bool = True
    change: Callable[[bytes], bytes] = lambda request: request
    """What else becomes of it."""

    signed: bool = False

    def request(self, identifier: int, named: dict[int, list[bytes]], class_: bytes) -> bytes:
        """As it is sent.

        Args:
            identifier: of the packet.
            named: who sends it, and about which device.
            class_: of the visitor's accept.
        """
        claimed = {Attribute.CLASS: [class_]} if self.has_class else {}
        return self.change(
            accounting_request(
                self.status,
                {**named, **claimed, **self.attributes},
                session=self.session,
                identifier=identifier,
                signed=self.signed,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is told, one after the other, and what there is then."""

    name: str
    told: tuple[Told, ...]
    rows: tuple[Row, ...] = ()


def told(status: int, seconds: int | None = None, **more: Any) -> Told:
    """A request of the access point, with its counters.

    Args:
        status: Acct-Status-Type.
        seconds: Acct-Session-Time.
        more: ``octets_in``, ``octets_out``, ``delay``, ``cause``, ``stamp``; or fields of `Told`.
    """
    numbers = {
        Acct.SESSION_TIME: seconds,
        Acct.INPUT_OCTETS: more.pop("octets_in", None),
        Acct.OUTPUT_OCTETS: more.pop("octets_out", None),
        Acct.DELAY_TIME: more.pop("delay", None),
        Acct.TERMINATE_CAUSE: more.pop("cause", None),
        Acct.EVENT_TIMESTAMP: more.pop("stamp", None),
    }
    counted: dict[int, list[bytes]] = {
        kind: number(value) for kind, value in numbers.items() if value is not None
    }
    return Told(status=status, attributes={**counted, **more.pop("attributes", {})}, **more)


def wrong(attributes: dict[int, list[bytes]], status: int = START) -> Told:
    """A request that gets no answer."""
    return Told(status=status, attributes=attributes, is_answered=False)


def forged(request: bytes) -> bytes:
    """With a Message-Authenticator that is wrong, and a Request Authenticator that is right."""
    at = read_packet(request).signature_start + 2
    return resigned(request[:at] + bytes(16) + request[at + 16 :])


def unsigned(request: bytes) -> bytes:
    """With a Request Authenticator that is wrong."""
    return request[:4] + bytes(16) + request[20:]


IP, IPV6 = Attribute.NAS_IP_ADDRESS, Attribute.NAS_IPV6_ADDRESS
LATIN_1 = "Zoë".encode("latin-1")
MINUTE = 60

CASES: Final[tuple[Case, ...]] = (
    # Must 16
    Case(
        name="from Start to Stop",
        told=(
            told(START, has_class=True),
            told(UPDATE, 0, octets_in=100, octets_out=900, has_class=True),
            told(STOP, 2, octets_in=200, octets_out=1900, cause=1, has_class=True),
        ),
        rows=(
            Row(
                seconds=2,
                octets_in=200,
                octets_out=1900,
                ended_by="stop",
                terminate_cause=1,
                is_visitors=True,
                began_ago=2,
            ),
        ),
    ),
    Case(
        name="a wrong Request Authenticator",
        told=(Told(status=START, is_answered=False, change=unsigned),),
    ),
    Case(
        name="a Message-Authenticator, right and wrong",
        told=(
            told(START, signed=True),
            Told(status=STOP, signed=True, is_answered=False, change=forged),
        ),
        rows=(Row(),),
    ),
    Case(
        name="numbers of a wrong length",
        told=tuple(wrong({kind: [b"\1\2\3"]}) for kind in (40, 41, 42, 43, 46, 49, 52, 53)),
    ),
    Case(
        name="addresses of a wrong length",
        told=(wrong({IP: [b"\1"]}), wrong({IPV6: [b"\1" * 15]})),
    ),
    Case(
        name="a number of a wrong length beside text that is not UTF-8",
        told=(wrong({Acct.SESSION_TIME: [b"\1"], Attribute.NAS_PORT_ID: [b"\xff"]}),),
    ),
    Case(
        name="without a session, or of two",
        told=(
            Told(status=START, attributes={Acct.SESSION_ID: []}, is_answered=False),
            wrong({Acct.SESSION_ID: [b"1", b"2"]}),
            wrong({Acct.STATUS_TYPE: [*number(START), *number(STOP)]}),
            wrong({Acct.STATUS_TYPE: []}),
        ),
    ),
    Case(name="nothing of a session", told=(told(FAILED), told(200), told(9))),
    # Must 5
    Case(
        name="octets that are no text",
        told=(
            told(
                START,
                session=b"\xff\0\n",
                attributes={
                    Attribute.USER_NAME: [LATIN_1 + b"\0"],
                    Attribute.NAS_PORT_ID: [b"\xfe"],
                    250: [b"\xff" * 200],
                },
            ),
        ),
        rows=(Row(session_id=r"\xff\x00\n", user_name=r"Zo\xeb\x00"),),
    ),
    Case(
        name="text that looks like hexadecimal, and quotes",
        told=(
            told(
                START,
                session=b"0x41",
                attributes={Attribute.USER_NAME: [b'0xa"\\b\x07%{User-Name}']},
            ),
            told(START, session=b"A", attributes={Attribute.USER_NAME: [b"0x41"]}),
            told(START, session=b"=0x41", attributes={Attribute.USER_NAME: [b"=3d", b"0xff"]}),
        ),
        rows=(
            Row(session_id="0x41", user_name='0xa"' + r"\b\x07%{User-Name}"),
            Row(session_id="A", user_name="0x41"),
            Row(session_id="=0x41", user_name="=3d"),
        ),
    ),
    Case(
        name="the longest session id",
        told=(told(START, session=b"s" * 64),),
        rows=(Row(session_id="s" * 64),),
    ),
    Case(
        name="doubled attributes",
        told=(
            told(
                UPDATE,
                attributes={
                    Acct.SESSION_ID: [b"81", b"81"],
                    Acct.SESSION_TIME: [*number(5), *number(60)],
                    Acct.INPUT_OCTETS: [*number(9), *number(7)],
                    Attribute.CLASS: [b"another's", b"nexio/9/9/9"],
                    Attribute.CALLING_STATION_ID: [b"02-00-00-00-00-01", b"02-00-00-00-00-02"],
                    IP: [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])],
                },
            ),
        ),
        rows=(Row(seconds=60, octets_in=9, device=None, nas_address="192.0.2.1", began_ago=60),),
    ),
    # Must 17
    Case(
        name="sent again with another Acct-Delay-Time",
        told=(told(START), told(START, delay=1), told(STOP, 0), told(STOP, 0, delay=1)),
        rows=(Row(ended_by="stop"),),
    ),
    Case(
        name="Acct-Delay-Time",
        told=(told(START, delay=600), told(STOP, 300, delay=300)),
        rows=(Row(began_ago=600, seconds=300, ended_by="stop"),),
    ),
    Case(
        name="Gigawords",
        told=(
            told(
                STOP,
                60,
                octets_in=7,
                octets_out=2**32 - 1,
                attributes={Acct.INPUT_GIGAWORDS: number(1), Acct.OUTPUT_GIGAWORDS: number(2**31)},
            ),
        ),
        rows=(
            Row(
                began_ago=60, seconds=60, octets_in=2**32 + 7, octets_out=2**63 - 1, ended_by="stop"
            ),
        ),
    ),
    Case(
        name="Accounting-On of one of two access points at an address",
        told=(
            told(START),
            told(START, session=b"82", nas=OTHER),
            Told(status=ON, attributes={Acct.SESSION_ID: []}),
        ),
        rows=(Row(ended_by="accounting-on"), Row(session_id="82", nas=OTHER)),
    ),
    Case(
        name="Accounting-Off",
        told=(told(START), told(OFF), told(START, session=b"82")),
        rows=(Row(ended_by="accounting-off"), Row(session_id="82")),
    ),
    Case(
        name="the same Acct-Session-Id of two NAS-IP-Addresses",
        told=(
            told(START, device=1, attributes={IP: [bytes([192, 0, 2, 1])]}),
            told(START, device=2, attributes={IP: [bytes([192, 0, 2, 2])]}),
            told(START, device=3, attributes={IPV6: [bytes(15) + b"\1"]}),
        ),
        rows=(
            Row(nas_address="192.0.2.1", device=1),
            Row(nas_address="192.0.2.2", device=2),
            Row(nas_address="::1", device=3),
        ),
    ),
    Case(
        name="the same session by two access points",
        told=(
            told(UPDATE, 60, octets_in=7, attributes={IP: [bytes([192, 0, 2, 1])]}),
            told(UPDATE, 61, octets_in=6, attributes={IP: [bytes([192, 0, 2, 2])]}),
            told(STOP, 62, octets_in=9, attributes={IP: [bytes([192, 0, 2, 2])]}),
        ),
        rows=(
            Row(began_ago=60, seconds=62, octets_in=9, ended_by="stop", nas_address="192.0.2.2"),
        ),
    ),
    Case(
        name="in the wrong order",
        told=(
            told(STOP, 120, octets_in=9, cause=4),
            told(UPDATE, 60, octets_in=5, delay=60),
            told(START, delay=120),
        ),
        rows=(Row(began_ago=120, seconds=120, octets_in=9, ended_by="stop", terminate_cause=4),),
    ),
    Case(
        name="an update without a Start",
        told=(told(UPDATE, 300, octets_out=8),),
        rows=(Row(began_ago=300, seconds=300, octets_out=8),),
    ),
    Case(
        name="a Stop without a Start",
        told=(told(STOP, 300, cause=0),),
        rows=(Row(began_ago=300, seconds=300, ended_by="stop", terminate_cause=0),),
    ),
    Case(
        name="a session time that goes backwards",
        told=(told(START, delay=600), told(UPDATE, 600), told(UPDATE, 599, octets_in=0)),
        rows=(Row(began_ago=600, seconds=600),),
    ),
    Case(
        name="an absurd session time",
        told=(told(UPDATE, 2**32 - 1, octets_in=1),),
        rows=(Row(octets_in=1),),
    ),
    Case(
        name="wrong clocks",
        told=(
            told(START, delay=600, stamp=0),
            told(UPDATE, 600, stamp=2**32 - 1),
            told(UPDATE, 600, octets_in=3, attributes={Acct.EVENT_TIMESTAMP: [b"\1"]}),
        ),
        rows=(Row(began_ago=600, seconds=600, octets_in=3),),
    ),
    Case(
        name="it goes on after its Stop",
        told=(told(STOP, 60, cause=1), told(UPDATE, 61, octets_in=4)),
        rows=(Row(began_ago=60, seconds=61, octets_in=4),),
    ),
    Case(
        name="another device with the same Acct-Session-Id",
        told=(
            told(START),
            told(START, device=9),
        ),
        rows=(Row(ended_by="reuse"), Row(device=9)),
    ),
    Case(
        name="a Class that is forged",
        told=(told(START, attributes={Attribute.CLASS: [b"nexio/1/1/999999"]}),),
        rows=(Row(),),
    ),
    Case(
        name="the Class comes later",
        told=(told(START), told(UPDATE, 0, has_class=True)),
        rows=(Row(is_visitors=True),),
    ),
    Case(
        name="a User-Name that is a PIN",
        told=(told(START, attributes={Attribute.USER_NAME: [b"44863544"]}),),
        rows=(Row(user_name="******"),),
    ),
)
