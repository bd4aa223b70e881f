"""Changes to files, folders and links: all of them, or none."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nexio.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The mode and the owners of a file or folder."""

    mode: int
    owner: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file; its content may be secret."""

    content: bytes = field(repr=False)
    rights: Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder, whatever it holds."""

    rights: Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A symbolic link."""

    target: str


State: TypeAlias = File | Folder | Link | None
"""What is at a path; None for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path before and after."""

    path: str
    """Relative to the folder."""

    before: State
    after: State

    @property
    def words(self) -> tuple[str, str]:
        """The verb and its object, as the command shows them."""
        match self.before, self.after:
            case (_, Link(target=target)) | (Link(target=target), None):
                verb = "unlink" if self.after is None else "link"
                return verb, f"{self.path} -> {target}"
            case (_, Folder()) | (Folder(), None):
                return "remove" if self.after is None else "make", f"{self.path}/"
            case None, _:
                return "write", self.path
        return "remove" if self.after is None else "renew", self.path


def look(path: Path) -> State:
    """What is at a path.

    Raises:
        Unreachable: it cannot be read.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Link(target=str(path.readlink()))
        rights = Rights(mode=stat.S_IMODE(status.st_mode), owner=status.st_uid, group=status.st_gid)
        if stat.S_ISDIR(status.st_mode):
            return Folder(rights=rights)
        return File(content=path.read_bytes(), rights=rights)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreachable(path, error) from error


def unreachable(path: Path, error: OSError) -> Unreachable:
    """An error of the operating system, with advice."""
    where = error.filename or path
    return Unreachable(
        f"{where} cannot be used: {error.strerror}", "Run this as root, with sudo for example."
    )


def carry_out(folder: Path, changes: Sequence[Change]) -> None:
    """Make the changes in order; if one fails, take back those that were made.

    Raises:
        Unreachable: one of them cannot be made.
    """
    made: list[Change] = []
    try:
        for change in changes:
            made.append(change)  # first: a change that is interrupted is taken back, too
            _put(folder / change.path, change.after)
    except BaseException as error:
        for change in reversed(made):
            if look(folder / change.path) != change.before:
                _put(folder / change.path, change.before)
        if isinstance(error, OSError):
            raise unreachable(folder, error) from error
        raise


def _put(path: Path, state: State) -> None:
    match state:
        case None if path.is_dir() and not path.is_symlink():
            path.rmdir()
        case None:
            path.unlink(missing_ok=True)
        case Link(target=target):
            path.symlink_to(target)
            if os.geteuid() == 0:
                status = path.parent.stat()
                os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
        case Folder(rights=rights):
            path.mkdir(mode=0o700)
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                _set_rights(descriptor, rights)
            finally:
                os.close(descriptor)
        case File():
            _write(path, state)


def _write(path: Path, file: File) -> None:
    """Replace a file atomically, so that nobody ever reads half of it."""
    whole = path.with_name(f".{path.name}~nexio")  # no program loads such a name
    whole.unlink(missing_ok=True)
    try:
        # Never follow a link: the folder may be another user's, and we may be root.
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(file.content)
            _set_rights(descriptor, file.rights)
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)


def _set_rights(descriptor: int, rights: Rights) -> None:
    os.fchown(descriptor, rights.owner, rights.group)
    os.fchmod(descriptor, rights.mode)
