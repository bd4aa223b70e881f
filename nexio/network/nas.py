"""NAS: the access points, controllers and captive portals that ask us over RADIUS (R19)."""

from __future__ import annotations

import ipaddress
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network

from sqlalchemy import select

from nexio.errors import InvalidValue, KeyUnusable, NotFound, Refused, RowDamaged
from nexio.input import reply_settings
from nexio.input.reply_settings import ReplySetting
from nexio.keys.purposes import NAS_SECRET
from nexio.locations.locations import Location, location_of, reply_of
from nexio.network.nas_entry import Nas as Nas  # noqa: PLC0414 (others import it from here)
from nexio.network.nas_profiles import COUNTS, GENERIC, get_profile, profile_of
from nexio.network.nas_texts import (
    parse_address,
    parse_disconnect,
    parse_name,
    parse_narrowing,
    parse_secret,
    parse_source,
)
from nexio.store import audit
from nexio.store.engine import Reading, Writing
from nexio.store.tables import LocationRow, NasRow

SECRET_PURPOSE = NAS_SECRET
WEAK_SECRET = 12
"""draft-ietf-radext-deprecating-radius §7.1: a secret of 12 octets or fewer gets a warning."""

NARROW_ENOUGH = {4: 16, 6: 48}
"""Prefix lengths by IP version: a shorter prefix is larger than a site, and gets a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NasChanges:
    """Changes to a NAS, as text; None leaves a value, "" removes one that may be empty."""

    name: str | None = None
    address: str | None = None
    secret: str | None = field(default=None, repr=False)
    ssid: str | None = None
    identifier: str | None = None
    require_message_authenticator: bool | None = None
    limit_proxy_state: bool | None = None
    disconnect: str | None = None
    """Host and port."""

    disconnect_source: str | None = None
    takes_disconnects: bool | None = None
    profile: str | None = None
    counts: str | None = None
    """``nas`` or ``client``: whose input and output it counts."""

    reply: Mapping[str, Sequence[ReplySetting]] | None = None
    """From ``reply_settings.parse_replies``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNas(NasChanges):
    """The properties of a new NAS, as an engineer gives them."""

    name: str
    address: str
    require_message_authenticator: bool = True
    limit_proxy_state: bool = True


def add_nas(work: Writing, location: Location, new: NewNas) -> Nas:
    """Add a NAS for the guests of a location.

    A strong secret is generated if none is given.

    Raises:
        InvalidValue: a name, address or secret that cannot be used.
        Refused: the name is taken, or the address is, with another secret or the same narrowing.
    """
    work.keyring.require_second()
    row = NasRow(
        location=work.session.get_one(LocationRow, location.id),
        created_at=work.now,
        profile=GENERIC,
        reply=reply_settings.written(()),
    )
    _apply(work, row, new)
    secret = _agreed_secret(work, row, parse_secret(new.secret)) or secrets.token_hex(24)
    row.secret_sealed = work.keyring.seal(secret, SECRET_PURPOSE)
    work.session.add(row)
    work.session.flush()
    audit.record(work, "add", "nas", row.id, {"name": row.name, "address": row.address})
    return nas_of(work, row)


def list_nas(work: Reading, location: Location | None = None) -> list[Nas]:
    """The NAS of a location, or of all, by name."""
    query = select(NasRow).order_by(NasRow.name_key)
    if location is not None:
        query = query.where(NasRow.location_id == location.id)
    return list(work.bad_rows.usable(work.session.scalars(query), lambda row: nas_of(work, row)))


def find_nas(work: Reading, name: str) -> Nas | None:
    """The NAS of that name, in any case, or None."""
    row = _find_row(work, name)
    return None if row is None else nas_of(work, row)


def get_nas(work: Reading, name: str) -> Nas:
    """The NAS of that name.

    Raises:
        NotFound: no such NAS.
        RowDamaged, KeyUnusable: as in :func:`nas_of`.
    """
    return nas_of(work, _get_row(work, name))


def find_sharing(work: Reading, nas: Nas) -> Nas | None:
    """Another NAS of the same address, which has the same secret, or None."""
    return next(
        (other for other in list_nas(work) if other.address == nas.address and other.id != nas.id),
        None,
    )


def edit_nas(work: Writing, name: str, changes: NasChanges) -> Nas:
    """Change a NAS, even a damaged one; servers follow at once.

    Raises:
        NotFound: no such NAS.
        InvalidValue: nothing to change, or a value that cannot be used.
        Refused: the name is taken, or the address is, with another secret or the same narrowing.
    """
    given = {field.name for field in fields(changes) if getattr(changes, field.name) is not None}
    if not given:
        raise InvalidValue("nothing to change", "Give at least one of the options.")
    row = _get_row(work, name)
    before = _auditable(row)
    if changes.secret is not None or changes.address is not None:
        work.keyring.require_second()
    _apply(work, row, changes)
    secret = parse_secret(changes.secret) or _secret_of(work, row)
    _agreed_secret(work, row, secret)
    new_secret = secret is not None and not _is_secret_of(work, row, secret)
    if secret is not None and new_secret:
        row.secret_sealed = work.keyring.seal(secret, SECRET_PURPOSE)
    work.session.flush()
    details = {"before": before, "after": _auditable(row), "secret": new_secret}
    audit.record(work, "edit", "nas", row.id, details)
    return nas_of(work, row)


def remove_nas(work: Writing, name: str) -> Nas:
    """Remove a NAS; its requests are discarded from then on.

    Raises:
        NotFound: no such NAS.
    """
    nas = get_nas(work, name)
    audit.record(work, "remove", "nas", nas.id, {"name": nas.name, "address": str(nas.address)})
    work.session.delete(work.session.get_one(NasRow, nas.id))
    return nas


def nas_of(work: Reading, row: NasRow) -> Nas:
    """Make a NAS from its row, detached from the store and with its secret decrypted.

    Raises:
        RowDamaged: its address or its reply attributes are invalid.
        KeyUnusable: its secret cannot be decrypted.
    """
    location, reply = location_of(row.location), reply_of(row)
    if reply is None or location.reply is None:
        raise RowDamaged(
            f"nobody can read what accepts say at the NAS {row.name!r}",
            "Say it again: nexio nas edit NAME --reply …, nexio location edit NAME --reply …",
        )
    known = row.fields_of(Nas) | {"address": _network(row), "reply": reply}
    secret = _secret_of(work, row)
    return Nas(**known, location=location, secret=None if secret is None else secret.encode())


def warnings_for(nas: Nas) -> list[str]:
    """Warnings about settings of a NAS that are allowed but weak."""
    weak = []
    if nas.secret is not None and len(nas.secret) <= WEAK_SECRET:
        weak.append(
            f"A secret of {len(nas.secret)} octets can be guessed from recorded packets:"
            " leave --secret out and a strong one is made."
        )
    if nas.address.prefixlen < NARROW_ENOUGH[nas.address.version]:
        weak.append(
            f"{nas.address} is a very large network: whoever in it has the secret is trusted as"
            " this NAS. Name the addresses of your access points."
        )
    if not nas.require_message_authenticator:
        weak.append(
            "Requests without Message-Authenticator can be forged by somebody on the way"
            " (CVE-2024-3596): turn it on at the NAS, then require it."
        )
    profile = profile_of(nas.profile)
    rates = {"bandwidth-down", "bandwidth-up"}
    if profile.bandwidth == reply_settings.NONE and any(each.name in rates for each in nas.reply):
        weak.append(
            f"A NAS of the profile {profile.name} takes no bandwidth in numbers: give it the name"
            " of its own rules for guests with --reply role=…"
            if profile.role
            else f"A NAS of the profile {profile.name} limits no bandwidth."
        )
    if not nas.takes_disconnects:
        weak.append(
            "Nobody can end a session there: a guest whose Wi-Fi is revoked, moved or over stays on"
            " until the end that was granted at the login."
        )
    return weak


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


def _apply(work: Reading, row: NasRow, changes: NasChanges) -> None:
    if changes.name is not None:
        name = parse_name(changes.name)
        if _key(name) != row.name_key and _find_row(work, name) is not None:
            raise Refused(f"there is a NAS {name!r} already", "Choose another name.")
        row.name, row.name_key = name, _key(name)
    if changes.address is not None:
        row.address = str(parse_address(changes.address))
    if changes.ssid is not None:
        row.ssid = parse_narrowing(changes.ssid, "SSID")
    if changes.identifier is not None:
        row.identifier = parse_narrowing(changes.identifier, "identifier")
    row.ssid_key, row.identifier_key = row.ssid or "", row.identifier or ""
    _apply_kind(row, changes)
    for switch in ("require_message_authenticator", "limit_proxy_state", "takes_disconnects"):
        if getattr(changes, switch) is not None:
            setattr(row, switch, getattr(changes, switch))


def _apply_kind(row: NasRow, changes: NasChanges) -> None:
    """Set the profile of a NAS, and what depends on it."""
    if changes.profile is not None:
        row.profile = get_profile(changes.profile).name
    if changes.disconnect is not None:
        port = profile_of(row.profile).disconnect_port
        row.disconnect_host, row.disconnect_port = parse_disconnect(changes.disconnect, port)
    if changes.disconnect_source is not None:
        row.disconnect_source = parse_source(changes.disconnect_source)
    if changes.counts is not None:
        row.counts = changes.counts if changes.counts in COUNTS else None
    if changes.reply:
        new = reply_settings.with_changes(reply_of(row) or (), changes.reply)
        row.reply = reply_settings.written(new)


def _at(work: Reading, address: IPv4Network | IPv6Network) -> list[Nas]:
    with work.session.no_autoflush:  # do not write a NAS that is being changed yet
        rows = work.session.scalars(select(NasRow).where(NasRow.address == str(address))).all()
    return list(work.bad_rows.usable(rows, lambda row: nas_of(work, row)))


def _find_row(work: Reading, name: str) -> NasRow | None:
    return work.session.scalar(select(NasRow).where(NasRow.name_key == _key(name)))


def _get_row(work: Reading, name: str) -> NasRow:
    row = _find_row(work, name)
    if row is None:
        raise NotFound(f"there is no NAS {name!r}", "See the names with: nexio nas list")
    return row


def _secret_of(work: Reading, row: NasRow) -> str | None:
    """The secret; None if it is sealed with a key that this process does not have."""
    if work.keyring.is_closed(row.secret_sealed):
        return None
    return work.keyring.unseal(row.secret_sealed, SECRET_PURPOSE)


def _is_secret_of(work: Reading, row: NasRow, secret: str) -> bool:
    try:
        return _secret_of(work, row) == secret
    except KeyUnusable:  # a new secret repairs it
        return False


def _network(row: NasRow) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(row.address)
    except ValueError:
        raise RowDamaged(
            f"the NAS {row.name!r} has the address {row.address!r}, which is none",
            "Give it one: nexio nas edit NAME --address ADDRESS",
        ) from None


def _auditable(row: NasRow) -> dict[str, object]:
    names = ("name", "address", "ssid", "identifier")
    disconnects = ("disconnect_host", "disconnect_port", "disconnect_source")
    switches = ("require_message_authenticator", "limit_proxy_state", "takes_disconnects")
    replies = ("profile", "counts", "reply")
    return {name: getattr(row, name) for name in (*names, *disconnects, *switches, *replies)}


def _agreed_secret(work: Reading, row: NasRow, secret: str | None) -> str | None:
    """R19: one address has one secret, whichever locations its SSIDs narrow to.

    Returns:
        The secret to use: that of the address if it has one and none is given.
    """
    for other in _at(work, _network(row)):
        if other.id == row.id:
            continue
        if (other.ssid, other.identifier) == (row.ssid, row.identifier):
            raise Refused(
                f"{row.address} belongs to the NAS {other.name!r} already",
                "Remove that one first, or tell them apart with --ssid or --identifier.",
            )
        if other.secret is None:  # ours cannot be read either: neither is changed
            continue
        if secret not in {None, other.secret.decode()}:
            raise Refused(
                f"{row.address} has another secret at the NAS {other.name!r}",
                "One address has one secret: leave --secret out to use the same.",
            )
        secret = other.secret.decode()
    return secret
