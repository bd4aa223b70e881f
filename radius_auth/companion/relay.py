"""Guesses between the workers of a server, and between them and everybody else.

To :class:`~radius_auth.guard.sharing.Sharing` it is what a guard is where one process answers; but
it decides nothing: it keeps what was done, in its order, for workers that are new.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Final

from nexio.network.guard_acts import (
    ACTS_AT_ONCE,
    Act,
    ActBatch,
    Kind,
    Packed,
    Part,
    packed,
    part_of,
    parts_of,
    together,
)
from nexio.network.server_identity import host_name
from radius_auth.companion.channel import encoded
from radius_auth.companion.messages import ToWorker
from radius_auth.guard.target import MOST_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

MOST_ACTS: Final = 200_000
"""Acts that are kept for new workers, the newest: more than a guard remembers."""

MOST_NEWS: Final = 50_000
"""Acts of the workers that are kept for the host's file and the store."""


KNOWN_SECONDS: Final = 86_400.0
"""For so long a device that got in is not told again to the host's file and the store: both keep it
for days."""


class Relay:
    """What was done about guesses.

    Nearly every first login of a device is at a visit at which nobody has guessed.  No other
    worker has to know of it then: it knows the device when it hears of the first guess there.

    Args:
        tell: tells the workers something, but for the one whose guard has that name.
    """

    def __init__(self, tell: Callable[[Sequence[bytes], str], None]) -> None:
        self.writer = secrets.token_hex(8)
        self.host = host_name()
        self.lock = threading.RLock()
        self._tell = tell
        self._acts = _Parts(MOST_ACTS)
        """What the workers were told."""

        self._quiet: dict[int, tuple[Act, ...]] = {}
        """Who got in at visits at which nothing else has happened; by visit."""

        self._guessed_at: set[int] = set()
        """Visits at which something else has happened; forgotten by :meth:`begin_again` alone."""

        self._tells_all = False
        """Whether a PIN alone was guessed, which may be at any visit."""

        self._writers: set[str] = set()
        """The guards of the workers, of those that have ended too."""

        self._news = _Parts(MOST_NEWS)
        self._serials = count(1)

    def take(self, told: Iterable[ActBatch]) -> None:
        """Take what a worker did."""
        with self.lock:
            quiet = self._quiet
            new = []
            for acts, octets in told:
                some = [act for act in acts if act.visit_id not in quiet or not self._is_known(act)]
                if some:
                    new.append(ActBatch(some, octets if len(some) == len(acts) else packed(some)))
                    self._news.add(part_of(new[-1]))
            if new:
                writer = new[0].acts[0].writer
                self._writers.add(writer)
                self._pass_on(new, writer)

    def _is_known(self, act: Act) -> bool:
        """Whether a device got in lately that another worker had let in: that is no news."""
        if act.kind != Kind.IN or act.cost:
            return False
        return any(
            each.device == act.device
            and each.writer in self._writers  # what others told may not be in both
            and 0 <= act.at - each.at < KNOWN_SECONDS
            for each in self._quiet.get(act.visit_id or 0, ())
        )

    def apply(self, acts: Iterable[Act]) -> None:
        """Take what other servers did."""
        with self.lock:
            before, loud = self._sorted(acts)
            self._tell_of([*parts_of(before, ACTS_AT_ONCE), *parts_of(loud, ACTS_AT_ONCE)], "")

    def begin_again(self, acts: Iterable[Act]) -> None:
        """Forget everything, and take this in."""
        with self.lock:
            self._acts.clear()
            self._quiet.clear()
            self._guessed_at.clear()
            self._tells_all = False
            # That this server is here is for the others: its workers are one server together.
            others = [act for act in acts if act.writer != self.writer]
            for some in self._sorted(others):
                for part in parts_of(some, ACTS_AT_ONCE):
                    self._acts.add(part)
            self._tell(list(self.everything()), "")

    def everything(self) -> Iterator[bytes]:
        """All that was done, by its time, for a guard that begins."""
        acts = sorted(self._acts.since(0), key=lambda act: act.at)
        return _everything(acts)

    def _pass_on(self, told: Iterable[ActBatch], writer: str) -> None:
        """Tell all workers but the one that did it; of devices that got in before, all of them."""
        before: list[Act] = []
        loud: list[Part] = []
        for each in told:
            known, new = self._sorted(each.acts)
            before += known
            is_whole = len(new) == len(each.acts)
            loud += [part_of(each)] if is_whole else parts_of(new, ACTS_AT_ONCE)
        self._tell_of(list(parts_of(before, ACTS_AT_ONCE)), "")
        self._tell_of(loud, writer)

    def _tell_of(self, parts: Sequence[Part], but: str) -> None:
        for part in parts:
            self._acts.add(part)
        if parts:
            self._tell(list(_messages(parts)), but)

    def _sorted(self, acts: Iterable[Act]) -> tuple[list[Act], list[Act]]:
        """Divide what was done.

        Returns:
            Logins that were kept, to tell all workers now; and those of these acts to tell.
        """
        before: list[Act] = []
        loud: list[Act] = []
        for act in acts:
            visit = act.visit_id
            # Where the PIN alone logs in there is no chance: every worker hears of it at once.
            if act.kind == Kind.IN and act.chance and not act.cost and visit is not None:
                if not self._tells_all and visit not in self._guessed_at:
                    self._keep(visit, act)
                    continue
            elif visit is not None:
                before += self._quiet.pop(visit, ())
                self._guessed_at.add(visit)
            elif act.kind == Kind.GUESS and not self._tells_all:
                self._tells_all = True
                before += chain.from_iterable(self._quiet.values())
                self._quiet.clear()
            loud.append(act)
        return before, loud

    def _keep(self, visit: int, act: Act) -> None:
        if len(self._quiet) >= MOST_ACTS:  # the first half, as a dict is slow at its front
            self._quiet = dict(islice(self._quiet.items(), MOST_ACTS // 2, None))
        known = self._quiet.get(visit)
        if known is None:
            self._quiet[visit] = (act,)
        else:
            others = [each for each in known if each.device != act.device]
            self._quiet[visit] = (*others[1 - MOST_DEVICES :], act)

    def report_state(self, kind: str, now: datetime) -> None:
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
            self._news.add(*parts_of([act], 1))

    def news_since(self, position: int) -> tuple[int, Packed]:
        """What the workers did since then, and until when that is."""
        with self.lock:
            return self._news.position, self._news.since(position)

    def tidy(self, now: datetime) -> None:
        """Let every worker forget what counts no longer."""
        del now
        self._tell([encoded(ToWorker.TIDY)], "")


class _Parts:
    """Acts in the order in which they were told, as octets: the newest ones.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: deque[Part] = deque()
        self._count = 0
        self.position = 0
        """How many there have been."""

    def add(self, part: Part) -> None:
        """Add what was told together."""
        self._parts.append(part)
        self._count += part.size
        self.position += part.size
        while self._count > self._most:
            self._count -= self._parts.popleft().size

    def since(self, position: int) -> Packed:
        """Those behind that position, as far as they are kept."""
        unseen, found = self.position - position, []
        for part in reversed(self._parts):
            if unseen <= 0:
                break
            found.append(part)
            unseen -= part.size
        return Packed(found[::-1])

    def clear(self) -> None:
        """Forget all of them."""
        self._parts.clear()
        self._count = 0


def _everything(acts: Sequence[Act]) -> Iterator[bytes]:
    yield encoded(ToWorker.FIRST_ACTS)
    yield from _messages(parts_of(acts, ACTS_AT_ONCE))
    yield encoded(ToWorker.ALL_ACTS)


def _messages(parts: Iterable[Part]) -> Iterator[bytes]:
    for group in together(parts, ACTS_AT_ONCE):
        yield encoded(ToWorker.ACTS, *(each.octets for each in group))
