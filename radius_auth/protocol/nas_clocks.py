"""When it happened: records that are sent again much later, by a NAS or by somebody else.

Event-Timestamp (RFC 2869 section 5.3) is by the clock of the NAS, which may be wrong by years.
But the difference to our clock stays the same: a record that is older by it than its
Acct-Delay-Time says was held back or recorded, and counts for the time when it happened.  So an
old Accounting-On ends no session that was heard of since, and an old Start is that of an old
session.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST_DELAY: Final = timedelta(days=7)
"""No NAS keeps a record for longer."""

TOLERANCE: Final = timedelta(seconds=60)
"""How much a record may be late without a word of it: sent again, or waiting in a queue."""

BELIEVED_AFTER: Final = timedelta(minutes=10)
"""When only old times have come for so long, the clock of the NAS was set back."""

NOT_SET_BEFORE: Final = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""A NAS that says less and otherwise more has just started, and asks for the time."""

REMEMBERED: Final = 65_536
"""Senders; the one that was not heard of for longest is forgotten first."""


@dataclass(slots=True)
class _Clock:
    """How far a NAS's clock is behind ours."""

    behind: timedelta
    old_since: datetime | None = None
    """When it first said an old time, if it said nothing else since."""


class NasClocks:
    """The clocks of those who send accounting."""

    def __init__(self) -> None:
        self._clocks: OrderedDict[str, _Clock] = OrderedDict()

    def time_of(self, sender: str, sent: datetime, stamp: int | None) -> datetime | None:
        """When something happened, by our clock.

        Args:
            sender: who tells.
            sent: the arrival, less Acct-Delay-Time.
            stamp: Event-Timestamp; None where there is none, and then there is no more to know.

        Returns:
            None where it is older than :data:`LONGEST_DELAY`: nobody can tell of that any more.
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
        # A time ahead of what was known is true: nobody can have recorded it before.
        clock.behind, clock.old_since = behind, None
        return sent

    def behind(self, sender: str) -> timedelta | None:
        """By how much the clock of a NAS is behind ours, as far as it has said a time."""
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
