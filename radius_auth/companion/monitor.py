"""What the metrics endpoint of a RADIUS server needs, for the process that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from radius_auth.protocol.discards import Discards


class Monitor(NamedTuple):
    """What is needed to answer a monitor."""

    opened: socket.socket
    accounting: Path
    """The spool of accounting."""

    discards: Discards
    """Counts accounting that got no answer."""
