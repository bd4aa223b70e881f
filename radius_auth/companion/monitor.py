"""Where a monitor asks a RADIUS server, for the process that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from radius_auth.protocol.discards import Discards


class Monitor(NamedTuple):
    """How a monitor is answered."""

    opened: socket.socket
    accounting: Path
    """The spool of accounting."""

    discards: Discards
    """Accounting that got no answer."""
