"""Where a monitor asks."""

from __future__ import annotations

from contextlib import closing

import pytest

from nexio.errors import InvalidValue
from nexio.metrics.place import MetricsPortUnusable, Place, listen


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:9812", Place("127.0.0.1", 9812)),
        ("[::1]:9812", Place("::1", 9812)),
        ("192.0.2.7:1", Place("192.0.2.7", 1)),
    ],
)
def test_what_is_a_place(text: str, place: Place) -> None:
    """An address and a port, written as in a URL."""
    assert Place.parse(text) == place
    assert str(place) == text


@pytest.mark.parametrize(
    "text",
    ["", "9812", ":9812", "localhost:9812", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "::1"],
)
def test_what_is_none(text: str) -> None:
    """A name may mean anything, and port 0 nothing."""
    with pytest.raises(InvalidValue):
        Place.parse(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_is_taken(host: str) -> None:
    """It says so, and what to do."""
    with closing(listen(Place(host, 0))) as opened:
        taken = Place(host, opened.getsockname()[1])
        with pytest.raises(MetricsPortUnusable, match="for metrics: Address already in use"):
            listen(taken)
