"""Installs the plugin in raddb, and removes it.

It never overwrites or removes what an engineer has changed.  It makes a plan first, which touches
nothing; a plan can be shown, or carried out as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from nexio import __version__
from radius_auth.raddb.changes import Change, File, Folder, Link, Rights, State, carry_out, look
from radius_auth.raddb.manifest import MANIFEST, OURS, Manifest, digest, load_manifest
from radius_auth.raddb.obstacles import links_to_remove, refuse_obstacles
from radius_auth.raddb.package import links_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from radius_auth.raddb.package import Source

NEW: Final = f"{OURS}/new"
"""Where new versions of changed files go: FreeRADIUS loads nothing there."""

CHANGED: Final = "you changed it"
FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done in raddb."""

    folder: Path
    changes: tuple[Change, ...]
    kept: tuple[tuple[str, str], ...]
    """Files that stay although they differ from ours, and why."""

    def carry_out(self) -> None:
        """Do all of it or nothing.

        Raises:
            Unreachable: the folder cannot be written.
        """
        carry_out(self.folder, self.changes)


def plan_install(folder: Path, source: Source, *, replace_default: bool) -> Plan:
    """Plan an installation, or the renewal of one.

    Args:
        folder: raddb.
        source: what is to be installed.
        replace_default: remove the links of FreeRADIUS's own site.

    Raises:
        Refused: a file of somebody else is in the way.
        Unreachable: the folder cannot be read.
    """
    before = load_manifest(folder)
    links = links_of(source.files)
    refuse_obstacles(folder, source.files, links, before)
    taken = links_to_remove(folder) if replace_default else {}
    kept = _changed(folder, source.files, before)
    new = {
        path: f"{NEW}/{path}" for path in kept if digest(source.files[path]) != before.files[path]
    }
    files = {**source.files, **{there: source.files[path] for path, there in new.items()}}
    after = Manifest(
        version=__version__,
        package=source.package,
        files={
            path: before.files[path] if path in kept else digest(content)
            for path, content in files.items()
        },
        links=links,
        taken={**before.taken, **taken},
    )
    stale = _unchanged(folder, before, set(before.files) - set(files))
    gone = [path for path in _our_links(folder, before) if path not in links]
    states: dict[str, State] = dict.fromkeys([*gone, *taken, *stale])
    states |= {path: Link(target=links[path]) for path in links if not (folder / path).exists()}
    written = {path: content for path, content in files.items() if path not in kept}
    written[MANIFEST] = after.encode()
    return Plan(
        folder=folder,
        changes=_changes(folder, _with_rights(folder, written) | states),
        kept=tuple(
            (path, f"you changed it; the new version is {new[path]}")
            if path in new
            else (path, CHANGED)
            for path in sorted(kept)
        ),
    )


def plan_uninstall(folder: Path) -> Plan:
    """Plan to remove what was installed, and to put back what was removed for it.

    Raises:
        Refused: the manifest is damaged.
        Unreachable: the folder cannot be read.
    """
    before = load_manifest(folder)
    ours = _unchanged(folder, before, before.files)
    kept = [path for path in before.files if path not in ours and look(folder / path) is not None]
    gone = [*_our_links(folder, before), *ours, *_compiled(folder)]
    states: dict[str, State] = dict.fromkeys(gone)
    states |= {
        path: Link(target=target)
        for path, target in before.taken.items()
        if look(folder / path) is None
    }
    left = replace(before, files={path: before.files[path] for path in kept}, links={}, taken={})
    states |= _with_rights(folder, {MANIFEST: left.encode()}) if kept else {MANIFEST: None}
    return Plan(
        folder=folder,
        changes=_changes(folder, states),
        kept=tuple((path, CHANGED) for path in kept),
    )


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


def _with_rights(folder: Path, written: Mapping[str, bytes]) -> dict[str, State]:
    """Files with the rights that they have, or new ones."""
    states: dict[str, State] = {}
    for path, content in written.items():
        there = look(folder / path)
        rights = there.rights if isinstance(there, File) else _new_rights(folder, FILE_MODE)
        states[path] = File(content=content, rights=rights)
    return states


def _new_rights(folder: Path, mode: int) -> Rights:
    status = folder.stat()
    return Rights(mode=mode, owner=status.st_uid, group=status.st_gid)


def _changes(folder: Path, states: Mapping[str, State]) -> tuple[Change, ...]:
    """The changes that lead to these states, with the folders that they need or leave empty."""
    made = Folder(rights=_new_rights(folder, FOLDER_MODE))
    ordered: dict[str, State] = dict.fromkeys(_missing(folder, states), made)
    ordered |= states
    ordered |= dict.fromkeys(_emptied(folder, states))
    changes = [
        Change(path=path, before=look(folder / path), after=after)
        for path, after in ordered.items()
    ]
    return tuple(change for change in changes if change.before != change.after)


def _missing(folder: Path, states: Mapping[str, State]) -> list[str]:
    """The folders that are to be made, the outermost first."""
    needed = {
        str(parent)
        for path, state in states.items()
        if state is not None
        for parent in PurePath(path).parents
    }
    return sorted(path for path in needed if look(folder / path) is None)


def _emptied(folder: Path, states: Mapping[str, State]) -> list[str]:
    """Our folders in which nothing will be left, the innermost first."""
    inside = [folder / OURS, *sorted((folder / OURS).rglob("*"))]
    folders = [path for path in inside if path.is_dir()]
    there = {str(path.relative_to(folder)) for path in inside if path not in folders}
    left = {path for path in there | states.keys() if states.get(path, path) is not None}
    names = [str(path.relative_to(folder)) for path in reversed(folders)]
    return [name for name in names if not any(path.startswith(f"{name}/") for path in left)]


def _compiled(folder: Path) -> list[str]:
    """What Python makes of nexio_plugin.py where FreeRADIUS may write."""
    found = (folder / OURS / "__pycache__").glob("nexio_plugin.*.pyc")
    return [str(path.relative_to(folder)) for path in found]
