"""A store of version 0007 is brought up: visits name no duration, and NAS have one spelling."""

from __future__ import annotations

from contextlib import closing
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from nexio.network.nas import NasChanges, edit_nas, list_nas
from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from radius_auth.replica.nas_index import NasIndex
from tests.support.clocks import Clock
from tests.support.old_rows import rows_of_0002
from tests.support.reception import reissue

if TYPE_CHECKING:
    from nexio.keys.keyring import Keyring
    from tests.support.old_stores import Upgrade

ADDRESSES = {
    "::ffff:c000:201/128": "192.0.2.1/32",
    "::ffff:c633:6400/120": "198.51.100.0/24",
    "::ffff:cb00:7107/128": "::ffff:cb00:7107/128",  # 203.0.113.7, which is there already
    "203.0.113.7/32": "203.0.113.7/32",
    "2001:db8::/64": "2001:db8::/64",
    "::/0": "::/0",
}
"""What stood in an old store, and what it becomes."""


def rows_of_0007(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """As before, with NAS that were accepted and never matched."""
    rows = rows_of_0002(keyring)
    (lobby,) = rows["nas"]
    more = [
        lobby | {"name": f"ap-{number}", "name_key": f"ap-{number}", "address": address}
        for number, address in enumerate(ADDRESSES)
    ]
    twin = more[0] | {"name": "twin", "name_key": "twin", "ssid": "Staff", "ssid_key": "Staff"}
    return rows | {"nas": [lobby, *more, twin]}


OLD = "0007", rows_of_0007


def test_nothing_else_changes(upgraded: Upgrade) -> None:
    """Each row has what it had, but for the addresses; no visit has a duration of its own."""
    assert upgraded.version == "0007"
    upgraded.check_rows(nas="address")
    assert all(row["token_duration"] is None for row in upgraded.after["visit"])


def test_nas_that_never_matched_do(upgraded: Upgrade, clock: Clock) -> None:
    """Also two of one address, told apart by the SSID; who has the IPv4 address keeps it."""
    with closing(Store.open(upgraded.configuration, clock)) as store:
        with store.read() as work:
            entries = {nas.name: nas for nas in list_nas(work)}
        found = {f"ap-{n}": address for n, address in enumerate(ADDRESSES.values())}
        # As networks: Python 3.13 writes an address in IPv4-in-IPv6 in another way.
        assert {name: entries[name].address for name in found} == {
            name: ip_network(address) for name, address in found.items()
        }
        assert str(entries["twin"].address) == "192.0.2.1/32"
        client = NasIndex(entries.values()).find("192.0.2.1")
        assert client is not None
        assert {nas.name for nas in client.entries} == {"ap-0", "twin"}
        with store.write() as work:
            assert edit_nas(work, "ap-2", NasChanges(ssid="Guests")).ssid == "Guests"


def test_an_old_visit_is_of_use(upgraded: Upgrade, clock: Clock) -> None:
    """Its reissue is by the settings, as it was."""
    with closing(Store.open(upgraded.configuration, clock)) as store:
        with store.read() as work:
            zoe = get_visit(work, "1", None)
        new = reissue(store, zoe)
    assert (new.replaces, new.token is not None) == (1, True)
