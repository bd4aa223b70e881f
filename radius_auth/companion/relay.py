"""Guesses between the workers of a server, and between them and everybody else.

To :class:`~radius_auth.guard.sharing.Sharing` it is what a guard is where one process answers; but
it decides nothing: it keeps what was done, in its order, for workers that are new.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections import deque
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from nexio.network.guard_acts import Act, Kind
from radius_auth.companion.channel import encoded
from radius_auth.companion.messages import ACTS_AT_ONCE, Told, act_as_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

MOST_ACTS: Final = 200_000
"""Acts that are kept for new workers, the newest: more than a guard remembers."""

MOST_NEWS: Final = 50_000
"""Acts of the workers that are kept for the host's file and the store."""


class Relay:
    """What was done about guesses.

    Args:
        tell: tells the workers something, but for the one whose guard has that name.
    """

    def __init__(self, tell: Callable[[Sequence[bytes], str], None]) -> None:
        self.writer = secrets.token_hex(8)
        self.host = socket.gethostname()
        self.lock = threading.RLock()
        self._tell = tell
        self._acts: deque[Act] = deque(maxlen=MOST_ACTS)
        self._news: deque[Act] = deque(maxlen=MOST_NEWS)
        self._position = 0
        self._serials = count(1)

    def take(self, acts: Iterable[Act]) -> None:
        """Take what a worker did."""
        with self.lock:
            new = list(acts)
            self._acts.extend(new)
            self._add_news(new)
            if new:
                self._tell(list(_messages(new)), new[0].writer)

    def apply(self, acts: Iterable[Act]) -> None:
        """Take what other servers did."""
        with self.lock:
            new = list(acts)
            self._acts.extend(new)
            if new:
                self._tell(list(_messages(new)), "")

    def begin_again(self, acts: Iterable[Act]) -> None:
        """Forget everything, and take this in."""
        with self.lock:
            self._acts.clear()
            # That this server is here is for the others: its workers are one server together.
            self._acts.extend(act for act in acts if act.writer != self.writer)
            self._tell(list(self.everything()), "")

    def everything(self) -> Iterator[bytes]:
        """All that was done, by its time, for a guard that begins."""
        acts = sorted(self._acts, key=lambda act: act.at)
        return _everything(acts)

    def say(self, kind: Kind, now: datetime) -> None:
        """Let the other servers know that this one is at work, or ends; its workers know."""
        act = Act(
            kind=kind,
            at=now.timestamp(),
            writer=self.writer,
            serial=next(self._serials),
            host=self.host,
            location_id=0,
        )
        with self.lock:
            self._add_news([act])

    def told_since(self, position: int) -> tuple[int, list[Act]]:
        """What the workers did since then, and until when that is."""
        with self.lock:
            unseen = min(self._position - position, len(self._news))
            return self._position, list(islice(self._news, len(self._news) - unseen, None))

    def tidy(self, now: datetime) -> None:
        """Let every worker forget what counts no longer."""
        del now
        self._tell([encoded(Told.TIDY)], "")

    def _add_news(self, acts: Sequence[Act]) -> None:
        self._news.extend(acts)
        self._position += len(acts)


def _everything(acts: Sequence[Act]) -> Iterator[bytes]:
    yield encoded(Told.FIRST_ACTS)
    yield from _messages(acts)
    yield encoded(Told.ALL_ACTS)


def _messages(acts: Sequence[Act]) -> Iterator[bytes]:
    for begin in range(0, len(acts), ACTS_AT_ONCE):
        some = [act_as_values(act) for act in acts[begin : begin + ACTS_AT_ONCE]]
        yield encoded(Told.ACTS, some)
