"""A location, as everybody else sees it."""

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
    """What accepts of its access points say beside the end of the time; None where nobody can read
    it.  Then its access points get no answer: a guest without a VLAN may be anywhere."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which people here read the clock.

        UTC where the store has one that nobody knows: a row from elsewhere stops nothing, and
        each time is shown with its offset.
        """
        try:
            return ZoneInfo(self.time_zone)
        except (LookupError, ValueError):
            return ZoneInfo("UTC")
        except OSError as error:
            if error.errno in NO_FILES_OF_ZONES:
                return ZoneInfo("UTC")
            raise  # no file can be opened at this moment

    @property
    def knows_its_zone(self) -> bool:
        """Whether that is the zone of its row."""
        return self.zone.key == self.time_zone
