"""The manifest: which files an installation wrote, so that it never overwrites others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from nexio.installing.changes import File, State, look

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "installed.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was written, linked and removed; paths are relative to the other program's folder."""

    version: str = ""
    """The version of nexio that wrote it."""

    package: str = ""
    """See ``radius_auth.raddb.package.package_digest``; empty for units."""

    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file as it was written."""

    links: Mapping[str, str] = field(default_factory=dict)
    """The target of each link."""

    taken: Mapping[str, str] = field(default_factory=dict)
    """The other program's own links that were removed, and their targets."""

    def wrote(self, path: str, there: State) -> bool:
        """Whether the file at a path is still the one that was written."""
        return isinstance(there, File) and self.files.get(path) == digest(there.content)

    def encode(self) -> bytes:
        """The manifest as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"


def load_manifest(path: Path) -> Manifest:
    """Read the manifest; return an empty one if nothing was installed.

    Raises:
        Refused: it is damaged.
        Unreachable: it cannot be read.
    """
    there = look(path)
    if not isinstance(there, File):
        return Manifest()
    try:
        return Manifest(**json.loads(there.content))
    except (TypeError, ValueError) as error:
        raise Refused(
            f"{path} is damaged",
            "Move it away and the files called nexio as well, then install again.",
        ) from error


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
