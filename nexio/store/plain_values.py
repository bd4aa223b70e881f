"""Plain values as octets in a server's own files: by marshal, behind a checksum.

Marshal takes a tenth of the time of JSON (``python -m benchmarks.recording``), and trusts what it
reads; so nothing is read that a disk has changed.
"""

from __future__ import annotations

import marshal
import zlib
from typing import Any, Final

_CHECKSUM: Final = 4
"""Octets."""


def as_octets(values: Any) -> bytes:
    """Values as they stand in a file."""
    octets = marshal.dumps(values)
    return zlib.crc32(octets).to_bytes(_CHECKSUM) + octets


def of_octets(body: bytes) -> Any:
    """The values that were written.

    Raises:
        ValueError: they are damaged.
    """
    octets = body[_CHECKSUM:]
    if zlib.crc32(octets).to_bytes(_CHECKSUM) != body[:_CHECKSUM]:
        raise ValueError
    return marshal.loads(octets)  # noqa: S302 - what we have written
