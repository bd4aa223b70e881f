"""What the tests of the pages can ask for, beside ``tests/conftest.py``.

============== ===========================================================================
``house``      a `House`: Harbour House in a store on SQLite, and ``nexio-webd`` in front of
               it; one for each module, as its start takes a second
``chromium``   a browser, one for each module
``tablet``     a `Page` of a tablet that is paired, with its page open
============== ===========================================================================
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.store.engine import Store
from tests.support.clocks import noon_zone
from tests.support.people import add_location
from tests.support.web.browser import browser
from tests.support.web.house import House
from tests.support.web.webd import webd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.stores import Template


@pytest.fixture(scope="module")
def house(_sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Harbour House and its server."""
    configuration = _sqlite_template.copy(tmp_path_factory.mktemp("house") / "nexio")
    with closing(Store.open(configuration)) as store, webd(configuration) as server:
        location = add_location(store, "Harbour House", noon_zone(), "visitor-tokens=on")
        yield House(store=store, location=location, server=server)


@pytest.fixture(scope="module")
def chromium(programs: None) -> Iterator[Browser]:
    """A browser without a window."""
    with browser() as found:
        yield found


@pytest.fixture
def tablet(house: House, chromium: Browser) -> Iterator[Page]:
    """A tablet at the door, which nobody has touched yet."""
    with house.tablet(chromium) as page:
        yield page
