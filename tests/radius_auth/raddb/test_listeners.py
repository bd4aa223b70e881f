"""Two sites that listen at the same place: FreeRADIUS does not start with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from radius_auth.raddb.listeners import clashes

OURS = """\
server nexio {
	listen {
		type = auth
		ipaddr = *
		port = 1812
	}
	listen {
		type = auth
		ipv6addr = ::
		port = 1812
	}
}
"""


@pytest.mark.parametrize(
    ("other", "clash"),
    [
        ("type = auth\nipaddr = *\nport = 0", True),
        ("type = auth\nipaddr = 127.0.0.1\nport = 1812", True),
        ("type = auth+acct\nipv6addr = ::1", True),
        ("type = auth\nport = 18120\nipaddr = *", False),
        ("type = acct\nipaddr = *\nport = 0", False),
        ("type = control\nsocket = /run/x", False),
    ],
)
def test_clashes(tmp_path: Path, other: str, clash: bool) -> None:
    """The same port of the same family, on one address or on all; 0 is the port of the kind."""
    sites = tmp_path / "sites-enabled"
    sites.mkdir()
    (sites / "nexio").write_text(OURS)
    (sites / "other").write_text(f"listen {{\n{other}\nlimit {{\n}}\n}}\n")
    assert clashes(tmp_path) == (["sites-enabled/other"] if clash else [])
