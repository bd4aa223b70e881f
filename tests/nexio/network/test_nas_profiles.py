"""The kinds of NAS: data, with a source for each fact."""

from __future__ import annotations

import pytest

from nexio.errors import NotFound
from nexio.input.reply_settings import parse_replies
from nexio.network.nas_profiles import (
    COUNTS,
    GENERIC,
    NasProfile,
    get_profile,
    list_profiles,
    profile_of,
)

NAMES = [
    "generic",
    "mikrotik",
    "unifi",
    "aruba",
    "cisco",
    "meraki",
    "omada",
    "coova-chilli",
    "openwrt-hostapd",
]

IDENTIFYING = {"User-Name", "Calling-Station-Id", "Acct-Session-Id"}
SENT = IDENTIFYING | {"NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier"}
"""What a Disconnect-Request of ours may name."""


def test_which_there_are() -> None:
    """The generic one first."""
    assert [profile.name for profile in list_profiles()] == NAMES


@pytest.mark.parametrize("profile", list_profiles(), ids=NAMES)
def test_each_says_who_says_so(profile: NasProfile) -> None:
    """A source for each fact, what was tried, and what nobody knows."""
    assert profile.facts
    assert all(fact.says and fact.source for fact in profile.facts)
    assert profile.tried
    assert profile.unknown


@pytest.mark.parametrize("profile", list_profiles(), ids=NAMES)
def test_each_is_whole(profile: NasProfile) -> None:
    """It finds a session by something that is sent, and its defaults can be read."""
    if profile.identified_by is not None:
        assert profile.identified_by & IDENTIFYING
        assert profile.identified_by <= SENT
    assert profile.counts in COUNTS
    assert profile.bandwidth in {"wispr", "mikrotik", "none"}
    assert all(template.count("{}") == 1 and "=" in template for template in profile.role)
    words = [f"{name}={value}" for name, value in profile.sends.items()]
    assert len(parse_replies(words, lambda name, _: pytest.fail(name))) == len(words)


def test_by_name() -> None:
    """In any case; a name from a newer version stands for no known kind."""
    assert get_profile(" MikroTik ").name == "mikrotik"
    assert profile_of("from the future").name == GENERIC
    with pytest.raises(NotFound, match="no NAS profile 'ciscoo'"):
        get_profile("ciscoo")
