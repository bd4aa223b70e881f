"""What the tests of raddb can ask for.

============= ==============================================================================
``raddb``     Debian's raddb in a folder of the test's own, for a server that runs as we do
``installed`` the same with the plugin in it, in place of FreeRADIUS's own site, for the store
              of ``sqlite_configuration``
============= ==============================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.radius.freeradius import copy_raddb
from tests.support.radius.trees import install

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration


@pytest.fixture
def raddb(freeradius_python: None, tmp_path: Path) -> Path:
    """As Debian installs it."""
    return copy_raddb(tmp_path / "raddb")


@pytest.fixture
def installed(raddb: Path, sqlite_configuration: Configuration) -> Path:
    """With the plugin."""
    install(raddb, sqlite_configuration)
    return raddb
