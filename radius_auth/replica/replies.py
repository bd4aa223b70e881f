"""Prepares the attributes of accepts besides Session-Timeout and Class, when the table is read.

For each name the most specific place decides: the NAS, then its location, then the profile of the
NAS; and in each place a setting for the visitors of one source comes before one for all.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from nexio.input.durations import parse_duration
from nexio.input.reply_settings import NONE, SETTINGS, SOURCES, Replies, ReplySetting, rate_of
from nexio.network.nas_profiles import GENERIC, NasProfile, profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas

TERMINATE_TIME: Final = "WISPr-Session-Terminate-Time"

TYPES: Final = {
    "Filter-Id": (0, 11),
    "Idle-Timeout": (0, 28),
    "Tunnel-Type": (0, 64),
    "Tunnel-Medium-Type": (0, 65),
    "Tunnel-Private-Group-Id": (0, 81),
    "Acct-Interim-Interval": (0, 85),
    "Cisco-AVPair": (9, 1),
    "WISPr-Bandwidth-Max-Up": (14122, 7),
    "WISPr-Bandwidth-Max-Down": (14122, 8),
    TERMINATE_TIME: (14122, 9),
    "Aruba-User-Role": (14823, 1),
    "Mikrotik-Rate-Limit": (14988, 8),
}
"""Vendor and type of the attributes that settings become; the same as in the dictionary."""

_NUMBERS: Final[Mapping[tuple[str, int | str], int]] = {
    ("Tunnel-Type", "VLAN"): 13,
    ("Tunnel-Medium-Type", "IEEE-802"): 6,
}
"""RFC 3580 section 3.31."""

_VENDOR_SPECIFIC: Final = 26


class PreparedReply(NamedTuple):
    """The attributes of accepts at one NAS for the visitors of one source."""

    octets: bytes
    attributes: tuple[tuple[str, str], ...]
    """The same as text, as FreeRADIUS takes them."""

    zone: tzinfo | None
    """The zone in which the end of the window is sent; None if it is not sent."""

    def octets_for(self, visit: FollowedVisit) -> bytes:
        """The attributes, with the end of a visitor's window if it is sent."""
        end = self._end_of(visit)
        return self.octets + _octets(TERMINATE_TIME, end) if end else self.octets

    def attributes_for(self, visit: FollowedVisit) -> tuple[tuple[str, str], ...]:
        """The same as text."""
        end = self._end_of(visit)
        return (*self.attributes, (TERMINATE_TIME, end)) if end else self.attributes

    def _end_of(self, visit: FollowedVisit) -> str:
        """The end of the window, like 2026-11-27T18:00:00+01:00, or empty."""
        if self.zone is None or visit.valid_until is None:
            return ""
        return visit.valid_until.astimezone(self.zone).isoformat(timespec="seconds")


BySource = dict[str, PreparedReply]
"""The reply for each source; under "" the one for all others."""


def prepare_replies(nas: Iterable[Nas], locations: Mapping[int, Location]) -> dict[int, BySource]:
    """The replies of each NAS with further attributes, by its number."""
    prepared = {}
    for each in nas:
        location = locations.get(each.location.id, each.location)
        if each.profile == GENERIC and not each.reply and not location.reply:
            continue
        reply = prepare_reply(each, location)
        if reply:
            prepared[each.id] = reply
    return prepared


def prepare_reply(nas: Nas, location: Location) -> BySource:
    """The replies of a NAS; empty if it has no further attributes."""
    return _prepare(nas.profile, location.reply or (), nas.reply, location)


@lru_cache(maxsize=256)
def _prepare(profile_name: str, here: Replies, at_nas: Replies, location: Location) -> BySource:
    """The same, cached, as many NAS have the same settings."""
    profile = profile_of(profile_name)
    defaults = tuple(ReplySetting("", name, value) for name, value in profile.sends.items())
    places = (defaults, here, at_nas)
    sources = {setting.source for setting in (*here, *at_nas)} & set(SOURCES)
    by_source = {source: _reply(profile, places, source, location) for source in ("", *sources)}
    return by_source if any(reply != _NOTHING for reply in by_source.values()) else {}


def _reply(
    profile: NasProfile, places: Iterable[Replies], source: str, location: Location
) -> PreparedReply:
    chosen: dict[str, list[ReplySetting]] = {}
    for place in places:
        for wanted in dict.fromkeys(("", source)):
            given: defaultdict[str, list[ReplySetting]] = defaultdict(list)
            for setting in place:
                if setting.source == wanted:
                    given[setting.name].append(setting)
            chosen.update(given)
    settings = {
        name: found[0].value
        for name, found in chosen.items()
        if name in SETTINGS and found[0].value != NONE
    }
    by_name = [setting for found in chosen.values() for setting in found if setting.octets]
    named = {setting.name for setting in by_name}
    made = [each for each in _attributes_of(settings, profile) if each[0] not in named]
    return PreparedReply(
        b"".join(_octets(*each) for each in made) + b"".join(each.octets for each in by_name),
        (*((name, str(value)) for name, value in made), *((s.name, s.value) for s in by_name)),
        _zone_of(location) if "end-time" in settings else None,
    )


def _zone_of(location: Location) -> tzinfo:
    """The zone, or UTC if no file can be opened at this moment: the instant is the same."""
    try:
        return location.zone
    except OSError:
        return UTC


_NOTHING: Final = PreparedReply(b"", (), None)


def _attributes_of(settings: Mapping[str, str], profile: NasProfile) -> list[tuple[str, int | str]]:
    """The attributes for settings, in the dialect of a NAS."""
    made: list[tuple[str, int | str]] = []
    for setting, attribute in _SECONDS.items():
        if setting in settings:
            seconds = parse_duration(settings[setting]) // timedelta(seconds=1)
            made.append((attribute, seconds))
    if "vlan" in settings:
        made += [("Tunnel-Type", "VLAN"), ("Tunnel-Medium-Type", "IEEE-802")]
        made.append(("Tunnel-Private-Group-Id", settings["vlan"]))
    made += _bandwidth(settings, profile.bandwidth)
    if "role" in settings:
        for template in profile.role:
            attribute, _, value = template.partition("=")
            made.append((attribute, value.format(settings["role"])))
    return made


_SECONDS: Final = {"idle-timeout": "Idle-Timeout", "interim-interval": "Acct-Interim-Interval"}


def _bandwidth(settings: Mapping[str, str], dialect: str) -> list[tuple[str, int | str]]:
    up, down = settings.get("bandwidth-up"), settings.get("bandwidth-down")
    if dialect == "mikrotik" and up and down:  # rx/tx, as the router sees it
        return [("Mikrotik-Rate-Limit", f"{up}/{down}")]
    if dialect == NONE:
        return []
    named = ("WISPr-Bandwidth-Max-Up", up), ("WISPr-Bandwidth-Max-Down", down)
    return [(attribute, rate_of(rate)) for attribute, rate in named if rate]


def _octets(name: str, value: int | str) -> bytes:
    vendor, kind = TYPES[name]
    number = _NUMBERS.get((name, value), value)
    octets = number.to_bytes(4) if isinstance(number, int) else number.encode()
    attribute = bytes([kind, 2 + len(octets)]) + octets
    if not vendor:
        return attribute
    return bytes([_VENDOR_SPECIFIC, 6 + len(attribute)]) + vendor.to_bytes(4) + attribute
