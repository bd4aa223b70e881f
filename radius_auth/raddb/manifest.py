"""What the installation has put into raddb, so that nothing else is ever overwritten."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from radius_auth.raddb.changes import File, State, look

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OURS: Final = "mods-config/nexio"
"""The folder in raddb that is ours alone; FreeRADIUS loads nothing of it by itself."""

MANIFEST: Final = f"{OURS}/installed.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was written, linked and taken away; paths are below raddb."""

    version: str = ""
    """Of the software that wrote it."""

    package: str = ""
    """Digest of the files that it came from, before they were filled in."""

    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of what was written."""

    links: Mapping[str, str] = field(default_factory=dict)
    """Where each points."""

    taken: Mapping[str, str] = field(default_factory=dict)
    """Links of FreeRADIUS's own that were taken away, and where they pointed."""

    def wrote(self, path: str, there: State) -> bool:
        """Whether what is there is a file as it was written."""
        return isinstance(there, File) and self.files.get(path) == digest(there.content)

    def encode(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"


def load_manifest(folder: Path) -> Manifest:
    """Read it; an empty one where nothing was installed.

    Raises:
        Refused: it is damaged.
        Unreachable: it cannot be read.
    """
    there = look(folder / MANIFEST)
    if not isinstance(there, File):
        return Manifest()
    try:
        return Manifest(**json.loads(there.content))
    except (TypeError, ValueError) as error:
        raise Refused(
            f"{folder / MANIFEST} is damaged",
            "Move it away and the files called nexio as well, then install again.",
        ) from error


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
