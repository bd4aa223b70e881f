"""The wording of decisions: for the guest, in the log, and in an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.input.zones import clock_time
from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Accepted

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from radius_auth.decision.request import Decision


def reply_message(decision: Decision, location: Location, now: datetime) -> str | None:
    """The Reply-Message (R11): None unless the PIN was right and the guest may know it.

    Args:
        decision: what was decided.
        location: in whose time zone the times are written.
        now: today, for "09:00" or "09:00 on Monday 23 November".
    """
    if isinstance(decision, Accepted) or decision.visit is None or not decision.is_explained:
        return None
    return _message(decision.reason, decision.visit, location, now)


def _message(reason: Reason, visit: FollowedVisit, location: Location, now: datetime) -> str | None:
    instant = {Reason.NOT_YET: visit.valid_from, Reason.ENDED: visit.valid_until}.get(reason)
    if reason not in GUEST_MESSAGES or (instant is None and "{at}" in GUEST_MESSAGES[reason]):
        return None
    at = instant and clock_time(instant, location.zone, now)
    return GUEST_MESSAGES[reason].format(at=at, devices=_devices(visit.max_devices or 0))


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count} devices"


GUEST_MESSAGES = {
    Reason.NOT_YET: "Your Wi-Fi access starts at {at}.",
    Reason.ENDED: "Your Wi-Fi access ended at {at}.",
    Reason.REPLACED: "You were sent a newer PIN.",
    Reason.DELETED: "This visit was cancelled.",
    Reason.NO_TOKEN: "Your visit does not include Wi-Fi. Please ask at the reception desk.",
    Reason.REVOKED: "Your Wi-Fi access was ended. Please ask at the reception desk.",
    Reason.NOT_CHECKED_IN: "Your Wi-Fi access starts when you check in at the reception desk.",
    Reason.NO_DEVICE: "Your device did not say who it is. Please ask at the reception desk.",
    Reason.TOO_MANY_DEVICES: "Already used on {devices}. Please ask at the reception desk.",
    Reason.UNCOUNTED: "Please try again in a moment.",
}
"""What the guest reads (R11); nothing where a reason is not in here."""

LOGGED = {
    Reason.VALID: "the PIN is right and its time is now",
    Reason.REMEMBERED: "the device logged in with the PIN before, and its time is now",
    Reason.UNSUPPORTED_SERVICE: "it is no guest: somebody wants to configure the access point",
    Reason.MAC_AUTHENTICATION: "it is no guest's login: a device's address came in place of one",
    Reason.CONTRADICTORY: "the request contradicts itself",
    Reason.UNSUPPORTED_METHOD: "this server does not check that login method",
    Reason.EAP_FAILED: "the device broke off its EAP login, or it is set to another method",
    Reason.NO_LOCATION: "this SSID or NAS-Identifier belongs to no location",
    Reason.UNKNOWN_USER: "nobody of that e-mail is expected about now",
    Reason.WRONG_PIN: "the PIN is wrong",
    Reason.GUARDED: "too many wrong PINs before, so this one was not looked at",
    Reason.TOO_SOON: "it came within seconds of a wrong PIN, so this one was not looked at",
    Reason.REPLACED: "the registration was reissued, and this is its old PIN",
    Reason.DELETED: "the visit was deleted",
    Reason.NO_TOKEN: "the visitor was registered without Wi-Fi",
    Reason.REVOKED: "the access token was revoked",
    Reason.WRONG_LOCATION: "the visit is at another location",
    Reason.NOT_CHECKED_IN: "the Wi-Fi starts with the check-in, which has not been",
    Reason.NOT_YET: "the Wi-Fi has not started yet",
    Reason.ENDED: "the Wi-Fi time is over",
    Reason.NO_DEVICE: "the visit has a limit of devices, and the access point names none",
    Reason.TOO_MANY_DEVICES: "the visit's limit of devices is reached",
    Reason.UNCOUNTED: "its device could not be counted, because the store was away",
}
"""One clause for each reason, for ``nexio log``."""

REMEDIES = {
    Reason.UNSUPPORTED_SERVICE: (
        "see Service-Type; NAS-Port-Type Virtual is a guest's only with the device's MAC address"
        " in Calling-Station-Id"
    ),
    Reason.MAC_AUTHENTICATION: (
        "turn MAC authentication off at the NAS, or let the guest log in; with remember-devices=on"
        " devices that have logged in get on by it"
    ),
    Reason.CONTRADICTORY: "see what the NAS sends",
    Reason.UNSUPPORTED_METHOD: "set the NAS to PAP or CHAP",
    Reason.EAP_FAILED: "see whether the device trusts the server's certificate, and its method",
    Reason.NO_TOKEN: (
        "token generation was off when this visitor was registered: nexio token on, then"
        " nexio visitor reissue"
    ),
    Reason.DELETED: "register the visitor again if that was a mistake",
    Reason.REVOKED: "to give the visitor Wi-Fi again: nexio visitor reissue",
    Reason.REPLACED: "the visitor must use the newer PIN",
    Reason.NOT_YET: "the visitor can wait, or the visit be moved: nexio visitor reschedule",
    Reason.ENDED: "to let them stay longer: nexio token extend, or register the visitor again",
    Reason.NOT_CHECKED_IN: "check the visitor in",
    Reason.WRONG_LOCATION: (
        "register the visitor at this location, or turn roaming on where the access point is"
    ),
    Reason.WRONG_PIN: "compare it with the one in 'nexio visitor show'",
    Reason.UNKNOWN_USER: "check the spelling, or register the visitor",
    Reason.GUARDED: (
        "see 'nexio guard list'; 'nexio guard release' lets the guest's device try again at once"
    ),
    Reason.TOO_SOON: "let the guest wait for five seconds, and type the PIN once more",
    Reason.NO_DEVICE: "let the NAS send the device's MAC address in Calling-Station-Id",
    Reason.TOO_MANY_DEVICES: "see and free devices: nexio visitor devices",
    Reason.UNCOUNTED: (
        "see 'nexio doctor'; device-limit-outage=allow lets such devices on meanwhile"
    ),
    Reason.NO_LOCATION: "see 'nexio nas list' for the SSIDs and identifiers that are known",
}
"""What to do about a reject, for ``nexio explain``."""
