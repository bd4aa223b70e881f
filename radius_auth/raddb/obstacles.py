"""Obstacles to an installation: files of somebody else, and FreeRADIUS's own site.

That site, ``default``, listens on the same port as ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from radius_auth.raddb.changes import File, Link, State, look
from radius_auth.raddb.folder import enabled, other_python, read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from radius_auth.raddb.manifest import Manifest

DEFAULT: Final = "sites-enabled/default"

NEEDED_BY_EAP: Final = ("sites-enabled/inner-tunnel", "mods-enabled/eap")
"""They fail, or serve nobody, where no site calls FreeRADIUS's own ``eap``."""


def refuse_obstacles(
    folder: Path, files: Mapping[str, bytes], links: Mapping[str, str], before: Manifest
) -> None:
    """Refuse to overwrite files or links of somebody else.

    Args:
        folder: raddb.
        files: our files.
        links: our links.
        before: what an earlier installation wrote.

    Raises:
        Refused: a name is taken, or there is another python3 module.
    """
    others = other_python(folder)
    if others:
        raise Refused(
            f"{others[0]} has a python3 module already, and FreeRADIUS can have one only",
            "Take it out of mods-enabled, or let its functions call those of ours.",
        )
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


def has_default(folder: Path) -> bool:
    """Whether FreeRADIUS's own site is enabled, so that the engineer has to choose."""
    return look(folder / DEFAULT) is not None


def links_to_remove(folder: Path) -> dict[str, str]:
    """The links of FreeRADIUS's own that are to be removed, and their targets.

    Raises:
        Refused: one of them is a file, which is never removed.
    """
    paths = (DEFAULT,) if _others_use_eap(folder) else (DEFAULT, *NEEDED_BY_EAP)
    taken = {}
    for path in paths:
        there = look(folder / path)
        if isinstance(there, Link):
            taken[path] = there.target
        elif there is not None:
            raise Refused(
                f"{folder / path} is no link, and files are not taken away",
                f"Move it to {path.replace('enabled', 'available')} yourself, then install again.",
            )
    return taken


def _is_ours(there: State, content: bytes, *, known: bool) -> bool:
    return there is None or (isinstance(there, File) and (known or there.content == content))


def _others_use_eap(folder: Path) -> bool:
    """Whether a site that is neither ours nor FreeRADIUS's own calls its ``eap``."""
    own = {"default", "inner-tunnel"}
    sites = [path for path in enabled(folder, "sites-enabled") if path.name not in own]
    return any(line.name in {"eap", "-eap"} for site in sites for line in read_lines(site))
