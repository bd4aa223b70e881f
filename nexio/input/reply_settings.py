"""Parses what an Access-Accept has beside Session-Timeout and Class, as an engineer types it.

``NAME=VALUE``: the name is one of :data:`SETTINGS`, which each NAS gets in its own dialect, or that
of an attribute.  ``walk-in:NAME=VALUE`` applies to the visitors of one source (R21).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from nexio.errors import InvalidValue, Refused
from nexio.input.durations import format_duration, parse_duration
from nexio.input.names import parse_text, quoted

NONE: Final = "none"
"""The value of a setting that is not sent at all, whatever a more general place sets."""

LONGEST_NAME: Final = 63
LARGEST_VLAN: Final = 4094
"""IEEE 802.1Q."""

SLOWEST, FASTEST = 1_000, 4_000_000_000
"""Bits per second: what WISPr's 32 bits hold."""

LARGEST_REPLY: Final = 1_000
"""Octets for the attributes of one place: a packet has 4096, also for its Proxy-States."""

MOST_ATTRIBUTES: Final = 60
"""In one place: many NAS accept 200 in a packet."""

_RATE: Final = r"(?ai)(\d{1,10})\s*([kmg]?)(?:bit/s|bps)?"
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


class ReplySetting(NamedTuple):
    """One setting of an Access-Accept."""

    source: str
    """The source of the visitors it is for; empty for all."""

    name: str
    value: str
    octets: bytes = b""
    """The attribute as it is sent, if the name is that of an attribute."""

    @property
    def key(self) -> str:
        """Its name on the command line."""
        return f"{self.source}:{self.name}" if self.source else self.name


Replies = tuple[ReplySetting, ...]

Encode = Callable[[str, str], tuple[str, str, bytes]]
"""From an attribute's name and value to their canonical spelling and the octets."""

SOURCES: Final = ("admin", "customer", "walk-in")


def parse_replies(words: Iterable[str], encode: Encode) -> dict[str, list[ReplySetting]]:
    """Read ``NAME=VALUE`` words.

    Args:
        words: as they were typed; an attribute may come more than once.
        encode: knows attributes by their names.

    Returns:
        The settings by their keys; an empty list if the value was empty: that removes the setting.

    Raises:
        InvalidValue: no ``NAME=VALUE``, an unknown name, or a value that cannot be read.
        Refused: an attribute that may not be set.
    """
    read: dict[str, list[ReplySetting]] = {}
    for word in words:
        key, equals, text = word.partition("=")
        source, colon, name = key.strip().rpartition(":")
        if not equals or not name:
            raise InvalidValue(f"{quoted(word)} is not NAME=VALUE", "Write for example: vlan=20")
        if colon and source not in SOURCES:
            raise InvalidValue(
                f"there are no visitors of the source {quoted(source)}",
                f"The sources are {', '.join(SOURCES)}.",
            )
        setting = _parse(source, name, text.strip(), encode)
        settings = read.setdefault(setting.key, [])
        if setting.value:
            if settings and not setting.octets:
                raise InvalidValue(f"{setting.key} is set twice", "Give each setting once.")
            settings.append(setting)
    return read


def with_changes(old: Replies, changes: Mapping[str, Sequence[ReplySetting]]) -> Replies:
    """The settings of a place after a change; settings that were not given stay.

    Raises:
        Refused: they would not fit into a packet together with those of other places.
    """
    unchanged = [setting for setting in old if setting.key not in changes]
    new = (*unchanged, *(setting for settings in changes.values() for setting in settings))
    octets = sum(len(setting.octets) for setting in new)
    if octets > LARGEST_REPLY or len(new) > MOST_ATTRIBUTES:
        raise Refused(
            f"these are more than {MOST_ATTRIBUTES} attributes, or {LARGEST_REPLY} octets of them",
            "Let the access point keep them under a name: role=…",
        )
    return tuple(sorted(new, key=lambda setting: setting.key))


def written(replies: Replies) -> str:
    """The settings as stored: JSON of source, name, value and octets in hex."""
    return json.dumps([(*each[:3], each.octets.hex()) for each in replies])


def read(text: str) -> Replies:
    """Read the settings from what :func:`written` returned.

    Raises:
        ValueError: the text is something else.
    """
    try:
        return tuple(
            ReplySetting(str(source), str(name), str(value), bytes.fromhex(octets))
            for source, name, value, octets in json.loads(text)
        )
    except TypeError as error:
        raise ValueError("no settings") from error


def rate_of(text: str) -> int:
    """The bits per second of a stored rate: ``512k``."""
    found = re.fullmatch(_RATE, text)
    if found is None:
        raise ValueError(f"not a rate: {text!r}")
    return int(found[1]) * _UNITS[found[2].lower()]


def _parse(source: str, name: str, text: str, encode: Encode) -> ReplySetting:
    parse = _PARSERS.get(name.lower())
    if parse is not None:
        name = name.lower()
        if text and text.lower() != NONE:
            return ReplySetting(source, name, parse(name, text))
        return ReplySetting(source, name, text.lower())
    if not text:
        name, _, _ = encode(name, "")
        return ReplySetting(source, name, "")
    return ReplySetting(source, *encode(name, text))


def _vlan(key: str, text: str) -> str:
    if text.isascii() and text.isdigit():
        if len(text) <= len(str(LARGEST_VLAN)) and 1 <= int(text) <= LARGEST_VLAN:
            return str(int(text))
        raise InvalidValue(
            f"{key}={text[:20]} is not allowed", f"A VLAN is a number from 1 to {LARGEST_VLAN}."
        )
    return _name(key, text)


def _name(key: str, text: str) -> str:
    return parse_text(text, key, LONGEST_NAME)


def _rate(key: str, text: str) -> str:
    found = re.fullmatch(_RATE, text)
    bits = int(found[1]) * _UNITS[found[2].lower()] if found else 0
    if not SLOWEST <= bits <= FASTEST or bits % SLOWEST:
        raise InvalidValue(
            f"{key}={text[:20]} cannot be read",
            f"Write bits per second, 1k to 4G: {key}=512k or {key}=10M.",
        )
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if bits % size == 0:
            return f"{bits // size}{unit}"
    return f"{bits // SLOWEST}k"


def _duration(key: str, text: str) -> str:
    try:
        return format_duration(parse_duration(text))
    except InvalidValue as error:
        raise InvalidValue(f"{key}={text[:20]} cannot be read: {error}", error.advice) from error


def _switch(key: str, text: str) -> str:
    if text.lower() == "on":
        return "on"
    raise InvalidValue(f"{key}={text[:20]} cannot be read", f"Write {key}=on or {key}=none.")


_PARSERS: Final[dict[str, Callable[[str, str], str]]] = {
    "vlan": _vlan,
    "bandwidth-down": _rate,
    "bandwidth-up": _rate,
    "role": _name,
    "idle-timeout": _duration,
    "interim-interval": _duration,
    "end-time": _switch,
}

SETTINGS: Final = tuple(_PARSERS)
"""The names of settings that each NAS gets in its own dialect."""
