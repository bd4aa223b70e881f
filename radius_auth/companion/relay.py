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
"""The newest acts, stored for new workers: more than a guard remembers."""

MOST_NEWS: Final = 50_000
"""Acts of the workers, stored for the host's file and the store."""


KNOWN_SECONDS: Final = 86_400.0
"""How long a login of the same device is not sent again to the host's file and the store: both
store it for days."""


class Relay:
    """Passes the acts of guards on between the workers of this server and to other servers.

    Nearly every first login of a device is at a visit at which nobody has guessed.  The other
    workers need not know of it then: they are sent the device with the first guess there.

    Args:
        send: sends messages to all workers but the one whose guard has that name.
    """

    def __init__(self, send: Callable[[Sequence[bytes], str], None]) -> None:
        self.writer = secrets.token_hex(8)
        self.host = host_name()
        self.lock = threading.RLock()
        self._send = send
        self._acts = _Parts(MOST_ACTS)
        """The acts that were sent to the workers."""

        self._quiet: dict[int, tuple[Act, ...]] = {}
        """Logins at visits at which nothing else has happened, by visit; not sent yet."""

        self._guessed_at: set[int] = set()
        """Visits at which something else has happened; only :meth:`begin_again` forgets them."""

        self._passes_on_everything = False
        """Whether somebody guessed a PIN alone, which may belong to any visit."""

        self._writers: set[str] = set()
        """The guards of the workers, including ended ones."""

        self._news = _Parts(MOST_NEWS)
        self._serials = count(1)

    def take(self, batches: Iterable[ActBatch]) -> None:
        """Take the acts of a worker."""
        with self.lock:
            quiet = self._quiet
            new = []
            for acts, octets in batches:
                some = [act for act in acts if act.visit_id not in quiet or not self._is_known(act)]
                if some:
                    new.append(ActBatch(some, octets if len(some) == len(acts) else packed(some)))
                    self._news.add(part_of(new[-1]))
            if new:
                writer = new[0].acts[0].writer
                self._writers.add(writer)
                self._pass_on(new, writer)

    def _is_known(self, act: Act) -> bool:
        """Whether it is a login of a device that another worker admitted lately: no news."""
        if act.kind != Kind.IN or act.cost:
            return False
        return any(
            each.device == act.device
            and each.writer in self._writers  # acts of others may be missing in file or store
            and 0 <= act.at - each.at < KNOWN_SECONDS
            for each in self._quiet.get(act.visit_id or 0, ())
        )

    def apply(self, acts: Iterable[Act]) -> None:
        """Take the acts of other servers."""
        with self.lock:
            before, loud = self._sorted(acts)
            self._send_acts([*parts_of(before, ACTS_AT_ONCE), *parts_of(loud, ACTS_AT_ONCE)], "")

    def begin_again(self, acts: Iterable[Act]) -> None:
        """Replace everything by these acts."""
        with self.lock:
            self._acts.clear()
            self._quiet.clear()
            self._guessed_at.clear()
            self._passes_on_everything = False
            # This server's own presence is for others only: its workers are one server together.
            others = [act for act in acts if act.writer != self.writer]
            for some in self._sorted(others):
                for part in parts_of(some, ACTS_AT_ONCE):
                    self._acts.add(part)
            self._send(list(self.everything()), "")

    def everything(self) -> Iterator[bytes]:
        """Messages with all acts in the order of time, for a guard that begins."""
        acts = sorted(self._acts.since(0), key=lambda act: act.at)
        return _everything(acts)

    def _pass_on(self, batches: Iterable[ActBatch], writer: str) -> None:
        """Send acts to all workers but their author; earlier logins of devices, to all."""
        before: list[Act] = []
        loud: list[Part] = []
        for each in batches:
            known, new = self._sorted(each.acts)
            before += known
            is_whole = len(new) == len(each.acts)
            loud += [part_of(each)] if is_whole else parts_of(new, ACTS_AT_ONCE)
        self._send_acts(list(parts_of(before, ACTS_AT_ONCE)), "")
        self._send_acts(loud, writer)

    def _send_acts(self, parts: Sequence[Part], but: str) -> None:
        for part in parts:
            self._acts.add(part)
        if parts:
            self._send(list(_messages(parts)), but)

    def _sorted(self, acts: Iterable[Act]) -> tuple[list[Act], list[Act]]:
        """Sort out which acts to send.

        Returns:
            Logins held back earlier, to send to all workers now; and those of these acts to send.
        """
        before: list[Act] = []
        loud: list[Act] = []
        for act in acts:
            visit = act.visit_id
            # Where the PIN alone logs in, there is no chance: such an act is sent at once.
            if act.kind == Kind.IN and act.chance and not act.cost and visit is not None:
                if not self._passes_on_everything and visit not in self._guessed_at:
                    self._hold_back(visit, act)
                    continue
            elif visit is not None:
                before += self._quiet.pop(visit, ())
                self._guessed_at.add(visit)
            elif act.kind == Kind.GUESS and not self._passes_on_everything:
                self._passes_on_everything = True
                before += chain.from_iterable(self._quiet.values())
                self._quiet.clear()
            loud.append(act)
        return before, loud

    def _hold_back(self, visit: int, act: Act) -> None:
        if len(self._quiet) >= MOST_ACTS:  # drop the first half: a dict is slow at its front
            self._quiet = dict(islice(self._quiet.items(), MOST_ACTS // 2, None))
        known = self._quiet.get(visit)
        if known is None:
            self._quiet[visit] = (act,)
        else:
            others = [each for each in known if each.device != act.device]
            self._quiet[visit] = (*others[1 - MOST_DEVICES :], act)

    def report_state(self, kind: str, now: datetime) -> None:
        """Notify the other servers that this one is at work, or ends; its workers know."""
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
        """The current position, and the acts of the workers since an earlier one."""
        with self.lock:
            return self._news.position, self._news.since(position)

    def tidy(self, now: datetime) -> None:
        """Let every worker forget acts that no longer count."""
        del now
        self._send([encoded(ToWorker.TIDY)], "")


class _Parts:
    """The newest acts, as octets, in the order in which they came.

    Args:
        most: how many are stored.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: deque[Part] = deque()
        self._count = 0
        self.position = 0
        """How many there have been."""

    def add(self, part: Part) -> None:
        """Add acts that were sent together."""
        self._parts.append(part)
        self._count += part.size
        self.position += part.size
        while self._count > self._most:
            self._count -= self._parts.popleft().size

    def since(self, position: int) -> Packed:
        """The acts after a position, as far as they are still stored."""
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
