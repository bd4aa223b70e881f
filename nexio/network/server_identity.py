"""Which server somebody is, of all that follow a store."""

from __future__ import annotations

import os
import socket
from typing import Final, NamedTuple

RADIUSD: Final = "nexio-radiusd"
FREERADIUS: Final = "FreeRADIUS"


def host_name() -> str:
    """The name of this machine as the store and a log can hold it.

    The kernel takes any octets for one.  Those that are no UTF-8, and what cannot be printed, are
    escaped.
    """
    name = os.fsencode(socket.gethostname()).decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in name
    )


class Identity(NamedTuple):
    """What makes a server the same one after a restart."""

    kind: str
    host: str
    place: str
    """Where on its host: a port, a port with its address, or the folder of its data."""

    @property
    def name(self) -> str:
        """``harbour-1:1812``, or ``harbour-2 FreeRADIUS``."""
        if self.kind == FREERADIUS:
            return f"{self.host} {self.kind}"
        return f"{self.host}:{self.place}" if self.place.isdigit() else f"{self.host} {self.place}"
