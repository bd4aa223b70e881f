"""``nexio doctor``: each thing that it looks at, well and not."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from nexio.locations.locations import get_location
from nexio.store.engine import Store
from tests.support.cli.programs import free_port, program, serving
from tests.support.cli.running import Nexio
from tests.support.log_entries import logged
from tests.support.radius.radiusd import wait_until

KEYS = ["subject", "well", "message", "advice"]


@pytest.fixture
def house(sqlite_desk: Nexio) -> Nexio:
    """Harbour House with a NAS that stands for this machine."""
    sqlite_desk.done("nas", "add", "this-machine", "127.0.0.1")
    return sqlite_desk


def examined(desk: Nexio, *words: str) -> dict[str, dict[str, Any]]:
    """The findings by subject; exit 4 where one of them is not well, else 0."""
    ran = desk("doctor", "--json", *words)
    findings = ran.json
    assert all(list(finding) == KEYS for finding in findings)
    assert all(bool(finding["advice"]) != finding["well"] for finding in findings)
    assert ran.exit_code == (0 if all(finding["well"] for finding in findings) else 4)
    return {finding["subject"]: finding for finding in findings}


def test_all_is_well(house: Nexio) -> None:
    """Exit 0, with a server that answers; a person reads a line for each subject."""
    house.register()
    port = str(free_port())
    with serving(program("nexio-radiusd"), "--listen", "127.0.0.1", "--auth-port", port):
        # It tells the store of itself a moment after it has begun to answer.
        wait_until(lambda: "servers" in examined(house, "--port", port))
        findings = examined(house, "--port", port)
        assert list(findings) == [
            "key",
            "store",
            "clock",
            "PINs",
            "guessing",
            "NAS",
            "mail",
            "disk",
            "kept table",
            "servers",
            "RADIUS server",
        ]
        assert all(finding["well"] for finding in findings.values()), findings
        lines = house.done("doctor", "--port", port).out.splitlines()
        assert [line[:7] for line in lines] == ["ok     "] * len(findings)

        path = house.configuration.home / "nexio.db"
        path.rename(path.with_name("away.db"))
        findings = examined(house, "--port", port)
        assert not findings["store"]["well"]
        said = findings["RADIUS server"]["message"]
        assert re.search(r"answers on port \d+ and followed the store \d+ seconds? ago", said)


def test_what_is_wrong(house: Nexio) -> None:
    """Exit 4 with what to do: no server, a clock that went back, no NAS at another location."""
    house.register_ago(-timedelta(hours=1))
    house.done("location", "add", "Annex", "--timezone", "UTC")
    house.done("token", "on", "--location", "Annex")
    port = str(free_port())
    ran = house("doctor", "--port", port)
    assert ran.exit_code == 4
    wrong = [line for line in ran.out.splitlines() if line.startswith("WRONG  ")]
    assert [line.split()[1] for line in wrong] == ["clock:", "NAS:", "RADIUS"]
    assert "no access point asks for the guests of Annex" in wrong[1]
    assert "Start it with: nexio-radiusd" in ran.out


def test_without_its_key(house: Nexio) -> None:
    """The deepest cause is named, and what depends on it is not looked at."""
    house.configuration.key_file.unlink()
    findings = examined(house)
    assert not findings["key"]["well"]
    assert findings.keys() <= {"key", "disk"}


def test_without_a_store(
    sqlite_nexio: Nexio, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """The advice is to make one."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere.db")
    findings = examined(sqlite_nexio)
    assert "nexio init" in findings["store"]["advice"]
    assert findings["key"]["well"]


def test_an_access_point_that_names_no_device(house: Nexio) -> None:
    """The guard cannot tell its guests apart."""
    with closing(Store.open(house.configuration)) as store, store.read() as work:
        location = get_location(work, None)
    with closing(Store.open(house.configuration)) as store:
        logged(store, location, "this-machine", *[None] * 10)
    ran = house("doctor", "--port", str(free_port()))
    assert "WRONG  NAS: this-machine does not say which device asks" in ran.out
    assert "Calling-Station-Id" in ran.out
