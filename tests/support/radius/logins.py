"""Logins and their answers: one table for every server and method.

The visitors are registered before the servers start, so no answer depends on how soon a
server knows them; other tests check that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from nexio.reception.reissue import reissue
from tests.support.people import add_location, delete, revoke, set_up
from tests.support.radius.eapol import METHODS

if TYPE_CHECKING:
    from nexio.reception.visits import Visit
    from tests.support.radius.desk import Desk

PAP: Final = "User-Password"
CHAP: Final = "CHAP-Password"
MS_CHAP: Final = "MS-CHAP-Password"
ANY: Final = frozenset({PAP, CHAP, MS_CHAP, *METHODS})
READABLE: Final = frozenset({PAP, "TTLS-PAP", "PEAP-GTC"})
"""Methods in which the server reads the password."""

EACH_PIN: Final = READABLE | {CHAP}
"""Methods that try every PIN of an e-mail (R10)."""

ELSEWHERE: Final = "127.0.0.9"
"""The NAS of a location where the PIN alone logs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A visit, and what its guest types."""

    user_name: str
    password: str = field(repr=False)
    visit: Visit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A login and its answer."""

    name: str
    prepare: Callable[[Desk], Guest]
    reason: str
    """The log's name; ``valid`` is an accept."""

    words: str = ""
    """The beginning of Reply-Message; empty for none."""

    methods: frozenset[str] = ANY
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further attributes of the NAS."""


def _guest(visit: Visit, **changes: Any) -> Guest:
    return replace(Guest(user_name=visit.email, password=visit.pin, visit=visit), **changes)


def _inside(desk: Desk) -> Guest:
    return _guest(desk.register())


def _in_capitals(desk: Desk) -> Guest:
    visit = desk.register()
    return _guest(visit, user_name=visit.email.upper())


def _with_dashes(desk: Desk) -> Guest:
    visit = desk.register()
    return _guest(visit, password=f" {visit.pin[:3]}-{visit.pin[3:]} ")


def _from_a_phone(desk: Desk) -> Guest:
    visit = desk.register()
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in visit.pin)
    return _guest(visit, password=f"{full_width[:3]}\u00a0\u2013{full_width[3:]}")


def _with_a_letter(desk: Desk) -> Guest:
    visit = desk.register()
    return _guest(visit, password=f"{visit.pin}\uff41")


def _nothing_typed(desk: Desk) -> Guest:
    return _guest(desk.register(), password="")


def _longer_inside(desk: Desk) -> Guest:
    return _guest(desk.register_earlier(minutes=30))


def _ended(desk: Desk) -> Guest:
    return _guest(desk.register_earlier(minutes=60))


def _soon(desk: Desk) -> Guest:
    return _guest(desk.register("+30m"))


def _without_token(desk: Desk) -> Guest:
    with desk.settings("visitor-tokens=off", "visitor-tokens=on"):
        return _guest(desk.register())


def _not_checked_in(desk: Desk) -> Guest:
    with desk.settings("token-starts=check-in", "token-starts=expected-arrival"):
        return _guest(desk.register())


def _deleted(desk: Desk) -> Guest:
    return _guest(delete(desk.store, desk.register()))


def _revoked(desk: Desk) -> Guest:
    visit = desk.register()
    revoke(desk.store, visit)
    return _guest(visit)


def _old_pin(desk: Desk) -> Guest:
    visit = desk.register()
    with desk.store.write() as work:
        reissue(work, visit.id)
    return _guest(visit)


def _wrong_pin(desk: Desk) -> Guest:
    visit = desk.register()
    return _guest(visit, password=visit.pin[::-1] + "0")


def _pin_of_another(desk: Desk) -> Guest:
    return _guest(desk.register(), password=desk.register().pin)


def _not_ascii(desk: Desk) -> Guest:
    visit = desk.register()
    return _guest(visit, password=f"{visit.pin}é")


def _unknown(desk: Desk) -> Guest:
    return Guest(user_name="nobody@example.com", password="482913")


def _elsewhere(desk: Desk) -> Guest:
    return _guest(desk.at("Annex").register())


def _first_of_two(desk: Desk) -> Guest:
    visit = desk.register()
    desk.register("+3h", email=visit.email)
    return _guest(visit)


def _second_of_two(desk: Desk) -> Guest:
    first = desk.register()
    return _guest(desk.register("+3h", email=first.email))


def _latest_of_two(desk: Desk) -> Guest:
    first = desk.register()
    return _guest(desk.register(email=first.email))


def _device(desk: Desk) -> Guest:
    return Guest(user_name="02-00-00-00-00-07", password="02-00-00-00-00-07")


def _by_pin(desk: Desk) -> Guest:
    visit = desk.at("Kiosk").register()
    return _guest(visit, user_name=visit.pin)


def _by_pin_with_any_name(desk: Desk) -> Guest:
    return _guest(desk.at("Kiosk").register(), user_name="guest")


def _by_nobodys_pin(desk: Desk) -> Guest:
    return Guest(user_name="guest", password="00000000")


def add_other_locations(desk: Desk) -> None:
    """Annex, whose guests stay there, and Kiosk, where the PIN alone logs in."""
    add_location(desk.store, "Annex", "Europe/London", "visitor-tokens=on")
    kiosk = add_location(
        desk.store, "Kiosk", "Europe/London", "visitor-tokens=on", "pin-length=8",
        "planned-guests=100",
    )  # fmt: skip
    set_up(desk.store, kiosk, "wifi-login=pin")
    desk.at("Kiosk").add_nas(ELSEWHERE)


_AT_THE_KIOSK = {"Packet_Src_IP_Address": ELSEWHERE}
_RADCLIENT = frozenset({PAP, CHAP, MS_CHAP})
"""Methods in which a test chooses the NAS's address and attributes; eapol_test has its own."""

# All are prepared before the first of them logs in: on a busy machine that is many minutes
# earlier, so no window opens or closes meanwhile.
CASES: Final = (
    Case(name="inside the window", prepare=_inside, reason="valid"),
    Case(name="e-mail in capitals", prepare=_in_capitals, reason="valid"),
    Case(name="dashes in the PIN", prepare=_with_dashes, reason="valid", methods=READABLE),
    Case(
        name="full-width digits and a dash",
        prepare=_from_a_phone,
        reason="valid",
        methods=READABLE,
    ),
    Case(name="a letter beside the PIN", prepare=_with_a_letter, reason="wrong PIN"),
    Case(
        name="nothing typed",
        prepare=_nothing_typed,
        reason="wrong PIN",
        methods=READABLE - {PAP},  # radclient leaves out empty values; see odd_requests.py
    ),
    Case(name="inside for half an hour", prepare=_longer_inside, reason="valid"),
    Case(
        name="before the window",
        prepare=_soon,
        reason="not yet",
        words="Your Wi-Fi access starts at ",
    ),
    Case(name="at the end", prepare=_ended, reason="ended", words="Your Wi-Fi access ended at "),
    Case(
        name="no token",
        prepare=_without_token,
        reason="no token",
        words="Your visit does not include Wi-Fi.",
    ),
    Case(
        name="before the check-in",
        prepare=_not_checked_in,
        reason="not checked in",
        words="Your Wi-Fi access starts when you check in",
    ),
    Case(name="deleted", prepare=_deleted, reason="deleted", words="This visit was cancelled."),
    Case(name="revoked", prepare=_revoked, reason="revoked", words="Your Wi-Fi access was ended."),
    Case(
        name="reissued, the old PIN",
        prepare=_old_pin,
        reason="newer PIN",
        words="You were sent a newer PIN.",
        methods=EACH_PIN,
    ),
    Case(name="wrong location", prepare=_elsewhere, reason="wrong location", methods=EACH_PIN),
    Case(
        name="wrong location, no candidate",
        prepare=_elsewhere,
        reason="wrong PIN",
        methods=ANY - EACH_PIN,
    ),
    Case(name="wrong PIN", prepare=_wrong_pin, reason="wrong PIN"),
    Case(name="the PIN of another", prepare=_pin_of_another, reason="wrong PIN"),
    Case(name="a password that is no ASCII", prepare=_not_ascii, reason="wrong PIN"),
    Case(name="nobody", prepare=_unknown, reason="unknown user"),
    Case(name="two visits, the open one", prepare=_first_of_two, reason="valid"),
    Case(name="two visits, the latest", prepare=_latest_of_two, reason="valid"),
    Case(
        name="two visits, the later one",
        prepare=_second_of_two,
        reason="not yet",
        words="Your Wi-Fi access starts at ",
        methods=EACH_PIN,
    ),
    Case(
        name="call check",
        prepare=_inside,
        reason="MAC authentication",
        methods=_RADCLIENT,
        attributes={"Service_Type": "Call-Check"},
    ),
    Case(
        name="MAC authentication",
        prepare=_device,
        reason="MAC authentication",
        methods=_RADCLIENT,
        attributes={"Calling_Station_Id": '"020000000007"'},
    ),
    Case(
        name="administrator of the NAS",
        prepare=_inside,
        reason="unsupported service",
        methods=_RADCLIENT,
        attributes={"Service_Type": "Administrative-User"},
    ),
    Case(
        name="virtual port without a device",
        prepare=_inside,
        reason="unsupported service",
        methods=_RADCLIENT,
        attributes={"NAS_Port_Type": "Virtual", "Calling_Station_Id": '"192.0.2.7"'},
    ),
    Case(
        name="guest portal on a virtual port",
        prepare=_inside,
        reason="valid",
        methods=_RADCLIENT,
        attributes={
            "NAS_Port_Type": "Virtual",
            "Service_Type": "Login-User",
            "Connect_Info": '"web-auth"',
        },
    ),
    Case(
        name="one device in two notations",
        prepare=_inside,
        reason="valid",
        methods=_RADCLIENT,
        attributes={
            "Calling-Station-Id": '"020000000009"',
            "Calling_Station_Id": '"0200.0000.0009"',
        },
    ),
    Case(
        name="the PIN alone",
        prepare=_by_pin,
        reason="valid",
        methods=_RADCLIENT,
        attributes=_AT_THE_KIOSK,
    ),
    Case(
        name="the PIN alone, an SSID in Latin-1",
        prepare=_by_pin,
        reason="valid",
        methods=_RADCLIENT,
        attributes=_AT_THE_KIOSK | {"Called_Station_Id": r'"02-00-00-00-00-01:Caf\351"'},
    ),
    Case(
        name="the PIN alone, with any name",
        prepare=_by_pin_with_any_name,
        reason="valid",
        methods=frozenset({PAP}),
        attributes=_AT_THE_KIOSK,
    ),
    Case(
        name="the PIN alone, nobody's",
        prepare=_by_nobodys_pin,
        reason="wrong PIN",
        methods=_RADCLIENT,
        attributes=_AT_THE_KIOSK,
    ),
)
