"""The size of a run: the whole or the short form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COLUMNS: Final = ("accept", "CHAP accept", "duplicate", "accounting", "reject")
"""The kinds of requests, in this order: wrong PINs last, so that they make no other one refused."""

RATE: Final = 500
"""Requests a second where delays are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Sizes and times."""

    visitors: int
    rounds: int
    seconds: float
    """Of a round as fast as a server answers."""

    paced_seconds: float
    """Of a round with :data:`RATE` requests a second."""

    paced: tuple[str, ...]
    """For which columns there are such rounds."""

    starts: int
    reloads: int
    """Pairs of runs, one with a reload and one without."""

    reload_seconds: float

    people: int
    """Who check in at tablets."""

    sessions: int
    """Whose windows end in the same moment."""

    desk_visitors: int
    """Who are expected where large commands are measured."""

    changes: int
    """Visitors who are registered at one site, and revoked, and known at another one."""

    idle_seconds: float
    """How long a server is watched that has nothing to do."""


WHOLE: Final = Form(
    visitors=100_000,
    rounds=3,
    seconds=2.0,
    paced_seconds=3.0,
    paced=COLUMNS,
    starts=3,
    reloads=3,
    reload_seconds=12.0,
    people=500,
    sessions=1_000,
    desk_visitors=20_000,
    changes=100,
    idle_seconds=10.0,
)
SHORT: Final = Form(
    visitors=10_000,
    rounds=1,
    seconds=0.5,
    paced_seconds=0.5,
    paced=("accept",),
    starts=1,
    reloads=2,
    reload_seconds=3.0,
    people=50,
    sessions=200,
    desk_visitors=2_000,
    changes=10,
    idle_seconds=3.0,
)
