"""Rotates the keys of a store while it is in use.

It adds a new key to the key file, seals everything again in one transaction, and removes the old
key from the file.  If it is interrupted anywhere, the file still opens the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import bindparam, inspect, select, update

from nexio.keys.key_file import add_key, create_key_file, keep_only, load_keys
from nexio.keys.keyring import Keyring
from nexio.store import audit
from nexio.store.engine import Store, Writing
from nexio.store.sealed import DIGESTS, NAS_SECRET, SEALED, Digest, Sealed
from nexio.store.tables import Row, StoreRevisionRow


def rotate_key(store: Store, key_file: Path, nas_key_file: Path | None = None) -> str:
    """Seal everything in the store with a new key; NAS secrets with a new second key, if any.

    Running servers and commands read the key file again when they see the new key.

    Returns:
        The new key's id.

    Raises:
        KeyUnusable: the key file cannot be read or written.
        StoreUnreachable: the store cannot be written; then it keeps its old key.
    """
    with store.write(alone=True) as work:
        work.keyring.require_second()
        has_second = work.keyring.second is not None
        nas_key_file = nas_key_file or key_file.with_name("nas-key")
        first, second = add_key(key_file), add_key(nas_key_file) if has_second else None
        keys = first.keys if second is None else {**second.keys, **first.keys}
        new = Keyring.of(keys, first.active, None if second is None else second.active)
        for digest in DIGESTS:
            _change(work, digest.table, digest.column, _digests(work, digest, new))
        _seal_anew(work, new, *SEALED)
        audit.record(work, "rotate", "key", 1)
    with store.write(alone=True) as work:  # nobody else is adding a key at this moment
        keep_only(key_file, work.keyring.active)
        if work.keyring.second is not None:
            keep_only(nas_key_file, work.keyring.second)
    return new.active


def rotate_nas_key(store: Store, key_file: Path, nas_key_file: Path) -> str:
    """Seal the NAS secrets with a new second key; make its file if it is missing.

    A new file gets the owner, group and mode of the key file: whoever could read the secrets can
    still do so until the file is closed to them.

    Returns:
        The new key's id.

    Raises:
        KeyUnusable: a key file cannot be read or written.
        StoreUnreachable: the store cannot be written.
    """
    with store.write(alone=True) as work:
        work.keyring.require_second()
        if nas_key_file.exists():
            second = add_key(nas_key_file)
        else:
            create_key_file(nas_key_file, like=key_file)
            second = load_keys(nas_key_file)
        keys = {**second.keys, **work.keyring.keys}
        _seal_anew(work, Keyring.of(keys, work.keyring.active, second.active), NAS_SECRET)
        audit.record(work, "rotate", "nas-key", 1)
    with store.write(alone=True) as work:
        # Another rotation may have come in between: keep the key that the store is sealed with.
        keep_only(nas_key_file, work.keyring.second or second.active)
    return second.active


def _seal_anew(work: Writing, new: Keyring, *columns: Sealed) -> None:
    """Seal the columns again; the new keyring also has the keys of the old values."""
    work.session.flush()
    for sealed in columns:
        _change(work, sealed.table, sealed.column, _values(work, sealed, new))
    work.session.expire_all()
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    revision.key_id, revision.nas_key_id = new.active, new.second
    revision.epoch = secrets.token_hex(16)
    work.session.flush()


def _digests(work: Writing, digest: Digest, new: Keyring) -> Iterator[tuple[int, bytes]]:
    for number, location_id, sealed, _ in work.session.execute(digest.query).all():
        pin = new.unseal(sealed, digest.pin.purpose)
        yield number, new.digest(location_id, pin)


def _values(work: Writing, sealed: Sealed, new: Keyring) -> Iterator[tuple[int, bytes]]:
    key = inspect(sealed.table).primary_key[0]
    query = select(key, sealed.values).where(sealed.values.is_not(None))
    for number, value in work.session.execute(query).all():
        yield number, new.seal(new.unseal(value, sealed.purpose), sealed.purpose)


def _change(
    work: Writing, table: type[Row], column: str, values: Iterable[tuple[int, bytes]]
) -> None:
    key = inspect(table).primary_key[0]
    statement = update(table).where(key == bindparam("of_row"))
    changes = [{"of_row": number, "value": value} for number, value in values]
    if changes:
        work.session.connection().execute(statement.values({column: bindparam("value")}), changes)
