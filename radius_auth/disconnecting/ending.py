"""Ends sessions of guests who may not be on any more, by asking their NAS (RFC 5176)."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nexio.errors import KeyUnusable, NexioError, NotFound, Unreachable
from nexio.network.endings import any_due, claim_endings, record_disconnect
from nexio.network.nas import list_nas
from radius_auth.decision.request import Accepted
from radius_auth.decision.rules import decide_visit
from radius_auth.disconnecting.disconnect import (
    DisconnectOutcome,
    DisconnectReply,
    ask_to_disconnect,
    attributes_of,
    peer_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from nexio.network.endings import Ending
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from nexio.store.engine import Store
    from radius_auth.protocol.pyrad_codec import Peer

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 1.0
"""How often the store is asked which sessions have to end."""

MOST: Final = 512
"""Requests under way at the same time; each has a socket."""

TOGETHER: Final = 0.02
"""Seconds: a reply that comes so soon after another one is recorded with it."""

TIMEOUT: Final = 1.5
"""Seconds after each of three transmissions: together less than a claim lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The answer of a NAS about a session that was to end."""

    ending: Ending
    peer: Peer | None
    """The NAS that was asked; None where none could be asked."""

    reply: DisconnectReply


class SessionEnder:
    """Asks NAS to end sessions, many at a time, and records their answers.

    Args:
        open_store: opens the store; it is closed at the end.
        report: called with the answer of each NAS.
    """

    def __init__(
        self, open_store: Callable[[], Store], report: Callable[[Ended], None] = lambda _: None
    ) -> None:
        self._open_store = open_store
        self._report = report
        self._asking: dict[asyncio.Task[Ended], Ending] = {}
        self._stopping = threading.Event()
        self._own = ThreadPoolExecutor(1, "session-ender-store")
        self._thread = threading.Thread(target=self.run, name="session-ender", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, without waiting for a NAS: claims expire, and another server asks again."""
        self._stopping.set()
        self._thread.join(2 * EVERY_SECONDS)

    def run(self) -> None:
        """Run until :meth:`stop`, whatever the store does."""
        logged = ""
        while not self._stopping.is_set():
            try:
                with closing(self._open_store()) as store:
                    asyncio.run(self._follow(store))
            except NexioError as error:
                if str(error) != logged:
                    log.warning("no session is ended: %s", error)
                logged = str(error)
            except Exception:
                log.exception("no session is ended")
            self._asking.clear()
            self._stopping.wait(EVERY_SECONDS)

    def run_once(self, store: Store) -> None:
        """End all that is due now, and return when each NAS has answered or timed out."""
        asyncio.run(self._end_all(store))

    async def _follow(self, store: Store) -> None:
        try:
            while not self._stopping.is_set():
                if not await self._end_some(store):
                    await self._aside(self._stopping.wait, EVERY_SECONDS)
        except asyncio.CancelledError:  # by Ctrl-C
            self._stopping.set()
            raise

    async def _end_all(self, store: Store) -> None:
        while await self._end_some(store):
            pass

    async def _end_some(self, store: Store) -> bool:
        """Ask for due sessions, wait a while, record; return whether there was anything to do."""
        room = MOST - len(self._asking)
        for ending, peer in await self._aside(self._claim, store, room) if room else ():
            self._asking[asyncio.create_task(_ask(peer, ending, store.clock()))] = ending
        if not self._asking:
            return False
        first = asyncio.FIRST_COMPLETED  # the others may be silent
        await asyncio.wait(self._asking, timeout=EVERY_SECONDS, return_when=first)
        await asyncio.sleep(TOGETHER)
        done = [task for task in self._asking if task.done()]
        ended = [task.result() for task in done]
        for task in done:
            del self._asking[task]
        await self._aside(_record, store, ended)
        for each in ended:
            self._report(each)
        return True

    async def _aside(self, work: Callable[..., Any], *given: Any) -> Any:
        """Run in a thread of its own: slow name resolution may fill the other threads."""
        return await asyncio.get_running_loop().run_in_executor(self._own, work, *given)

    def _claim(self, store: Store, most: int) -> list[tuple[Ending, Peer | None]]:
        with store.read() as work:
            if not any_due(work):
                return []
            entries = list_nas(work)
        asked = Counter(ending.session.source_address for ending in self._asking.values())
        with store.write() as writing:
            endings = claim_endings(writing, _reason_of, asked, most)
        asking = {ending.session.id for ending in self._asking.values()}  # their claim goes on
        new = [each for each in endings if each.session.id not in asking]
        return [(each, _peer_of(entries, each)) for each in new]


def _reason_of(visit: FollowedVisit, now: datetime) -> str | None:
    """Why a guest may not be on any more, by the rules of a login, wherever the NAS is."""
    decision = decide_visit(visit, None, now)
    return None if isinstance(decision, Accepted) else decision.reason


def _peer_of(entries: Sequence[Nas], ending: Ending) -> Peer | None:
    try:
        return peer_of(entries, ending.session, TIMEOUT)
    except (KeyUnusable, NotFound, OSError):  # no entry with a secret, or a damaged address
        return None


async def _ask(peer: Peer | None, ending: Ending, now: datetime) -> Ended:
    """Ask a NAS; one that cannot be asked counts as a timeout."""
    reply = DisconnectReply(outcome=DisconnectOutcome.TIMEOUT)
    if peer is not None:
        with suppress(Unreachable, ValueError, OSError):  # no host, or a row that is damaged
            attributes = attributes_of(ending.session, ending.user_name, now)
            reply = await ask_to_disconnect(peer, attributes)
    return Ended(ending=ending, peer=peer, reply=reply)


def _record(store: Store, ended: Sequence[Ended]) -> None:
    with store.write() as work:
        for each in ended:
            reply, ending = each.reply, each.ending
            record_disconnect(
                work, ending.session.id, reply.outcome.value, reply.error_cause, ending.reason
            )
