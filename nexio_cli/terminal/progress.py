"""Shows the progress of long operations."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.reception.staging import Watch


class _Silent:
    def step(self, what: str, done: int, of: int) -> None:
        """Show nothing."""


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watch]:
    """A bar on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("reading", total=1.0)

        class Bar:
            def step(self, what: str, done: int, of: int) -> None:
                """Show it."""
                shown.update(task, description=what, completed=done / max(of, 1))

        yield Bar()
