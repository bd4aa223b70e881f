"""Reads the costs of processes: of a server, its database, and everything else on the machine."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process at one moment."""

    pid: int
    name: str
    parent: int
    cpu: float
    """Seconds, with those of its children that have ended."""


def tree(*roots: int) -> list[Process]:
    """Those processes and all that they have started."""
    children: dict[int, list[Process]] = defaultdict(list)
    known: dict[int, Process] = {}
    for each in _all():
        children[each.parent].append(each)
        known[each.pid] = each
    found = [known[root] for root in roots if root in known]
    for each in found:  # grows meanwhile
        found.extend(children[each.pid])
    return found


def cpu_seconds(*roots: int) -> float:
    """The CPU time of all of them together."""
    return sum(each.cpu for each in tree(*roots))


def cpu_by_name(*roots: int) -> dict[str, float]:
    """The same for the processes of each name."""
    found: dict[str, float] = defaultdict(float)
    for each in tree(*roots):
        found[each.name] += each.cpu
    return dict(found)


def megabytes(*roots: int, name: str = "") -> list[float]:
    """Memory of each of that name, or of all; what they share is divided among them (PSS)."""
    return [_pss(each.pid) for each in tree(*roots) if name in {"", each.name}]


def machine_seconds() -> tuple[float, float]:
    """How long all processors were busy, or taken away by another machine; and in all."""
    _, *fields = (_PROC / "stat").read_text().splitlines()[0].split()
    user, nice, system, idle, wait, *rest = (int(field) / TICKS for field in fields[:8])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + wait


def _all() -> list[Process]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
                found.append(_read(int(folder.name)))
    return found


def _read(pid: int) -> Process:
    before, _, after = (_PROC / str(pid) / "stat").read_text().rpartition(")")
    fields, name = after.split(), before.partition("(")[2]
    cpu = sum(map(int, fields[11:15])) / TICKS
    return Process(pid=pid, name=name, parent=int(fields[1]), cpu=cpu)


def _pss(pid: int) -> float:
    with suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
