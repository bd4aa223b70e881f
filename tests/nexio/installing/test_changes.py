"""Changes to a folder: all of them or none, and never through a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexio.errors import Unreachable
from nexio.installing.changes import Change, File, Folder, Link, Rights, State, carry_out, look
from tests.support.radius.trees import tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a link and an empty folder."""
    folder = tmp_path / "folder"
    (folder / "empty").mkdir(parents=True)
    (folder / "file").write_text("before")
    (folder / "file").chmod(0o600)
    (folder / "link").symlink_to("file")
    return folder


def rights(folder: Path, mode: int = 0o640) -> Rights:
    """Those of the folder's owner."""
    status = folder.stat()
    return Rights(mode=mode, owner=status.st_uid, group=status.st_gid)


def changed(folder: Path, path: str, after: State) -> Change:
    """A change from what is there."""
    return Change(path=path, before=look(folder / path), after=after)


def every_kind(folder: Path) -> list[Change]:
    """One change of each kind."""
    return [
        changed(folder, "new", Folder(rights=rights(folder, 0o750))),
        changed(folder, "new/file", File(content=b"new", rights=rights(folder))),
        changed(folder, "file", File(content=b"after", rights=rights(folder, 0o600))),
        changed(folder, "link", None),
        changed(folder, "new/link", Link(target="file")),
        changed(folder, "empty", None),
    ]


def test_every_kind_of_change(folder: Path) -> None:
    """Rights are as they were asked for, whatever the umask, and nothing else is left."""
    changes = every_kind(folder)
    carry_out(folder, changes)
    assert all(look(folder / each.path) == each.after for each in changes)
    assert sorted(tree(folder)) == ["file", "new", "new/file", "new/link"]


def test_words(folder: Path) -> None:
    """What is done, and to what; the content, which may be secret, is not in it."""
    changes = every_kind(folder)
    assert [each.words for each in changes] == [
        ("make", "new/"),
        ("write", "new/file"),
        ("renew", "file"),
        ("unlink", "link -> file"),
        ("link", "new/link -> file"),
        ("remove", "empty/"),
    ]
    assert "content" not in repr(changes)


def test_a_failure_leaves_nothing(folder: Path) -> None:
    """What was done before it is taken back, rights and all; the advice is to be root."""
    before = tree(folder)
    impossible = changed(folder, "nowhere/file", File(content=b"", rights=rights(folder)))
    with pytest.raises(Unreachable) as caught:
        carry_out(folder, [*every_kind(folder), impossible])
    assert tree(folder) == before
    assert "root" in caught.value.advice


def test_nothing_is_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    """Raddb is FreeRADIUS's own: whoever took that over must not lead root elsewhere."""
    other = tmp_path / "other"
    other.write_text("untouched")
    (folder / ".file~nexio").symlink_to(other)
    carry_out(folder, [changed(folder, "file", File(content=b"x", rights=rights(folder)))])
    assert other.read_text() == "untouched"
    assert (folder / "file").read_text() == "x"
