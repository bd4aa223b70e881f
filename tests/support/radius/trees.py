"""A raddb for a test, its contents, and the plugin in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from radius_auth.raddb.installation import plan_install
from radius_auth.raddb.package import Source, fill_in, packaged

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.installing.plan import Plan


def tree(folder: Path) -> dict[str, tuple[str, int, bytes]]:
    """Everything below a folder: type and rights, owner, and content or target."""
    return {
        str(path.relative_to(folder)): (
            stat.filemode(path.lstat().st_mode),
            path.lstat().st_uid,
            _content(path),
        )
        for path in sorted(folder.rglob("*"))
    }


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""


def source(configuration: Configuration, **changed: bytes) -> Source:
    """The files that a version of the software installs.

    Args:
        configuration: names the store.
        changed: files that differ in that version, by the last part of their name.
    """
    templates = {
        path: changed.get(Path(path).name, content) for path, content in packaged().items()
    }
    return fill_in(templates, configuration)


def planned(folder: Path, configuration: Configuration, **changed: bytes) -> Plan:
    """A plan of an installation that replaces FreeRADIUS's own site."""
    return plan_install(folder, source(configuration, **changed), replace_default=True)


def install(folder: Path, configuration: Configuration, **changed: bytes) -> Plan:
    """Install, and replace FreeRADIUS's own site."""
    plan = planned(folder, configuration, **changed)
    plan.carry_out()
    return plan


def change(path: Path, old: str, new: str) -> None:
    """Change a file in its place, as an engineer does."""
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))
