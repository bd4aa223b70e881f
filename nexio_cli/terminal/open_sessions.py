"""Sessions that go on although their visitor may not log in any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio_cli.terminal import output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nexio.store.engine import Reading


def find_open(work: Reading, visit_id: int) -> list[str]:
    """A line for a visit with open sessions, and what to type; none where it has none."""
    from nexio.network.sessions import count_open

    count = count_open(work, visit_id)
    if not count:
        return []
    devices = "1 device is" if count == 1 else f"{count} devices are"
    return [f"{devices} still on the Wi-Fi. To end that: nexio session disconnect {visit_id}"]


def mention(lines: Iterable[str]) -> None:
    """Say it beside the result, after the change is made."""
    for line in lines:
        output.say(line)
