"""Finds obstacles to an installation: another python3 module, and FreeRADIUS's own site.

That site, ``default``, listens on the same port as ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from nexio.installing.changes import Link, look
from radius_auth.raddb.folder import enabled, other_python, read_lines

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT: Final = "sites-enabled/default"

NEEDED_BY_EAP: Final = ("sites-enabled/inner-tunnel", "mods-enabled/eap")
"""Links that fail, or are useless, where no site calls FreeRADIUS's own ``eap``."""


def refuse_other_python(folder: Path) -> None:
    """Refuse where another python3 module is enabled: FreeRADIUS can have only one.

    Raises:
        Refused: there is another python3 module.
    """
    others = other_python(folder)
    if others:
        raise Refused(
            f"{others[0]} has a python3 module already, and FreeRADIUS can have one only",
            "Take it out of mods-enabled, or let its functions call those of ours.",
        )


def has_default(folder: Path) -> bool:
    """Whether FreeRADIUS's own site is enabled, so that the engineer has to choose."""
    return look(folder / DEFAULT) is not None


def links_to_remove(folder: Path) -> dict[str, str]:
    """FreeRADIUS's own links to remove, and their targets.

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


def _others_use_eap(folder: Path) -> bool:
    """Whether a site that is neither ours nor FreeRADIUS's own calls its ``eap``."""
    own = {"default", "inner-tunnel"}
    sites = [path for path in enabled(folder, "sites-enabled") if path.name not in own]
    return any(line.name in {"eap", "-eap"} for site in sites for line in read_lines(site))
