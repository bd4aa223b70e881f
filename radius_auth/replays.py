"""Records that were answered before: they are answered again, and nothing is done twice.

The Request Authenticator of an Accounting-Request is a digest of all of it with the secret (RFC
2866 section 3).  The same one is the same octets: sent again by the NAS, or by somebody who
recorded them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

OF_ONE: Final = 32_768
"""How many are remembered of one NAS entry, the newest."""

OF_ALL: Final = 524_288
"""And of all of them; then those of the entry that was not heard of for longest are forgotten."""


class Replays:
    """The authenticators of what was stored."""

    def __init__(self, of_one: int = OF_ONE, of_all: int = OF_ALL) -> None:
        self._of_one = of_one
        self._of_all = of_all
        self._seen: OrderedDict[int, OrderedDict[bytes, None]] = OrderedDict()
        self._total = 0

    def __contains__(self, key: tuple[int, bytes]) -> bool:
        """Whether a NAS entry (by its number) has told that before."""
        entry, authenticator = key
        return authenticator in self._seen.get(entry, ())

    def add(self, entry: int, authenticator: bytes) -> None:
        """Remember what is stored now."""
        seen = self._seen.setdefault(entry, OrderedDict())
        self._seen.move_to_end(entry)
        if authenticator in seen:
            return
        seen[authenticator] = None
        self._total += 1
        if len(seen) > self._of_one:
            seen.popitem(last=False)
            self._total -= 1
        if self._total > self._of_all:
            _, forgotten = self._seen.popitem(last=False)
            self._total -= len(forgotten)
