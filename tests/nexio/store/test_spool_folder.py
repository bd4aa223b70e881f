"""Where servers keep what is theirs: closed, or open to the group that shares the store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexio.store.spool_folder import make_file


def mode(path: Path) -> int:
    """The rights of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
@pytest.mark.parametrize(
    ("home", "folder", "file"), [(0o700, 0o700, 0o600), (0o2770, 0o2770, 0o660)]
)
def test_it_is_as_open_as_the_folder_of_the_store(
    tmp_path: Path, home: int, folder: int, file: int
) -> None:
    """nexio-radiusd and FreeRADIUS may be users of one group."""
    tmp_path.chmod(home)
    path = tmp_path / "spool" / "radiusd.db"

    make_file(path)

    assert (mode(path.parent), mode(path)) == (folder, file)


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A file is neither emptied nor opened to others."""
    path = tmp_path / "spool.db"
    path.write_bytes(b"decisions")
    path.chmod(0o640)
    tmp_path.chmod(0o770)

    make_file(path)

    assert (path.read_bytes(), mode(path)) == (b"decisions", 0o640)


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """The error is the system's own; the caller says what to do."""
    (tmp_path / "spool.db").mkdir()

    with pytest.raises(OSError, match=r"spool\.db"):
        make_file(tmp_path / "spool.db")
