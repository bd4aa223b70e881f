"""Putting the plugin into raddb, and taking it out again.

What an engineer changed is never overwritten and never removed.  A plan is made first and
touches nothing; it can be shown, or carried out as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from nexio import __version__
from radius_auth.raddb.changes import Change, File, Folder, Link, Rights, State, carry_out, look
from radius_auth.raddb.manifest import MANIFEST, OURS, Manifest, digest, load_manifest
from radius_auth.raddb.obstacles import links_to_take, refuse_obstacles
from radius_auth.raddb.package import links_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

NEW: Final = f"{OURS}/new"
"""Where new versions of files go that somebody has changed: FreeRADIUS loads nothing there."""

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done in raddb."""

    folder: Path
    changes: tuple[Change, ...]
    kept: tuple[tuple[str, str], ...]
    """What stays although it is not as we would have it, and why."""

    def carry_out(self) -> None:
        """Do all of it or nothing.

        Raises:
            Unreachable: the folder cannot be written.
        """
        carry_out(self.folder, self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is to be installed."""

    files: Mapping[str, bytes]
    """By path below raddb, filled in."""

    package: str
    """Digest of the files before they were filled in."""


def plan_install(folder: Path, source: Source, *, replace_default: bool) -> Plan:
    """Plan an installation, or the renewal of one.

    Args:
        folder: raddb.
        source: what is to be installed.
        replace_default: take the links of FreeRADIUS's own site away.

    Raises:
        Refused: something of somebody else is in the way.
        Unreachable: the folder cannot be read.
    """
    before = load_manifest(folder)
    links = links_of(source.files)
    refuse_obstacles(folder, source.files, links, before)
    taken = links_to_take(folder) if replace_default else {}
    files, kept = _files(folder, source.files, before)
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
        kept=tuple((path, _why_kept(path, files)) for path in sorted(kept)),
    )


def plan_uninstall(folder: Path) -> Plan:
    """Plan to take away what was installed, and to put back what was taken away.

    Raises:
        Refused: the manifest is damaged.
        Unreachable: the folder cannot be read.
    """
    before = load_manifest(folder)
    ours = _unchanged(folder, before, before.files)
    kept = [path for path in before.files if path not in ours and look(folder / path) is not None]
    gone = [*_our_links(folder, before), *ours, *_compiled(folder)]
    states: dict[str, State] = dict.fromkeys(gone)
    back = {path: target for path, target in before.taken.items() if look(folder / path) is None}
    states |= {path: Link(target=target) for path, target in back.items()}
    left = replace(before, files={path: before.files[path] for path in kept}, links={}, taken={})
    if kept:
        states |= _with_rights(folder, {MANIFEST: left.encode()})
    else:
        states[MANIFEST] = None
    return Plan(
        folder=folder,
        changes=_changes(folder, states),
        kept=tuple((path, "you changed it") for path in kept),
    )


def _files(
    folder: Path, wanted: Mapping[str, bytes], before: Manifest
) -> tuple[dict[str, bytes], set[str]]:
    """What is to be there, with new versions beside what is kept; and which files are kept."""
    files, kept = dict(wanted), set()
    for path, content in wanted.items():
        there = look(folder / path)
        if not isinstance(there, File) or there.content == content or before.wrote(path, there):
            continue
        kept.add(path)
        if digest(content) != before.files[path]:
            files[f"{NEW}/{path}"] = content
    return files, kept


def _why_kept(path: str, files: Mapping[str, bytes]) -> str:
    new = f"{NEW}/{path}"
    return f"you changed it; the new version is {new}" if new in files else "you changed it"


def _unchanged(folder: Path, before: Manifest, paths: Iterable[str]) -> list[str]:
    """Those of the paths whose files are still as they were written."""
    return [path for path in paths if before.wrote(path, look(folder / path))]


def _our_links(folder: Path, before: Manifest) -> list[str]:
    """Those links that are still as they were made."""
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
    """The changes that lead to these states, with the folders that this needs or leaves empty."""
    rights = _new_rights(folder, FOLDER_MODE)
    ordered: dict[str, State] = {
        path: Folder(rights=rights) for path in sorted(_missing(folder, states))
    }
    ordered |= states
    ordered |= dict.fromkeys(_emptied(folder, states))
    changes = [
        Change(path=path, before=look(folder / path), after=after)
        for path, after in ordered.items()
    ]
    return tuple(change for change in changes if change.before != change.after)


def _missing(folder: Path, states: Mapping[str, State]) -> set[str]:
    parents = {
        str(parent.relative_to(folder))
        for path, state in states.items()
        if state is not None
        for parent in (folder / path).parents
        if parent.is_relative_to(folder) and parent != folder
    }
    return {path for path in parents if look(folder / path) is None}


def _emptied(folder: Path, states: Mapping[str, State]) -> Iterator[str]:
    """Folders of ours in which nothing will be left, the innermost first."""
    gone = {path for path, state in states.items() if state is None}
    inside = sorted((folder / OURS).rglob("*"), reverse=True)
    for each in [path for path in (*inside, folder / OURS) if path.is_dir()]:
        name = str(each.relative_to(folder))
        filled = any(path.startswith(f"{name}/") and states[path] is not None for path in states)
        left = {str(entry.relative_to(folder)) for entry in each.iterdir()} - gone
        if not left and not filled:
            gone.add(name)
            yield name


def _compiled(folder: Path) -> list[str]:
    """What Python makes of nexio_plugin.py where FreeRADIUS may write."""
    found = (folder / OURS / "__pycache__").glob("nexio_plugin.*.pyc")
    return [str(path.relative_to(folder)) for path in found]
