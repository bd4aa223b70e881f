"""Commands that look at one location, or at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Reading

all_locations = click.option(
    "--all-locations", is_flag=True, help="All locations, whatever NEXIO_LOCATION says."
)


def chosen_locations(work: Reading, name: str | None, *, everywhere: bool) -> list[Location]:
    """The named location, or the only one, or all of them.

    Raises:
        InvalidValue: none is named and there are several, or there is none yet.
        NotFound: there is none of that name.
    """
    from nexio.locations.locations import get_location, list_locations

    known = list_locations(work) if everywhere else []
    return known or [get_location(work, name)]
