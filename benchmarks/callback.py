"""Measures the cost of a call of the plugin in Python alone: ``python -m benchmarks.callback``.

Prints microseconds of CPU from FreeRADIUS's pairs to the return value, with 100,000 visits in
memory.  FreeRADIUS makes one such call at a time.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks.path import LOGINS, VISITS, Known, device, email, pin
from nexio.clock import utc_now
from radius_auth.companion.memory import freeze_memory
from radius_auth.guard import Guard
from radius_auth.plugin.pairs import SENDER, STAGE
from radius_auth.plugin.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radius_auth.plugin.pairs import Pairs

WRONG_PIN: Final = "99999999"


def pairs(number: int, typed: str) -> Pairs:
    """A login by PAP as rlm_python3 hands it over."""
    return (
        ("User-Password", typed),
        ("User-Name", email(number).decode()),
        ("NAS-IP-Address", "127.0.0.1"),
        ("NAS-Port", "3"),
        ("Service-Type", "Login-User"),
        ("Framed-MTU", "1400"),
        ("Called-Station-Id", "0A-00-00-00-00-03:Guests"),
        ("Calling-Station-Id", device(number).decode()),
        ("NAS-Identifier", "ap-3"),
        ("NAS-Port-Type", "Wireless-802.11"),
        ("Message-Authenticator", "0x00112233445566778899aabbccddeeff"),
        (SENDER, "127.0.0.1"),
        (STAGE, "outer"),
    )


def rounds(visits: int = VISITS, count: int = 5) -> dict[str, list[float]]:
    """Each kind of login in turn, `count` times."""
    known = Known(visits)
    decided: list[object] = []
    plugin = Plugin(lambda: known.table, Guard(), decided.append, lambda *_: True, utc_now)
    freeze_memory()
    new = itertools.cycle(random.sample(range(visits), visits))
    found: dict[str, list[float]] = {}
    for _ in range(count):
        visitors = list(itertools.islice(new, min(LOGINS, visits)))
        right = [pairs(each, pin(each).decode()) for each in visitors]
        wrong = [pairs(each, WRONG_PIN) for each in visitors]
        loads = ("accept, new device", right), ("accept, known device", right), ("reject", wrong)
        for kind, load in loads:
            found.setdefault(kind, []).append(measure(plugin.authorize, load))
            decided.clear()
    return found


def measure(ask: Callable[[Pairs], object], load: Sequence[Pairs]) -> float:
    """Microseconds of CPU for each call."""
    began = time.process_time()
    for each in load:
        ask(each)
    return (time.process_time() - began) / len(load) * 1e6


def main() -> None:
    """Print the median and the least of each kind."""
    for kind, figures in rounds(*map(int, sys.argv[1:])).items():
        ordered = sorted(figures)
        print(f"{kind:22} {ordered[len(ordered) // 2]:6.1f} us, at least {ordered[0]:6.1f}")


if __name__ == "__main__":
    main()
