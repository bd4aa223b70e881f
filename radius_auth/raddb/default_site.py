"""FreeRADIUS's own site ``default``, which listens on the same port as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from radius_auth.raddb.changes import Link, look
from radius_auth.raddb.folder import enabled, read_lines

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT: Final = "sites-enabled/default"

NEEDED_BY_EAP: Final = ("sites-enabled/inner-tunnel", "mods-enabled/eap")
"""What fails, or serves nobody, where no site calls FreeRADIUS's own ``eap``."""


def has_default(folder: Path) -> bool:
    """Whether FreeRADIUS's own site is there, so that somebody has to choose."""
    return look(folder / DEFAULT) is not None


def links_to_take(folder: Path) -> dict[str, str]:
    """Links of FreeRADIUS's own that are to go, and where they point.

    Raises:
        Refused: one of them is no link; a file is never taken away.
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
