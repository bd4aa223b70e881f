"""The default texts of mails, for locations without their own, and their placeholders.

A text is a subject and lines; the catalogues translate each of them.  :data:`PLACEHOLDERS`
explains the names in braces; ``placeholders.py`` documents what happens to a line with an empty
placeholder, and ``layout.py`` how a line looks in HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nexio.languages import Language, mark
from nexio.outbox.outbox import Template

PLACEHOLDERS: Final = {
    "visitorcode": "the PIN of the visitor",
    "visitorname": "first and last name of the visitor",
    "hostname": "whom the visitor comes to see",
    "location": "the name of the location",
    "address": "its address, the setting `address`",
    "directions": "how to get there, the setting `directions`",
    "visitdate": "the day of the visit",
    "expectedarrival": "the day and the time at which the visitor is expected",
    "arrivedat": "the day and the time at which the visitor has arrived",
    "wifiuntil": "when the Wi-Fi lets the visitor on",
    "ssid": "the name of the network, the setting `ssid`",
    "wifilogin": "what to type to get on the Wi-Fi",
    "qrcode": "the code for the tablet at the door, a picture",
    "wifiqrcode": "the code that joins the Wi-Fi, a picture",
    "membername": "first and last name of the member",
    "membercode": "the PIN of the member",
    "passlink": "the link to the pass",
    "linkdays": "for how many days the link is good",
}
"""The meaning of each placeholder."""

_VISIT = ("visitorname", "hostname", "location", "address", "directions", "visitdate")
_VISITOR = (
    *("visitorcode", *_VISIT, "expectedarrival"),
    *("wifiuntil", "ssid", "wifilogin", "qrcode", "wifiqrcode"),
)

KNOWN: Final[Mapping[Template, tuple[str, ...]]] = {
    Template.VISITOR_REGISTERED: _VISITOR,
    Template.VISITOR_UPDATED: _VISITOR,
    Template.VISITOR_EXTENDED: _VISITOR,
    Template.VISITOR_CANCELLED: (*_VISIT, "expectedarrival"),
    # Only the visitor gets the PIN, not the host.
    Template.VISITOR_ARRIVED: (*_VISIT, "expectedarrival", "arrivedat"),
    Template.MEMBER_PIN: ("membername", "membercode", "location"),
    Template.MEMBER_PASS: ("membername", "passlink", "linkdays", "location"),
}
"""The placeholders that each text may use."""

_WHERE = (
    mark("When: {expectedarrival}"),
    mark("Where: {location}"),
    mark("Address: {address}"),
    mark("How to get there: {directions}"),
    mark("Host: {hostname}"),
)
_PIN_AND_WIFI = (
    *(mark("PIN: {visitorcode}"), "", *_WHERE, ""),
    mark(
        "The PIN checks you in when you come on {visitdate}, and out when you leave: type it at"
        " the tablet at the door, or say it at reception."
    ),
    mark("The same PIN is your password for the Wi-Fi, {wifiuntil}."),
    *("", mark("Network: {ssid}"), mark("Wi-Fi login: {wifilogin}"), ""),
    mark("Check-in code, for the tablet at the door: {qrcode}"),
    mark("Wi-Fi code, for the camera of your phone: {wifiqrcode}"),
    "",
)
_KEEP_SECRET = mark("This mail was sent by a machine. Please keep your PIN to yourself.")
_BY_MACHINE = mark("This mail was sent by a machine.")
_HELLO = mark("Hello {visitorname},")

_TEXTS: Final[Mapping[Template, tuple[str, ...]]] = {
    Template.VISITOR_REGISTERED: (
        mark("Your visit to {location} on {visitdate}: your PIN"),
        *(_HELLO, "", mark("you are registered as a visitor."), "", *_PIN_AND_WIFI),
        *(mark("The attached file visit.ics adds the visit to your calendar."), "", _KEEP_SECRET),
    ),
    Template.VISITOR_UPDATED: (
        mark("Your visit to {location} has moved: {expectedarrival}"),
        *(_HELLO, ""),
        mark("your visit is at another time now. Your PIN is the same as before."),
        *("", *_PIN_AND_WIFI),
        *(mark("The attached file visit.ics changes the visit in your calendar."), ""),
        _KEEP_SECRET,
    ),
    Template.VISITOR_EXTENDED: (
        mark("Your visit to {location} on {visitdate}: more time on the Wi-Fi"),
        *(_HELLO, ""),
        mark("your Wi-Fi lasts longer now. Your PIN is the same as before."),
        *("", *_PIN_AND_WIFI),
        *(mark("The attached file visit.ics changes the visit in your calendar."), ""),
        _KEEP_SECRET,
    ),
    Template.VISITOR_CANCELLED: (
        mark("Your visit to {location} on {visitdate} is cancelled"),
        *(_HELLO, ""),
        mark("your visit is cancelled. Your PIN and your codes are refused from now on."),
        *("", *(each for each in _WHERE if "{address}" not in each and "{dir" not in each), ""),
        mark("The attached file visit.ics takes the visit out of your calendar."),
        *("", _BY_MACHINE),
    ),
    Template.VISITOR_ARRIVED: (
        mark("Your visitor has arrived on {visitdate}: {visitorname}"),
        *(mark("Hello {hostname},"), "", mark("your visitor has arrived."), ""),
        *(mark("Who: {visitorname}"), mark("Where: {location}")),
        *(mark("Arrived: {arrivedat}"), mark("Expected: {expectedarrival}"), "", _BY_MACHINE),
    ),
    Template.MEMBER_PIN: (
        mark("Your PIN for {location}"),
        *(mark("Hello {membername},"), "", mark("this is your PIN for checking in and out."), ""),
        *(mark("PIN: {membercode}"), "", mark("Where: {location}"), ""),
        *(mark("An older PIN of yours is refused from now on."), "", _KEEP_SECRET),
    ),
    Template.MEMBER_PASS: (
        mark("Your pass for {location} on your phone"),
        *(mark("Hello {membername},"), ""),
        mark("with this link your phone becomes your pass for checking in and out."),
        *("", mark("Where: {location}"), "", mark("Open my pass: {passlink}"), ""),
        mark(
            "Open it on your phone, in the browser that you always use, and within {linkdays} days."
        ),
        mark("The first browser that takes the pass keeps it: the link works once."),
        mark("Then hold the code on your phone to the tablet at the door."),
        *("", mark("An older pass of yours is refused from now on."), ""),
        mark("This mail was sent by a machine. Please do not forward it."),
    ),
}


def slip_text(language: Language) -> str:
    """The text of a slip of paper, below the visitor's name."""
    return "\n".join(map(language.translate, _PIN_AND_WIFI)) + "\n"


def default_text(template: Template, language: Language) -> tuple[str, str]:
    """The subject and the body of a mail in a language."""
    subject, *lines = map(language.translate, _TEXTS[template])
    return subject, "\n".join(lines) + "\n"
