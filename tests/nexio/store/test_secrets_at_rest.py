"""A dump of the store without the key gives no PIN and no secret."""

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nexio.configuration import Configuration
from nexio.locations.locations import Location
from nexio.network.nas import NewNas, add_nas, remove_nas
from nexio.store.engine import Store
from tests.support.people import delete, register
from tests.support.postgresql import find_binaries

PIN, TYPED_PIN, SECRET = "9801234567", "8890123456", "a long enough secret"


def sqlite_dump(configuration: Configuration) -> bytes:
    """The octets of the store's file, and of what SQLite keeps beside it."""
    files = list(configuration.home.glob("nexio.db*"))
    assert configuration.home / "nexio.db-wal" in files
    return b"".join(path.read_bytes() for path in files)


def postgresql_dump(configuration: Configuration) -> bytes:
    """What ``pg_dump`` writes."""
    url = configuration.database_url.replace("+psycopg", "")
    pg_dump = find_binaries() / "pg_dump"
    return subprocess.run([pg_dump, url], check=True, capture_output=True).stdout


@pytest.fixture
def dump(configuration: Configuration) -> Callable[[], bytes]:
    """Takes a dump of the store, as somebody does who stole its disk or a backup."""
    sqlite = configuration.database_url.startswith("sqlite")
    take = sqlite_dump if sqlite else postgresql_dump
    return lambda: take(configuration)


def shapes_of(secret: str) -> set[bytes]:
    """How a secret may look in a dump: as it is, in hex, in base64, or as a hash of it."""
    plain = secret.encode()
    hashed = {hashlib.new(name, plain).digest() for name in ("md5", "sha1", "sha256")}
    raw = {plain, base64.b64encode(plain)[:-4], *hashed}
    return raw | {each.hex().encode() for each in raw}


def test_a_dump_holds_no_pin_and_no_secret(
    store: Store, location: Location, dump: Callable[[], bytes]
) -> None:
    """Drawn or typed, live or deleted, and not as a hash that could be tried either."""
    drawn = register(store, location, pin=PIN)
    deleted = register(store, location, pin=TYPED_PIN)
    with store.write() as work:
        add_nas(work, location, NewNas(name="lobby", address="192.0.2.10", secret=SECRET))
        add_nas(work, location, NewNas(name="gone", address="192.0.2.11", secret=SECRET + "!"))
    delete(store, deleted)
    with store.write() as work:
        remove_nas(work, "gone")
    dumped = dump()
    assert drawn.email.encode() in dumped
    for secret in (PIN, TYPED_PIN, SECRET):
        assert not [shape for shape in shapes_of(secret) if shape in dumped]


def test_the_key_is_not_in_the_store(
    store: Store, configuration: Configuration, dump: Callable[[], bytes]
) -> None:
    """Nor the key that signs QR codes, nor the one that PINs are digested with."""
    dumped = dump()
    for key in store.keyring.keys.values():
        for shape in (key, key.hex().encode(), base64.b64encode(key)):
            assert shape not in dumped
    assert Path(configuration.key_file).is_file()
    assert store.keyring.active.encode() in dumped
