"""The key file of a store that is in use: what can be wrong with it, and what to do then."""

from __future__ import annotations

import base64
import os
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.errors import KeyUnusable
from nexio.keys.key_file import add_key, create_key_file, keep_only, load_keys
from nexio.store.engine import Store
from tests.support.people import look_up, register

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location

LONGEST_PATH = 4080
"""Octets; Linux takes 4095 for a path."""


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A key file of its own."""
    path = tmp_path / "key"
    create_key_file(path)
    return path


def mode(path: Path) -> int:
    """The rights on a file."""
    return stat.S_IMODE(path.stat().st_mode)


def refusal(configuration: Configuration) -> KeyUnusable:
    """Why the store does not open; it always comes with some advice, and exit code 5."""
    with pytest.raises(KeyUnusable) as caught:
        Store.open(configuration)
    assert caught.value.exit_code == 5
    assert caught.value.advice
    return caught.value


# What can be wrong


def test_missing(sqlite_configuration: Configuration) -> None:
    """Its path, and where to point."""
    sqlite_configuration.key_file.unlink()
    error = refusal(sqlite_configuration)
    assert str(error) == f"there is no key file at {sqlite_configuration.key_file}"
    assert "NEXIO_KEY_FILE" in error.advice


def test_another_stores(sqlite_configuration: Configuration) -> None:
    """It is a key file, and not this store's."""
    sqlite_configuration.key_file.unlink()
    create_key_file(sqlite_configuration.key_file)
    error = refusal(sqlite_configuration)
    assert str(error) == "the key file does not hold the key of this store"
    assert "that the store was made with" in error.advice


def test_another_key_under_the_same_id(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Somebody repaired the file by hand: what is sealed does not open, and the log says so."""
    visit = register(sqlite_store, sqlite_location)
    forged = f"{sqlite_store.keyring.active} {base64.b64encode(b'x' * 32).decode()}\n"
    sqlite_configuration.key_file.write_text(forged)
    with closing(Store.open(sqlite_configuration)) as store:
        assert look_up(store, visit).pin == ""
    assert "cannot be opened" in caplog.text
    assert visit.pin not in caplog.text


@pytest.mark.parametrize("rights", [0o604, 0o644, 0o666, 0o660, 0o602, 0o601])
def test_open_to_others(rights: int, sqlite_configuration: Configuration) -> None:
    """Readable by others is refused, with the command that closes it."""
    sqlite_configuration.key_file.chmod(rights)
    error = refusal(sqlite_configuration)
    assert f"is open to other users (mode {rights:04o})" in str(error)
    assert error.advice.startswith(f"Close it with: chmod 600 {sqlite_configuration.key_file}")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"# only a comment\n",
        b"garbage",
        b"0000aaaa c2hvcnQ=\n",
        b"\xff\xfe\x00",
        b"a b c",
    ],
)
def test_not_a_key_file(content: bytes, sqlite_configuration: Configuration) -> None:
    """Empty or garbage: it says so and does not repeat what stands there."""
    sqlite_configuration.key_file.write_bytes(content)
    error = refusal(sqlite_configuration)
    assert str(error) == f"{sqlite_configuration.key_file} is not a key file of nexio"
    assert "nexio init" in error.advice


def test_a_good_key_beside_garbage(sqlite_configuration: Configuration) -> None:
    """A file that is cut off is not used by halves."""
    path = sqlite_configuration.key_file
    path.write_text(path.read_text() + "0000aaaa YWJj")
    assert "is not a key file" in str(refusal(sqlite_configuration))


def test_unreadable(sqlite_configuration: Configuration) -> None:
    """Such as a folder in its place: what the system says, and whose rights to look at."""
    sqlite_configuration.key_file.unlink()
    sqlite_configuration.key_file.mkdir()
    error = refusal(sqlite_configuration)
    assert "cannot be read: Is a directory" in str(error)
    assert "640" in error.advice


def test_not_readable_by_this_user(sqlite_configuration: Configuration) -> None:
    """A reception that is not in the group is told about the group."""
    path = sqlite_configuration.key_file
    path.chmod(0)
    if os.geteuid() == 0:  # root reads everything: be somebody else for a moment
        path.parent.chmod(0o755)
        os.chown(path, 1, 1)
    said = as_somebody_else(sqlite_configuration)
    assert said.startswith(f"the key file {path} cannot be read: Permission denied")


def as_somebody_else(configuration: Configuration) -> str:
    """What a process without root's rights meets at the key file."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            drop_rights(configuration.key_file)
            load_keys(configuration.key_file)
        except KeyUnusable as error:
            os.write(write, f"{error} {error.advice}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def drop_rights(key_file: Path) -> None:
    """Become a user who may pass the folders, and has no right to the file."""
    if os.geteuid() == 0:
        for folder in key_file.parents:
            if folder.stat().st_uid == 0 and not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


# Several keys


def test_an_added_key_comes_last_and_the_others_stay(key_file: Path) -> None:
    """The file may hold several; what it held can still be opened."""
    before = load_keys(key_file)
    both = add_key(key_file)
    assert list(load_keys(key_file).keys) == [before.active, both.active]
    sealed = before.seal("482913", "visit.pin")
    assert load_keys(key_file).unseal(sealed, "visit.pin") == "482913"


def test_a_retired_key_is_gone(key_file: Path) -> None:
    """Not even in a comment."""
    old = load_keys(key_file)
    new = add_key(key_file)
    keep_only(key_file, new.active)
    assert list(load_keys(key_file).keys) == [new.active]
    assert base64.b64encode(old.keys[old.active]).decode() not in key_file.read_text()
    assert "keep a copy in a safe place" in key_file.read_text()


def test_the_key_in_use_is_never_retired(key_file: Path) -> None:
    """A file without the store's key would be the end of all PINs."""
    before = key_file.read_bytes()
    with pytest.raises(KeyUnusable, match="does not hold the key"):
        keep_only(key_file, "0000ffff")
    assert key_file.read_bytes() == before


@pytest.mark.parametrize("rights", [0o600, 0o640, 0o400])
def test_rights_and_owner_are_kept(rights: int, key_file: Path) -> None:
    """A group that shares the file goes on sharing it."""
    key_file.chmod(rights)
    if os.geteuid() == 0:
        os.chown(key_file, 1, 2)
    owner = key_file.stat().st_uid, key_file.stat().st_gid
    keep_only(key_file, add_key(key_file).active)
    assert (key_file.stat().st_uid, key_file.stat().st_gid) == owner
    assert mode(key_file) == rights


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    """Whole or not at all; nothing is left beside it."""
    folder = tmp_path
    while (room := LONGEST_PATH - len(str(folder))) > 1:  # for the file, and for nothing beside it
        folder /= "d" * min(room - 1, 200)
    folder.mkdir(parents=True)
    path = folder / "key"
    create_key_file(tmp_path / "made")
    (tmp_path / "made").rename(path)
    before = path.read_bytes()
    for act in (add_key, lambda path: keep_only(path, load_keys(path).active)):
        with pytest.raises(KeyUnusable, match="cannot be written") as caught:
            act(path)
        assert "NEXIO_KEY_FILE" in caught.value.advice
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]
