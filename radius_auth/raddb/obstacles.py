"""What is somebody else's in raddb, and in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.errors import Refused
from radius_auth.raddb.changes import File, State, look
from radius_auth.raddb.folder import other_python

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from radius_auth.raddb.manifest import Manifest


def refuse_obstacles(
    folder: Path, files: Mapping[str, bytes], links: Mapping[str, str], before: Manifest
) -> None:
    """Refuse where our files or links would be put over somebody else's.

    Args:
        folder: raddb.
        files: what is to be written.
        links: what is to be linked.
        before: what is known to be ours.

    Raises:
        Refused: a name is taken, or there is another python3 module.
    """
    _refuse_other_python(folder)
    _refuse_strangers(folder, files, links, before)


def _refuse_other_python(folder: Path) -> None:
    others = other_python(folder)
    if others:
        raise Refused(
            f"{others[0]} has a python3 module already, and FreeRADIUS can have one only",
            "Take it out of mods-enabled, or let its functions call those of ours.",
        )


def _refuse_strangers(
    folder: Path, files: Mapping[str, bytes], links: Mapping[str, str], before: Manifest
) -> None:
    """Refuse where a name of ours is somebody else's already."""
    strangers = [
        path
        for path, content in files.items()
        if not _is_ours(look(folder / path), content, known=path in before.files)
    ]
    strangers += [
        path
        for path, target in links.items()
        if look(folder / path) is not None
        and (folder / path).resolve() != ((folder / path).parent / target).resolve()
    ]
    if strangers:
        raise Refused(
            f"not put there by nexio, and in the way: {', '.join(strangers)}",
            f"Move it out of {folder}, then install again.",
        )


def _is_ours(there: State, content: bytes, *, known: bool) -> bool:
    match there:
        case None:
            return True
        case File(content=found):
            return known or found == content
    return False
