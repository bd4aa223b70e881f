"""Profiles of the kinds of NAS: how each takes disconnects, counts, and limits a guest.

The facts are in ``nas_profiles.toml``, each with its source.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from nexio.errors import NotFound
from nexio.network.nas_texts import DISCONNECT_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

GENERIC: Final = "generic"
"""The profile of a NAS of unknown kind: as the RFCs say."""

COUNTS: Final = ("nas", "client")
"""From whose point of view accounting octets are in and out; in RFC 2866, the NAS's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One known fact, and its source."""

    says: str
    source: str
    """A URL, or what was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NasProfile:
    """One kind of NAS."""

    name: str
    title: str
    disconnect_port: int = DISCONNECT_PORT
    identified_by: frozenset[str] | None = None
    """The attributes that identify a session in a Disconnect-Request; None is all known ones."""

    bare_nak_is_gone: bool = False
    """Whether a NAK without Error-Cause means that there is no such session."""

    counts: str = COUNTS[0]
    bandwidth: str = "wispr"
    """``wispr``, ``mikrotik``, or ``none``: it takes no numbers, only the name of a role."""

    role: tuple[str, ...] = ("Filter-Id={}",)
    """Attributes that name the rules for a guest, which are configured on the NAS."""

    sends: Mapping[str, str] = field(default_factory=dict)
    """Default settings of its replies."""

    facts: tuple[Fact, ...] = ()
    tried: str
    unknown: str


def list_profiles() -> list[NasProfile]:
    """All profiles, the generic one first."""
    return list(_profiles().values())


def profile_of(name: str) -> NasProfile:
    """The profile of that name; the generic one for an unknown name of a newer version."""
    return _profiles().get(name) or _profiles()[GENERIC]


def get_profile(name: str) -> NasProfile:
    """The profile of that name.

    Raises:
        NotFound: there is no such profile.
    """
    found = _profiles().get(name.strip().lower())
    if found is None:
        raise NotFound(
            f"there is no NAS profile {name[:40]!r}", f"The profiles are: {', '.join(_profiles())}"
        )
    return found


@cache
def _profiles() -> dict[str, NasProfile]:
    text = (resources.files("nexio.network") / "nas_profiles.toml").read_text(encoding="utf-8")
    return {name: _profile(name, **values) for name, values in tomllib.loads(text).items()}


def _profile(name: str, **values: Any) -> NasProfile:
    values["facts"] = tuple(Fact(**fact) for fact in values["facts"])
    for lists, kind in (("identified_by", frozenset), ("role", tuple)):
        if lists in values:
            values[lists] = kind(values[lists])
    return NasProfile(name=name, **values)
