"""What FreeRADIUS's user can use: packages, key, store and spool."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import sqlite3
import stat
import sys
import sysconfig
import tempfile
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.operations.health import Finding
from radius_auth.raddb.rights import examine_rights, server_user
from tests.support.radius.freeradius import copy_raddb
from tests.support.radius.trees import change, install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration

ME = pwd.getpwuid(os.geteuid()).pw_name
ALIEN = "freerad"
ROOT = os.geteuid() == 0
PYTHON = "{}.{}".format(*sys.version_info)
PURELIB = Path(sysconfig.get_path("purelib"))
OPEN = all(each.stat().st_mode & stat.S_IXOTH for each in (PURELIB, *PURELIB.parents))
"""Whether everybody can get at our packages; a checkout may be below /root."""


def examined(raddb: Path) -> dict[str, Finding]:
    """The findings by subject."""
    return {each.subject: each for each in examine_rights(raddb, PYTHON)}


def run_as(raddb: Path, user: str) -> None:
    """Let FreeRADIUS change to another user."""
    change(raddb / "radiusd.conf", "security {", f"security {{\n\tuser = {user}")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other users can enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_all_is_well(installed: Path, sqlite_configuration: Configuration) -> None:
    """For ourselves; the spool is made as the plugin would make it."""
    found = examined(installed)
    assert list(found) == ["packages", "key", "store", "spool"]
    assert all(each.well for each in found.values()), found
    assert (sqlite_configuration.home / "spool" / "freeradius.db").is_file()


def test_without_a_store(installed: Path, sqlite_configuration: Configuration) -> None:
    """Its folder is not made by looking for it."""
    shutil.rmtree(sqlite_configuration.home)
    found = examined(installed)
    assert [each.well for each in found.values()] == [True, False, False]
    assert not sqlite_configuration.home.exists()


def test_a_store_of_another_version(installed: Path, sqlite_configuration: Configuration) -> None:
    """The advice is to bring it up."""
    with closing(sqlite3.connect(sqlite_configuration.home / "nexio.db")) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "nexio db upgrade" in examined(installed)["store"].advice


def test_an_environment_that_cannot_be_read(installed: Path) -> None:
    """Nothing else can be tried then."""
    (installed / "mods-config/nexio/environment").write_text('NEXIO_HOME="\n')
    assert [each.subject for each in examine_rights(installed, PYTHON)] == [
        "packages",
        "environment",
    ]


def test_packages_that_are_not_there(installed: Path) -> None:
    """As in a virtual environment that was removed."""
    change(installed / "mods-available" / "nexio", str(PURELIB), "/nowhere")
    (found,) = examine_rights(installed, PYTHON)
    assert (found.subject, found.well) == ("packages", False)
    assert "/nowhere cannot be loaded" in found.message


def test_a_user_that_is_not_there(installed: Path) -> None:
    """radiusd.conf is to be mended."""
    run_as(installed, "nobody-of-that-name")
    (found,) = examine_rights(installed, PYTHON)
    assert (found.subject, found.well) == ("user", False)


def test_whose_user(installed: Path) -> None:
    """radiusd.conf says it; a raddb of one's own without it is run by whoever starts it."""
    assert server_user(installed) == ME
    run_as(installed, ALIEN)
    assert server_user(installed) == ALIEN


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_a_closed_folder_of_packages(installed: Path, tmp_path: Path) -> None:
    """A virtual environment that FreeRADIUS's user cannot enter, such as one below /root."""
    run_as(installed, ALIEN)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "packages").symlink_to(PURELIB)
    change(installed / "mods-available" / "nexio", str(PURELIB), str(closed / "packages"))
    (found,) = examine_rights(installed, PYTHON)
    assert "/opt/nexio" in found.advice


@pytest.fixture
def foreign(freeradius_python: None, public: Path, sqlite_configuration: Configuration) -> Path:
    """A raddb of FreeRADIUS's own user, for a store of root's beside it."""
    home = public / "nexio"
    shutil.copytree(sqlite_configuration.home, home)
    store = f"sqlite:///{home}/nexio.db"
    moved = replace(sqlite_configuration, home=home, key_file=home / "key", database_url=store)
    raddb = copy_raddb(public / "raddb")
    install(raddb, moved)
    run_as(raddb, ALIEN)
    if ROOT:
        user = pwd.getpwnam(ALIEN)
        for path in (raddb, *raddb.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        share(home, "root")
    return raddb


def share(home: Path, group: str) -> None:
    """Let a group use the store and its key, as docs/network-engineers.md says."""
    for path in (home, *home.rglob("*")):
        os.chown(path, 0, grp.getgrnam(group).gr_gid)
        path.chmod(0o2770 if path.is_dir() else 0o660)
    (home / "key").chmod(0o640)


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("group", "words"), [("mail", f"usermod -aG mail {ALIEN}"), ("root", "(chgrp, chmod)")]
)
def test_a_key_and_a_store_of_others(foreign: Path, group: str, words: str) -> None:
    """FreeRADIUS's user is to be put into their group."""
    share(foreign.parent / "nexio", group)
    found = examined(foreign)
    if not OPEN:
        assert list(found) == ["packages"]
        return
    assert [each.well for each in found.values()] == [True, False, False]
    assert words in found["key"].advice
    assert words in found["store"].advice


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_a_key_and_a_store_of_its_group(foreign: Path) -> None:
    """All is well, and the spool is the one of FreeRADIUS's user."""
    home = foreign.parent / "nexio"
    share(home, ALIEN)
    found = examined(foreign)
    if not OPEN:
        assert list(found) == ["packages"]
        return
    assert all(each.well for each in found.values()), found
    assert (home / "spool" / "freeradius.db").owner() == ALIEN


def test_as_somebody_else(foreign: Path) -> None:
    """Who is not root cannot try it as FreeRADIUS's user: said, and no spool of ours is made."""
    change(foreign / "radiusd.conf", f"user = {ALIEN}", "user = mail")
    with nobody_special():
        found = examined(foreign)
    assert "only root can try it as mail" in found["user"].message
    assert list(found)[1:] == (["packages", "key", "store"] if OPEN else ["packages"])
    assert not (foreign.parent / "nexio" / "spool").exists()


@contextmanager
def nobody_special() -> Iterator[None]:
    """Be the user that can read the raddb of the test; root is that one for a while."""
    os.seteuid(pwd.getpwnam(ALIEN).pw_uid if ROOT else os.geteuid())
    yield
    os.seteuid(0 if ROOT else os.geteuid())
