"""Reads picture files for mails, and detects their kind by the first octets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nexio.errors import InvalidValue
from nexio.input.names import quoted

LARGEST: Final = 200_000
"""Octets: each mail contains the picture."""

_KINDS: Final = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a kind that every mail program shows."""

    kind: str
    """Its media type below ``image/``."""

    octets: bytes = field(repr=False)


def read_picture(path: Path) -> Picture:
    """Read a picture from a file.

    Raises:
        InvalidValue: it cannot be read, is too large, or is not a PNG, JPEG or GIF.
    """
    try:
        octets = path.read_bytes() if path.is_file() and path.stat().st_size <= LARGEST else None
    except OSError:
        octets = None
    if octets is None:
        raise InvalidValue(
            f"{quoted(str(path))} cannot be read, or is larger than {LARGEST // 1000} kB",
            "Name a smaller picture, by its whole path.",
        )
    for start, kind in _KINDS.items():
        if octets.startswith(start):
            return Picture(kind=kind, octets=octets)
    raise InvalidValue(
        f"{quoted(str(path))} is no picture for a mail", "Name a PNG, a JPEG or a GIF."
    )
