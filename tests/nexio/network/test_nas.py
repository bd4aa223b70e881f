"""NAS: who may ask us over RADIUS (R19)."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.locations.locations import Location
from nexio.network.nas import (
    Nas,
    NasChanges,
    NewNas,
    add_nas,
    edit_nas,
    find_nas,
    get_nas,
    list_nas,
    remove_nas,
    warnings_for,
)
from nexio.network.nas_texts import parse_address, parse_disconnect
from nexio.store.engine import Store
from nexio.store.tables import AuditRow, NasRow
from radius_auth.replica.nas_index import NasIndex
from tests.support.people import add_location
from tests.support.stores import row_counts

LOBBY = NewNas(name="lobby", address="192.0.2.10", secret="a long enough secret")


def added(store: Store, location: Location, new: NewNas = LOBBY) -> Nas:
    """A NAS that is in the store."""
    with store.write() as work:
        return add_nas(work, location, new)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.10", "192.0.2.10/32"),
        (" 192.0.2.10 ", "192.0.2.10/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2001:DB8::/64", "2001:db8::/64"),
        ("2001:0db8:0000::0001", "2001:db8::1/128"),
        ("::ffff:192.0.2.10", "192.0.2.10/32"),
        ("::FFFF:C000:020A", "192.0.2.10/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("::fffe:0:0/95", "::fffe:0:0/95"),
    ],
)
def test_an_address_or_a_network(text: str, network: str) -> None:
    """IPv4 and IPv6."""
    assert parse_address(text) == ip_network(network)


@pytest.mark.parametrize(
    "text",
    [
        *("", "lobby", "192.0.2", "192.0.2.256", "192.0.2.0/33", "2001:db8::/129", "1:2:3"),
        *("192.000.002.010", "0300.0.2.10", "0xc0.0.2.10", "3221225994", "192.0.2.10 ;"),
        "::ffff:192.0.2.010",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """The advice shows all three forms."""
    with pytest.raises(InvalidValue, match="is not an IP address") as caught:
        parse_address(text)
    assert caught.value.advice == "Write 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64."


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.10/24", "192.0.2.0/24"),
        ("2001:db8::1/64", "2001:db8::/64"),
        ("::ffff:192.0.2.10/120", "192.0.2.0/24"),
    ],
)
def test_a_network_with_host_bits_is_refused_with_a_proposal(text: str, meant: str) -> None:
    """An address and a length: one of them is wrong."""
    with pytest.raises(InvalidValue, match=f"{text} is no network by itself") as caught:
        parse_address(text)
    assert caught.value.advice == f"Do you mean {meant}?"


def test_a_nas_is_read_back(store: Store, location: Location) -> None:
    """With its secret, which is sealed in between."""
    nas = added(store, location, replace(LOBBY, ssid="Guests", identifier="ap-1"))
    assert nas == Nas(
        id=nas.id,
        name="lobby",
        address=ip_network("192.0.2.10"),
        location=location,
        secret=b"a long enough secret",
        ssid="Guests",
        identifier="ap-1",
        require_message_authenticator=True,
        limit_proxy_state=True,
    )
    with store.read() as work:
        assert list_nas(work) == [nas]
        assert find_nas(work, " LOBBY ") == nas
        row = work.session.scalars(select(NasRow)).one()
        assert b"secret" not in row.secret_sealed
    assert "long enough" not in repr(nas) + repr(LOBBY)


def test_a_strong_secret_is_made_where_none_is_given(store: Store, location: Location) -> None:
    """Another one for each NAS."""
    one = added(store, location, replace(LOBBY, secret=None))
    two = added(store, location, NewNas(name="two", address="192.0.2.11"))
    assert len(one.known_secret) >= 32
    assert one.secret != two.secret
    assert warnings_for(one) == []


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("", "the secret is empty"),
        ("x" * 129, "this secret cannot be used"),
        ("ä" * 65, "this secret cannot be used"),
        ("line\nbreak", "this secret cannot be used"),
        ("a\udc80b", "this secret cannot be used"),
    ],
)
def test_must_02_a_secret_that_cannot_be_used(
    sqlite_store: Store, sqlite_location: Location, secret: str, message: str
) -> None:
    """The message does not repeat it."""
    with pytest.raises(InvalidValue) as caught:
        added(sqlite_store, sqlite_location, replace(LOBBY, secret=secret))
    assert str(caught.value) == message


@pytest.mark.parametrize("secret", ["x" * 128, "ä" * 64, "with blanks and 'quotes'"])
def test_must_02_a_long_secret_is_kept_whole(
    sqlite_store: Store, sqlite_location: Location, secret: str
) -> None:
    """64 octets and more are supported."""
    nas = added(sqlite_store, sqlite_location, replace(LOBBY, secret=secret))
    assert nas.secret == secret.encode()


@pytest.mark.parametrize(
    ("new", "warned"),
    [
        (replace(LOBBY, secret="twelve chars"), "A secret of 12 octets can be guessed"),
        (replace(LOBBY, secret="x"), "A secret of 1 octets can be guessed"),
        (replace(LOBBY, require_message_authenticator=False), "CVE-2024-3596"),
    ],
)
def test_must_02_what_is_allowed_but_weak_is_warned_of(
    sqlite_store: Store, sqlite_location: Location, new: NewNas, warned: str
) -> None:
    """A secret of 13 octets is not."""
    (warning,) = warnings_for(added(sqlite_store, sqlite_location, new))
    assert warned in warning
    other = NewNas(name="other", address="192.0.2.11", secret="thirteen char")
    assert warnings_for(added(sqlite_store, sqlite_location, other)) == []


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("0.0.0.0/0", True),
        ("::/0", True),
        ("127.0.0.0/8", True),
        ("10.0.0.0/15", True),
        ("10.0.0.0/16", False),
        ("2001:db8::/47", True),
        ("2001:db8::/48", False),
        ("192.0.2.10", False),
    ],
)
def test_a_network_that_is_larger_than_a_site_is_warned_of(
    sqlite_store: Store, sqlite_location: Location, address: str, warned: bool
) -> None:
    """The whole Internet, say: whoever has the secret is trusted from anywhere."""
    nas = added(sqlite_store, sqlite_location, NewNas(name="wide", address=address))
    said = [words for words in warnings_for(nas) if "very large network" in words]
    assert bool(said) is warned


def test_a_taken_name_is_refused(store: Store, location: Location) -> None:
    """In any case, at any location."""
    added(store, location)
    annex = add_location(store, "Annex")
    with pytest.raises(Refused, match="there is a NAS 'LOBBY' already"):
        added(store, annex, NewNas(name="LOBBY", address="192.0.2.11"))


def test_a_nas_needs_a_name(sqlite_store: Store, sqlite_location: Location) -> None:
    """It is what the log calls it."""
    with pytest.raises(InvalidValue, match="the NAS has no name"):
        added(sqlite_store, sqlite_location, replace(LOBBY, name=" "))


def test_r19_one_address_has_one_secret(store: Store, location: Location) -> None:
    """The secret is chosen by source address, before the SSID can be read."""
    added(store, location, replace(LOBBY, ssid="Guests"))
    before = row_counts(store)
    other = replace(LOBBY, name="other", ssid="Annex", secret="another long secret")
    with pytest.raises(Refused, match=r"192\.0\.2\.10/32 has another secret at the NAS 'lobby'"):
        added(store, location, other)
    assert row_counts(store) == before


@pytest.mark.parametrize("secret", [LOBBY.secret, None])
def test_r19_one_controller_serves_several_locations(
    store: Store, location: Location, secret: str | None
) -> None:
    """By SSID or identifier, under the same secret, which need not be said again."""
    annex = add_location(store, "Annex")
    added(store, location, replace(LOBBY, ssid="Guests"))
    by_ssid = replace(LOBBY, name="two", ssid="Annex", secret=secret)
    by_identifier = replace(LOBBY, name="three", identifier="ap-3", secret=secret)
    for new in (by_ssid, by_identifier):
        nas = added(store, annex, new)
        assert nas.secret == b"a long enough secret"
        assert nas.location == annex
    with store.read() as work:
        assert [nas.name for nas in list_nas(work, annex)] == ["three", "two"]
        assert [nas.name for nas in list_nas(work)] == ["lobby", "three", "two"]


@pytest.mark.parametrize("ssid", [None, "Guests"])
def test_r19_the_same_address_and_narrowing_is_refused(
    store: Store, location: Location, ssid: str | None
) -> None:
    """Nobody could tell which of the two is meant."""
    added(store, location, replace(LOBBY, ssid=ssid))
    with pytest.raises(Refused, match="belongs to the NAS 'lobby' already") as caught:
        added(store, location, replace(LOBBY, name="twin", ssid=ssid))
    assert "--ssid" in caught.value.advice


def test_r19_a_constraint_keeps_narrowings_apart(store: Store, location: Location) -> None:
    """Also where two engineers do the same at once."""
    added(store, location)
    added(store, location, NewNas(name="other", address="192.0.2.11"))
    narrowing = r"uq_nas_narrowing|nas\.address, nas\.ssid_key, nas\.identifier_key"
    with Session(store.engine) as session, pytest.raises(IntegrityError, match=narrowing):
        session.execute(update(NasRow).values(address="192.0.2.10/32"))


def test_a_network_and_an_address_in_it_are_two_nas(store: Store, location: Location) -> None:
    """The longest prefix wins when a request comes; their secrets may differ."""
    added(store, location)
    other = NewNas(name="all", address="192.0.2.0/24", secret="another long secret")
    assert added(store, location, other).secret == b"another long secret"


@pytest.mark.parametrize("name", ["Empfang-Süd", " EMPFANG-SÜD ", "Empfang-Su\u0308d"])
def test_a_nas_is_removed_by_its_name(store: Store, location: Location, name: str) -> None:
    """In any case, and however its letters are composed; then its address is free."""
    nas = added(store, location, replace(LOBBY, name="Empfang-Süd"))
    with store.write() as work:
        assert remove_nas(work, name) == nas
    with store.read() as work:
        assert find_nas(work, "Empfang-Süd") is None
    added(store, location, replace(LOBBY, secret="another long secret"))


def test_an_unknown_nas_is_not_found(store: Store) -> None:
    """The advice says where the names are."""
    with store.read() as work, pytest.raises(NotFound, match="no NAS 'lobby'") as caught:
        get_nas(work, "lobby")
    assert caught.value.advice == "See the names with: nexio nas list"
    with pytest.raises(NotFound), store.write() as work:
        remove_nas(work, "lobby")


def test_the_audit_does_not_hold_a_secret(store: Store, location: Location) -> None:
    """Who added and removed which NAS, and that is all."""
    added(store, location)
    with store.write() as work:
        remove_nas(work, "lobby")
    with store.read() as work:
        rows = work.session.scalars(select(AuditRow).where(AuditRow.subject == "nas")).all()
    assert [row.action for row in rows] == ["add", "remove"]
    details = {"name": "lobby", "address": "192.0.2.10/32"}
    assert [row.details for row in rows] == [details, details]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (None, None, None),
        ("", None, None),
        ("192.0.2.10", "192.0.2.10", 3799),
        ("192.0.2.10:1700", "192.0.2.10", 1700),
        ("2001:db8::1", "2001:db8::1", 3799),
        ("[2001:db8::1]", "2001:db8::1", 3799),
        ("[2001:db8::1]:1700", "2001:db8::1", 1700),
        (" wifi.example.com ", "wifi.example.com", 3799),
        ("wifi.example.com:65535", "wifi.example.com", 65535),
        (":13799", None, 13799),
    ],
)
def test_must_19_where_disconnects_go(text: str | None, host: str | None, port: int | None) -> None:
    """A host, and the port of RFC 5176 unless another one is given."""
    assert parse_disconnect(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2",
        "192.0.2.300",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:",
        ":",
        ":0",
        "a b",
        "[wifi]",
        "[192.0.2.1",
        "wifi_1:",
        "-wifi",
        "wifi:1:2",
        "wifi:٣",
        "x" * 254,
        "a\x1b",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    """The advice shows what would be right."""
    with pytest.raises(InvalidValue, match="is not a host with a port") as caught:
        parse_disconnect(text)
    assert "192.0.2.10:3799" in caught.value.advice


def test_must_19_a_disconnect_host_is_set_and_taken_away(store: Store, location: Location) -> None:
    """Cloud controllers send requests from one address and take disconnects at another."""
    nas = added(store, location, replace(LOBBY, disconnect="198.51.100.7:1700"))
    assert (nas.disconnect_host, nas.disconnect_port) == ("198.51.100.7", 1700)
    with store.write() as work:
        nas = edit_nas(work, "lobby", NasChanges(disconnect=""))
    assert (nas.disconnect_host, nas.disconnect_port) == (None, None)


@pytest.mark.parametrize("text", ["fe80::1%eth0", "fe80::1%2/128", "FE80::1%lo"])
def test_an_address_with_a_zone(text: str) -> None:
    """The zone is a name on this machine; the server looks at the address without it."""
    with pytest.raises(InvalidValue, match="has a zone") as caught:
        parse_address(text)
    assert "%" not in caught.value.advice


@pytest.mark.parametrize("text", ["::ffff:192.0.2.10", "::FFFF:c000:20a", " 192.0.2.10"])
def test_one_address_has_one_spelling(text: str, store: Store, location: Location) -> None:
    """However it is written, its packets find it, and it is taken for the others."""
    nas = added(store, location, replace(LOBBY, address=text, disconnect=f"[{text.strip()}]:3799"))
    assert NasIndex([nas]).find("192.0.2.10") is not None
    assert nas.disconnect_host == "192.0.2.10"
    with pytest.raises(Refused, match="belongs to the NAS 'lobby' already"):
        added(store, location, replace(LOBBY, name="again"))
