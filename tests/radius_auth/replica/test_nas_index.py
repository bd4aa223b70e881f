"""Finding the NAS that a request comes from."""

from typing import Any

import pytest

from nexio.network.nas import Nas
from radius_auth.replica.nas_index import Client, NasIndex, ssid_of
from tests.support.radius.guests import ANNEX, SECRET, nas


def names(index: NasIndex, source: str) -> list[str]:
    """The entries behind a source address."""
    client = index.find(source)
    return [] if client is None else [entry.name for entry in client.entries]


NESTED = NasIndex(
    [
        nas(1, "192.0.2.0/24"),
        nas(2, "192.0.2.16/28"),
        nas(3, "192.0.2.17"),
        nas(4, "2001:db8::/32"),
        nas(5, "2001:db8:0:7::/64"),
        nas(6, "fe80::1"),
    ]
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("192.0.2.1", ["ap-1"]),
        ("192.0.2.16", ["ap-2"]),
        ("192.0.2.17", ["ap-3"]),
        ("192.0.2.31", ["ap-2"]),
        ("192.0.2.32", ["ap-1"]),
        ("192.0.3.1", []),
        ("2001:db8::1", ["ap-4"]),
        ("2001:db8:0:7:ffff::1", ["ap-5"]),
        ("2001:db9::1", []),
        ("fe80::1%eth0", ["ap-6"]),
        ("fe80::2%eth0", []),
    ],
)
def test_the_longest_prefix_wins(source: str, found: list[str]) -> None:
    """Must 1: the secret is chosen by the source address alone, most exact entry first."""
    assert names(NESTED, source) == found
    assert names(NESTED, source) == found  # once more, now that it may be remembered


def test_the_order_of_the_entries_does_not_matter() -> None:
    """Must 1: nor in which order they were added."""
    index = NasIndex([nas(1, "192.0.2.1"), nas(2, "192.0.2.0/24"), nas(3, "0.0.0.0/0")])

    assert [names(index, source) for source in ("192.0.2.1", "192.0.2.2", "203.0.113.1")] == [
        ["ap-1"],
        ["ap-2"],
        ["ap-3"],
    ]


def test_v4_and_v6_are_kept_apart() -> None:
    """Must 1: the same number in the other family is another address."""
    assert names(NasIndex([nas(1, "0.0.0.0/0")]), "::1") == []
    assert names(NasIndex([nas(1, "::/0")]), "127.0.0.1") == []
    assert names(NasIndex([nas(1, "0.0.0.1")]), "::1") == []


def test_nobody_is_known_at_first() -> None:
    """Must 1: no NAS, no answer."""
    assert NasIndex([]).find("127.0.0.1") is None


def test_the_strictest_policy_of_an_address_holds() -> None:
    """Must 12: the policy is held before the SSID may be believed."""
    lax: dict[str, Any] = {"require_message_authenticator": False, "limit_proxy_state": False}
    index = NasIndex([nas(1, **lax), nas(2, ssid="Guest", **lax | {"limit_proxy_state": True})])

    client = index.find("127.0.0.1")

    assert client is not None
    assert (client.secret, client.require_message_authenticator, client.limit_proxy_state) == (
        SECRET,
        False,
        True,
    )


def test_no_secret_is_in_the_repr() -> None:
    """Must 20: of a client as of a NAS."""
    assert SECRET.decode() not in repr(NESTED.find("192.0.2.1"))


PLAIN = nas(1)
GUEST = nas(2, ssid="Guest")
LOBBY = nas(3, identifier="lobby")
GUEST_IN_LOBBY = nas(4, ssid="Guest", identifier="lobby")
ANNEX_NET = nas(5, ssid="Annex: 5 GHz", location=ANNEX)
ALL = (PLAIN, GUEST, LOBBY, GUEST_IN_LOBBY, ANNEX_NET)


@pytest.mark.parametrize(
    ("entries", "called", "identifier", "expected"),
    [
        (ALL, None, None, PLAIN),
        (ALL, b"02-00-00-00-00-01:Guest", None, GUEST),
        (ALL, b"02:00:00:00:00:01:Guest", None, GUEST),
        (ALL, b"02-00-00-00-00-01:Guest", b"roof", GUEST),
        (ALL, b"020000000001:Guest", None, GUEST),
        (ALL, b"0200.0000.0001:Guest", None, GUEST),
        (ALL, b"0200-0000-0001:Guest", None, GUEST),
        (ALL, b"020000-000001:Guest", None, GUEST),
        (ALL, b"02.00.00.00.00.01:Guest", None, GUEST),
        (ALL, b"AA-bb-CC-dd-EE-ff:Guest", None, GUEST),
        (ALL, b"Guest", None, GUEST),
        (ALL, b"evil:Guest", None, PLAIN),
        (ALL, b":Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01:evil:Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01::Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01-Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00:Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01-02:Guest", None, PLAIN),
        (ALL, b"02-00:00-00:00-01:Guest", None, PLAIN),
        (ALL, b"x02-00-00-00-00-01:Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01:Guest\n", None, PLAIN),
        (ALL, b"02-00-00-00-00-01:guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01:My Guest", None, PLAIN),
        (ALL, b"02-00-00-00-00-01", b"lobby", LOBBY),
        (ALL, b"02-00-00-00-00-01:Guest", b"lobby", GUEST_IN_LOBBY),
        (ALL, b"02-00-00-00-00-01:Annex: 5 GHz", None, ANNEX_NET),
        (ALL, b"02-00-00-00-00-01:Annex: 5 GHz", b"lobby", ANNEX_NET),
        ((GUEST, LOBBY), None, None, None),
        ((GUEST, LOBBY), b"02-00-00-00-00-01:Staff", b"roof", None),
        ((GUEST,), b"02-00-00-00-00-01:\xff\xfe", b"\0", None),
    ],
)
def test_ssid_and_identifier_narrow_to_an_entry(
    entries: tuple[Nas, ...], called: bytes | None, identifier: bytes | None, expected: Nas | None
) -> None:
    """R19: the most exact entry that fits, or none."""
    for order in (entries, entries[::-1]):
        client = NasIndex(order).find("127.0.0.1")
        assert isinstance(client, Client)
        assert client.narrow(called, identifier) == expected


@pytest.mark.parametrize(
    ("called", "ssid"),
    [
        (b"02-00-00-00-00-01:02-00-00-00-00-02:Guest", b"02-00-00-00-00-02:Guest"),
        (b"02:00:00:00:00:01:Guest", b"Guest"),
        (b"02-00-00-00-00-01:", b""),
        (b"02-00-00-00-00-01", b""),
        (b"02:00:00:00:00:01", b""),
        (b"hotspot1", b"hotspot1"),
        (b"02-00-00-00-00-01:Caf\xe9", b"Caf\xe9"),
        (b"", b""),
    ],
)
def test_the_ssid_is_what_follows_the_mac_address(called: bytes, ssid: bytes) -> None:
    """R19: all of it, colons and odd octets too; without a MAC address the whole value."""
    assert ssid_of(called) == ssid


@pytest.mark.parametrize(
    ("called", "identifiers", "expected"),
    [
        ([], [], (PLAIN,)),
        ([b"02-00-00-00-00-01:Guest", b"02:00:00:00:00:01:Guest"], [], (GUEST,)),
        ([b"02-00-00-00-00-01", b"0200.0000.0001"], [], (PLAIN,)),
        ([b"02-00-00-00-00-01", b"02-00-00-00-00-01:Annex: 5 GHz"], [], (ANNEX_NET,)),
        ([b"02-00-00-00-00-01:Staff", b"02-00-00-00-00-01:Guest"], [], (PLAIN,)),
        ([b"02-00-00-00-00-01:Guest", b"1:Annex: 5 GHz", b"Annex: 5 GHz"], [], (GUEST, ANNEX_NET)),
        ([], [b"lobby", b"lobby"], (LOBBY,)),
    ],
)
def test_what_comes_twice_may_lead_to_one_location(
    called: list[bytes], identifiers: list[bytes], expected: tuple[Nas, ...]
) -> None:
    """R22: only two locations contradict each other."""
    client = NasIndex(ALL).find("127.0.0.1")
    assert client is not None

    assert client.narrow_all(called, identifiers) == expected


def test_an_ssid_may_end_like_another_one() -> None:
    """R19: it may hold a colon."""
    short, long = nas(1, ssid="5 GHz"), nas(2, ssid="Annex:5 GHz")
    client = NasIndex([short, long]).find("127.0.0.1")
    assert client is not None

    assert client.narrow(b"02-00-00-00-00-01:Annex:5 GHz", None) == long
    assert client.narrow(b"02-00-00-00-00-01:5 GHz", None) == short
