"""Plans to install the plugin in raddb, or to remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nexio.installing import plan
from nexio.installing.plan import Place, Plan, Wanted
from radius_auth.raddb.obstacles import links_to_remove, refuse_other_python
from radius_auth.raddb.package import OURS, links_of

if TYPE_CHECKING:
    from pathlib import Path

    from radius_auth.raddb.package import Source

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750


def place(folder: Path) -> Place:
    """Where the plugin is installed."""
    return Place(folder=folder, ours=OURS, file_mode=FILE_MODE, folder_mode=FOLDER_MODE)


def plan_install(folder: Path, source: Source, *, replace_default: bool) -> Plan:
    """Plan an installation or its renewal.

    Args:
        folder: raddb.
        source: what is to be installed.
        replace_default: remove the links of FreeRADIUS's own site.

    Raises:
        Refused: a file of somebody else is in the way, or another python3 module.
        Unreachable: the folder cannot be read.
    """
    refuse_other_python(folder)
    wanted = Wanted(files=source.files, links=links_of(source.files), package=source.package)
    taken = links_to_remove(folder) if replace_default else {}
    return plan.plan_install(place(folder), wanted, taken)


def plan_uninstall(folder: Path) -> Plan:
    """Plan to remove what was installed, and to put back what was removed for it.

    Raises:
        Refused: the manifest is damaged.
        Unreachable: the folder cannot be read.
    """
    return plan.plan_uninstall(place(folder), _compiled(folder))


def _compiled(folder: Path) -> list[str]:
    """The compiled files of nexio_plugin.py, which Python writes where FreeRADIUS may write."""
    found = (folder / OURS / "__pycache__").glob("nexio_plugin.*.pyc")
    return [str(path.relative_to(folder)) for path in found]
