"""Finds the time of accounting records that are sent much later, by a NAS or as a replay.

Event-Timestamp (RFC 2869 section 5.3) is by the clock of the NAS, which may be wrong by years.
But its difference to our clock is constant: a record that is older by it than its Acct-Delay-Time
was delayed or replayed, and counts at the time when it happened.  So an old Accounting-On ends no
session with newer records, and an old Start belongs to an old session.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST_DELAY: Final = timedelta(days=7)
"""No NAS stores a record for longer."""

TOLERANCE: Final = timedelta(seconds=60)
"""How late a record may be without Acct-Delay-Time: retransmitted, or waiting in a queue."""

BELIEVED_AFTER: Final = timedelta(minutes=10)
"""When only old times have arrived for so long, the clock of the NAS was set back."""

NOT_SET_BEFORE: Final = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""A NAS that sends an earlier time, but usually later ones, has just started without the time."""

REMEMBERED: Final = 65_536
"""Senders; the one whose last record is oldest is forgotten first."""


@dataclass(slots=True)
class _Clock:
    """How far a NAS's clock is behind ours."""

    behind: timedelta
    old_since: datetime | None = None
    """When it first sent an old time, if it sent only old ones since."""


class NasClocks:
    """The clocks of the senders of accounting."""

    def __init__(self) -> None:
        self._clocks: OrderedDict[str, _Clock] = OrderedDict()

    def time_of(self, sender: str, sent: datetime, stamp: int | None) -> datetime | None:
        """When something happened, by our clock.

        Args:
            sender: who sent it.
            sent: the arrival, less Acct-Delay-Time.
            stamp: Event-Timestamp; None if there is none, and then ``sent`` is the time.

        Returns:
            None if it is older than :data:`LONGEST_DELAY`: no NAS reports that any more.
        """
        if stamp is None:
            return sent
        behind = timedelta(seconds=sent.timestamp() - stamp)
        clock = self._find(sender, behind)
        if stamp < NOT_SET_BEFORE <= (sent - clock.behind).timestamp():
            return sent
        late = behind - clock.behind
        if late > TOLERANCE and not self._is_set_back(clock, sent):
            return sent - late if late <= LONGEST_DELAY else None
        # A time ahead of the known offset is true: no replay can come from the future.
        clock.behind, clock.old_since = behind, None
        return sent

    def behind(self, sender: str) -> timedelta | None:
        """By how much the clock of a NAS is behind ours; None if it has sent no time."""
        clock = self._clocks.get(sender)
        return None if clock is None else clock.behind

    def _find(self, sender: str, behind: timedelta) -> _Clock:
        clock = self._clocks.setdefault(sender, _Clock(behind))
        self._clocks.move_to_end(sender)
        if len(self._clocks) > REMEMBERED:
            self._clocks.popitem(last=False)
        return clock

    @staticmethod
    def _is_set_back(clock: _Clock, sent: datetime) -> bool:
        if clock.old_since is None:
            clock.old_since = sent
        return sent - clock.old_since > BELIEVED_AFTER
