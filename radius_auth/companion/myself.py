"""The server that a companion belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nexio.network.server_identity import Identity


class Myself(NamedTuple):
    """The identity of that server, and where its accounting waits."""

    identity: Identity
    started_at: datetime
    accounting: Path
    """The spool of its accounting."""
