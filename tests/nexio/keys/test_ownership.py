"""Who may own the key file, and who may write where a deployment's files lie."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.errors import KeyUnusable, NexioError, StoreUnreachable
from nexio.keys.key_file import create_key_file
from nexio.keys.ownership import load_trusted_keys
from nexio.store.creation import create_store
from nexio.store.engine import Store
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from nexio.configuration import Configuration

STRANGER = 4711
"""A user whom nobody trusts; no machine need have it."""


def refusal(configuration: Configuration) -> NexioError | None:
    """Why the store does not open, with exit code 5; None where it opens."""
    found = None
    try:
        Store.open(configuration).close()
    except (StoreUnreachable, KeyUnusable) as error:
        found = error
    assert found is None or found.exit_code == 5
    return found


def follow_advice(error: NexioError | None) -> None:
    """Type what the error says."""
    assert error
    command = shlex.split(error.advice.partition(": ")[2])
    assert command[0] in {"chmod", "chown"}
    subprocess.run(command, check=True)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize("rights", [0o777, 0o1777, 0o702, 0o2777])
def test_a_home_that_everybody_may_write_to_is_refused(
    rights: int, sqlite_configuration: Configuration
) -> None:
    """With the command that closes it; the sticky bit lets others leave a journal there."""
    sqlite_configuration.home.chmod(rights)
    error = refusal(sqlite_configuration)
    assert str(error) == (
        f"{sqlite_configuration.home} can be written by every user of this machine"
        f" (mode {rights:04o})"
    )
    follow_advice(error)
    assert refusal(sqlite_configuration) is None


@pytest.mark.parametrize("rights", [0o700, 0o755, 0o770, 0o2770, 0o2775])
def test_a_home_that_a_group_shares_is_used(
    rights: int, sqlite_configuration: Configuration
) -> None:
    """Reception, server and FreeRADIUS share a store by a group."""
    sqlite_configuration.home.chmod(rights)
    assert refusal(sqlite_configuration) is None


def test_a_folder_above_that_everybody_may_write_to_is_refused(
    sqlite_configuration: Configuration,
) -> None:
    """Who may write there can put another home in the place of this one; not so in /tmp."""
    above = sqlite_configuration.home.parent
    above.chmod(0o1777)
    assert refusal(sqlite_configuration) is None
    above.chmod(0o777)
    error = refusal(sqlite_configuration)
    assert str(error).startswith(f"{above} can be written by")
    follow_advice(error)
    assert refusal(sqlite_configuration) is None


def test_a_link_in_an_open_folder_is_refused(
    sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """It could be made to lead to another home; so could a link to an open folder."""
    folder, link = tmp_path / "open", tmp_path / "open" / "home"
    folder.mkdir()
    link.symlink_to(sqlite_configuration.home)
    linked = configuration_of(link)
    assert refusal(linked) is None
    folder.chmod(0o777)
    assert str(refusal(linked)).startswith(f"{folder} can be")
    assert refusal(sqlite_configuration) is None

    sqlite_configuration.home.chmod(0o777)
    folder.chmod(0o755)
    assert str(refusal(linked)).startswith(f"{link} can be")


@pytest.mark.parametrize("path", ["elsewhere", "elsewhere/nexio.db"])
def test_a_store_elsewhere_that_everybody_may_write_to_is_refused(
    path: str, sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """Its folder, and the file itself."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = (sqlite_configuration.home / "nexio.db").rename(elsewhere / "nexio.db")
    moved = replace(sqlite_configuration, database_url=f"sqlite:///{store}")
    assert refusal(moved) is None
    (tmp_path / path).chmod(0o777)
    error = refusal(moved)
    assert str(error).startswith(f"{tmp_path / path} can be written")
    follow_advice(error)
    assert refusal(moved) is None


def test_a_key_file_in_an_open_folder_is_refused(
    configuration: Configuration, tmp_path: Path
) -> None:
    """Also where the store is PostgreSQL: whoever writes there can take the key away."""
    folder = tmp_path / "keys"
    folder.mkdir()
    key_file = configuration.key_file.rename(folder / "key")
    moved = replace(configuration, key_file=key_file)
    assert refusal(moved) is None
    folder.chmod(0o777)
    assert str(refusal(moved)).startswith(f"{folder} can be written")


@only_root
def test_a_strangers_key_file_is_refused(configuration: Configuration) -> None:
    """Neither root's, nor ours, nor that of the owner of the home; with the command to mend it."""
    path = configuration.key_file
    os.chown(path, STRANGER, -1)
    error = refusal(configuration)
    assert str(error).startswith(f"the key file {path} belongs to {STRANGER}: neither to root")
    follow_advice(error)
    assert refusal(configuration) is None


@only_root
def test_the_key_file_of_the_owner_of_the_home_is_used(configuration: Configuration) -> None:
    """Root runs a command on the store of the user nexio."""
    for path in (configuration.home, configuration.key_file):
        os.chown(path, STRANGER, -1)
    assert refusal(configuration) is None


@only_root
def test_without_a_home_the_key_file_is_its_users(configuration: Configuration) -> None:
    """On PostgreSQL there may be no home yet."""
    key_file = configuration.key_file.rename(configuration.home.parent / "key")
    gone = replace(configuration, key_file=key_file, home=configuration.home / "none")
    assert refusal(gone) is None
    os.chown(key_file, STRANGER, -1)
    assert f"belongs to {STRANGER}" in str(refusal(gone))


@only_root
def test_no_store_is_made_with_a_strangers_key(sqlite_file: None, tmp_path: Path) -> None:
    """``nexio init`` does not take up what somebody has put there."""
    home = tmp_path / "home"
    create_key_file(home / "key")
    os.chown(home / "key", STRANGER, -1)
    with pytest.raises(KeyUnusable, match="belongs to"):
        create_store(configuration_of(home))


def test_no_store_is_made_in_an_open_home(tmp_path: Path) -> None:
    """``nexio init`` refuses it and leaves nothing there."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(StoreUnreachable, match="can be written by every user"):
        create_store(configuration_of(home))
    assert list(home.iterdir()) == []


def test_a_second_key_that_is_not_there(sqlite_configuration: Configuration) -> None:
    """It is told from one that this user cannot reach: one is lost, the other is for servers."""
    create_key_file(sqlite_configuration.key_file)
    assert load_trusted_keys(sqlite_configuration).absent == str(sqlite_configuration.nas_key_file)
    beyond = sqlite_configuration.key_file / "nas-key"  # stat fails, as in a folder that is closed
    assert load_trusted_keys(replace(sqlite_configuration, nas_key_file=beyond)).absent is None
    create_key_file(sqlite_configuration.nas_key_file)
    assert load_trusted_keys(sqlite_configuration).absent is None
