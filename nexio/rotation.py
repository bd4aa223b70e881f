"""Changing the keys of a store while it is in use.

A new key is added to the key file, everything is sealed anew in one transaction, the old key
is taken out of the file.  Wherever that is cut short, the file opens the store.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from nexio import audit
from nexio.accounting import USER_NAME_PURPOSE
from nexio.key_file import add_key, keep_only
from nexio.nas import SECRET_PURPOSE
from nexio.store.creation import SIGNING_KEY_PURPOSE
from nexio.store.tables import MemberRow, NasRow, PinRow, StoreRevisionRow, VisitRow, WifiSessionRow
from nexio.visits import PIN_PURPOSE

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from nexio.keys import Keyring
    from nexio.store.engine import Store, Writing

MEMBER_PIN_PURPOSE = "member.pin"


def rotate_key(store: Store, key_file: Path) -> str:
    """Seal everything in the store with a new key.

    Servers and commands that run meanwhile read the key file again when they meet the new key.

    Returns:
        The new key's id.

    Raises:
        KeyUnusable: the key file cannot be read or written.
        StoreUnreachable: the store cannot be written; it stays under its old key then.
    """
    with store.write(alone=True) as work:
        new = add_key(key_file)
        _seal_anew(work, new)
        audit.record(work, "rotate", "key", 1)
    with store.write(alone=True) as work:  # nobody else is adding a key at this moment
        keep_only(key_file, work.keyring.active)
    return new.active


def _seal_anew(work: Writing, new: Keyring) -> None:
    _seal_pins(work, new)
    for table, column, purpose in (
        (MemberRow, "pin_sealed", MEMBER_PIN_PURPOSE),
        (NasRow, "secret_sealed", SECRET_PURPOSE),
        (StoreRevisionRow, "signing_key_sealed", SIGNING_KEY_PURPOSE),
    ):
        for row in work.session.scalars(select(table)):
            value = work.keyring.unseal(getattr(row, column), purpose)
            setattr(row, column, new.seal(value, purpose))
    _seal_names(work, new)
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    revision.key_id, revision.epoch = new.active, secrets.token_hex(16)
    work.session.flush()


def _seal_names(work: Writing, new: Keyring) -> None:
    """The User-Names of sessions: there may be very many."""
    columns = select(WifiSessionRow.id, WifiSessionRow.user_name_sealed)
    changes = [
        {
            "number": number,
            "sealed": new.seal(work.keyring.unseal(sealed, USER_NAME_PURPOSE), USER_NAME_PURPOSE),
        }
        for number, sealed in work.session.execute(columns)
        if sealed is not None
    ]
    if changes:
        statement = update(WifiSessionRow).where(WifiSessionRow.id == bindparam("number"))
        sealed_anew = statement.values(user_name_sealed=bindparam("sealed"))
        work.session.connection().execute(sealed_anew, changes)


def _seal_pins(work: Writing, new: Keyring) -> None:
    """The PINs of visits, and the digests that they are looked up by."""
    digests: dict[bytes, bytes] = {}
    changes: list[dict[str, Any]] = []
    columns = select(VisitRow.id, VisitRow.location_id, VisitRow.pin_sealed, VisitRow.pin_digest)
    for visit_id, location_id, sealed, digest in work.session.execute(columns):
        pin = work.keyring.unseal(sealed, PIN_PURPOSE)
        digests[digest] = new.digest(location_id, pin)
        changes.append(
            {
                "number": visit_id,
                "sealed": new.seal(pin, PIN_PURPOSE),
                "digest": digests[digest],
            }
        )
    for member in work.session.scalars(select(MemberRow)):
        pin = work.keyring.unseal(member.pin_sealed, MEMBER_PIN_PURPOSE)
        old = work.keyring.digest(member.location_id, pin)
        digests[old] = new.digest(member.location_id, pin)
    connection = work.session.connection()
    if changes:
        statement = update(VisitRow).where(VisitRow.id == bindparam("number"))
        sealed_anew = statement.values(
            pin_sealed=bindparam("sealed"), pin_digest=bindparam("digest")
        )
        connection.execute(sealed_anew, changes)
    live = [
        {"number": number, "digest_anew": digests[digest]}
        for number, digest in work.session.execute(select(PinRow.id, PinRow.digest))
    ]
    if live:
        pins = update(PinRow).where(PinRow.id == bindparam("number"))
        connection.execute(pins.values(digest=bindparam("digest_anew")), live)
