"""Split many values of a statement into groups that a database accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Value = TypeVar("Value")

LARGEST_GROUP = 500
"""Bound parameters in one statement; older SQLite has a limit of 999."""


def in_groups(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """All values in order, up to :data:`LARGEST_GROUP` at a time."""
    for start in range(0, len(values), LARGEST_GROUP):
        yield values[start : start + LARGEST_GROUP]
