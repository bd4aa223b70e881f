"""The guard itself: no test touches the user's home or another network."""

import os
import socket
from pathlib import Path

import platformdirs
import pytest

from nexio.configuration import Configuration


def test_a_test_has_a_home_of_its_own(tmp_path: Path) -> None:
    """Whatever looks for the user's folders finds them in the test's own folder."""
    assert Path.home().is_relative_to(tmp_path)
    assert platformdirs.user_data_path("nexio").is_relative_to(tmp_path)
    assert platformdirs.user_config_path("nexio").is_relative_to(tmp_path)
    assert Configuration.from_environment(os.environ).home == tmp_path / "nexio"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "255.255.255.255"])
def test_another_network_is_out_of_reach(host: str, reached_out: list[str]) -> None:
    """Nothing is sent, and the guard remembers that somebody tried."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        with pytest.raises(AssertionError, match="another network"):
            sock.connect((host, 9))
        with pytest.raises(AssertionError, match="another network"):
            sock.sendto(b"", (host, 9))
    assert len(reached_out) == 2
    reached_out.clear()


def test_this_host_is_within_reach() -> None:
    """Loopback and Unix sockets are what the tests are made of."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        client.sendto(b"x", server.getsockname())
        assert server.recv(1) == b"x"
