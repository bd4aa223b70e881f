"""The identity of a server among all that follow a store."""

from __future__ import annotations

import os
import socket
from typing import Final, NamedTuple

RADIUSD: Final = "nexio-radiusd"
FREERADIUS: Final = "FreeRADIUS"


def host_name() -> str:
    """The name of this machine, made safe for the store and the log.

    The kernel accepts any octets.  Those that are not UTF-8 or not printable are escaped.
    """
    name = os.fsencode(socket.gethostname()).decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in name
    )


class Identity(NamedTuple):
    """The properties that identify a server across restarts."""

    kind: str
    host: str
    place: str
    """Place on its host: a port, a port with its address, or the folder of its data."""

    @property
    def name(self) -> str:
        """``harbour-1:1812``, or ``harbour-2 FreeRADIUS``."""
        if self.kind == FREERADIUS:
            return f"{self.host} {self.kind}"
        return f"{self.host}:{self.place}" if self.place.isdigit() else f"{self.host} {self.place}"
