"""What happens around the tests of the plugin, beside ``tests/conftest.py``."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def heap_frozen() -> None:
    """The plugin collects garbage whenever FreeRADIUS ends, and walks all of the heap for that.

    What is left of the tests before is not walked again and again.
    """
    gc.collect()
    gc.freeze()
