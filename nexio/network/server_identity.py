"""Which server somebody is, of all that follow a store."""

from __future__ import annotations

from typing import Final, NamedTuple

RADIUSD: Final = "nexio-radiusd"
FREERADIUS: Final = "FreeRADIUS"


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
