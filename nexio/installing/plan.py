"""Plans an installation, or its removal.

It never overwrites or removes what an engineer has changed.  Making a plan touches nothing; a plan
can be shown, or carried out as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from nexio import __version__
from nexio.errors import Refused
from nexio.installing.changes import Change, File, Folder, Link, Rights, State, carry_out, look
from nexio.installing.manifest import NAME, Manifest, digest, load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CHANGED: Final = "you changed it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of another program's configuration."""

    folder: Path
    ours: str
    """A folder in it that only nexio uses: the other program loads nothing from there."""

    file_mode: int
    folder_mode: int

    @property
    def manifest(self) -> str:
        """The path of the manifest, relative to the folder."""
        return f"{self.ours}/{NAME}"

    @property
    def new(self) -> str:
        """Where new versions of changed files go."""
        return f"{self.ours}/new"

    def load_manifest(self) -> Manifest:
        """Read what was installed.

        Raises:
            Refused: the manifest is damaged.
            Unreachable: it cannot be read.
        """
        return load_manifest(self.folder / self.manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be installed; paths are relative to the folder."""

    files: Mapping[str, bytes]
    links: Mapping[str, str] = field(default_factory=dict)
    """The target of each link."""

    package: str = ""
    """See `Manifest.package`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes to make."""

    folder: Path
    changes: tuple[Change, ...]
    preserved: tuple[tuple[str, str], ...]
    """Files that are left although they differ from ours, and why."""

    def carry_out(self) -> None:
        """Do all of it or nothing.

        Raises:
            Unreachable: the folder cannot be written.
        """
        carry_out(self.folder, self.changes)


def plan_install(place: Place, wanted: Wanted, taken: Mapping[str, str] | None = None) -> Plan:
    """Plan an installation, or the renewal of one.

    Args:
        place: where.
        wanted: what is to be installed.
        taken: the other program's own links to remove, and their targets.

    Raises:
        Refused: somebody else's file is in the way.
        Unreachable: the folder cannot be read.
    """
    folder, taken = place.folder, taken or {}
    before = place.load_manifest()
    _refuse_strangers(folder, wanted, before)
    preserved = _changed(folder, wanted.files, before)
    new = {
        path: f"{place.new}/{path}"
        for path in preserved
        if digest(wanted.files[path]) != before.files[path]
    }
    files = {**wanted.files, **{there: wanted.files[path] for path, there in new.items()}}
    old = [path for path in before.files if path not in files]
    stale = _unchanged(folder, before, old)
    left = [path for path in old if path not in stale and look(folder / path) is not None]
    after = Manifest(
        version=__version__,
        package=wanted.package,
        files={
            path: before.files[path] if path in preserved else digest(content)
            for path, content in files.items()
        }
        | {path: before.files[path] for path in left},
        links=wanted.links,
        taken={**before.taken, **taken},
    )
    gone = [path for path in _our_links(folder, before) if path not in wanted.links]
    states: dict[str, State] = dict.fromkeys([*gone, *taken, *stale])
    states |= {
        path: Link(target=target)
        for path, target in wanted.links.items()
        if not (folder / path).exists()
    }
    written = {path: content for path, content in files.items() if path not in preserved}
    written[place.manifest] = after.encode()
    return Plan(
        folder=folder,
        changes=_changes(place, _with_rights(place, written) | states),
        preserved=tuple(
            (path, f"you changed it; the new version is {new[path]}")
            if path in new
            else (path, CHANGED)
            for path in sorted([*preserved, *left])
        ),
    )


def plan_uninstall(place: Place, more: Iterable[str] = ()) -> Plan:
    """Plan to remove what was installed, and to restore what was removed for it.

    Args:
        place: where.
        more: further paths to remove: what other programs made from our files.

    Raises:
        Refused: the manifest is damaged.
        Unreachable: the folder cannot be read.
    """
    folder, before = place.folder, place.load_manifest()
    ours = _unchanged(folder, before, before.files)
    preserved = [
        path for path in before.files if path not in ours and look(folder / path) is not None
    ]
    states: dict[str, State] = dict.fromkeys([*_our_links(folder, before), *ours, *more])
    states |= {
        path: Link(target=target)
        for path, target in before.taken.items()
        if look(folder / path) is None
    }
    left = replace(
        before, files={path: before.files[path] for path in preserved}, links={}, taken={}
    )
    states |= (
        _with_rights(place, {place.manifest: left.encode()})
        if preserved
        else {place.manifest: None}
    )
    return Plan(
        folder=folder,
        changes=_changes(place, states),
        preserved=tuple((path, CHANGED) for path in preserved),
    )


def _refuse_strangers(folder: Path, wanted: Wanted, before: Manifest) -> None:
    strangers = [
        path
        for path, content in wanted.files.items()
        if not _is_ours(look(folder / path), content, known=path in before.files)
    ]
    strangers += [
        path
        for path, target in wanted.links.items()
        if look(folder / path) is not None
        and (folder / path).resolve() != ((folder / path).parent / target).resolve()
    ]
    if strangers:
        raise Refused(
            f"not put there by nexio, and in the way: {', '.join(strangers)}",
            f"Move it out of {folder}, then install again.",
        )


def _is_ours(there: State, content: bytes, *, known: bool) -> bool:
    return there is None or (isinstance(there, File) and (known or there.content == content))


def _changed(folder: Path, wanted: Mapping[str, bytes], before: Manifest) -> list[str]:
    """The files that somebody has changed since they were written."""
    there = {path: look(folder / path) for path in wanted}
    return [
        path
        for path, state in there.items()
        if isinstance(state, File)
        and state.content != wanted[path]
        and not before.wrote(path, state)
    ]


def _unchanged(folder: Path, before: Manifest, paths: Iterable[str]) -> list[str]:
    """Those of the paths whose files are still as they were written."""
    return [path for path in paths if before.wrote(path, look(folder / path))]


def _our_links(folder: Path, before: Manifest) -> list[str]:
    """The links that are still as they were made."""
    return [
        path for path, target in before.links.items() if look(folder / path) == Link(target=target)
    ]


def _with_rights(place: Place, written: Mapping[str, bytes]) -> dict[str, State]:
    """The files with the rights they have now; new files get those of the place."""
    states: dict[str, State] = {}
    for path, content in written.items():
        there = look(place.folder / path)
        rights = there.rights if isinstance(there, File) else _rights(place, place.file_mode)
        states[path] = File(content=content, rights=rights)
    return states


def _rights(place: Place, mode: int) -> Rights:
    status = place.folder.stat()
    return Rights(mode=mode, owner=status.st_uid, group=status.st_gid)


def _changes(place: Place, states: Mapping[str, State]) -> tuple[Change, ...]:
    """The changes that lead to these states, with the folders that they need or leave empty."""
    folder = place.folder
    made = Folder(rights=_rights(place, place.folder_mode))
    ordered: dict[str, State] = dict.fromkeys(_missing(folder, states), made)
    ordered |= states
    ordered |= dict.fromkeys(_emptied(place, states))
    changes = [
        Change(path=path, before=look(folder / path), after=after)
        for path, after in ordered.items()
    ]
    return tuple(change for change in changes if change.before != change.after)


def _missing(folder: Path, states: Mapping[str, State]) -> list[str]:
    """The folders to make, the outermost first."""
    needed = {
        str(parent)
        for path, state in states.items()
        if state is not None
        for parent in PurePath(path).parents
    }
    return sorted(path for path in needed if look(folder / path) is None)


def _emptied(place: Place, states: Mapping[str, State]) -> list[str]:
    """Our folders that will be empty, the innermost first."""
    folder, ours = place.folder, place.folder / place.ours
    inside = [ours, *sorted(ours.rglob("*"))]
    folders = [path for path in inside if path.is_dir()]
    there = {str(path.relative_to(folder)) for path in inside if path not in folders}
    left = {path for path in there | states.keys() if states.get(path, path) is not None}
    names = [str(path.relative_to(folder)) for path in reversed(folders)]
    return [name for name in names if not any(path.startswith(f"{name}/") for path in left)]
