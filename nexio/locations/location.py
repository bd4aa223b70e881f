"""A location, as the rest of the code sees it."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from nexio.input.reply_settings import Replies
    from nexio.locations.settings import Settings

NO_FILES_OF_ZONES = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place with a reception desk."""

    id: int
    name: str
    time_zone: str
    settings: Settings
    reply: Replies | None = ()
    """The reply attributes for its access points beside the end of the time; None if they cannot be
    read.  Then its access points get no answer: a guest without a VLAN may end up anywhere."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which people here read the clock.

        It is UTC if the store has an unknown zone: a foreign row stops nothing, and each time is
        shown with its offset.
        """
        try:
            return ZoneInfo(self.time_zone)
        except (LookupError, ValueError):
            return ZoneInfo("UTC")
        except OSError as error:
            if error.errno in NO_FILES_OF_ZONES:
                return ZoneInfo("UTC")
            raise  # files cannot be opened at this moment

    @property
    def knows_its_zone(self) -> bool:
        """Whether the zone is the one that the store has."""
        return self.zone.key == self.time_zone
