"""``nexio service``: the units of systemd."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from tests.support.cli.running import Nexio
from tests.support.radius.trees import tree


@pytest.fixture
def there(tmp_path: Path) -> tuple[str, str]:
    """A folder of units."""
    folder = tmp_path / "units"
    folder.mkdir()
    return ("--units", str(folder))


def test_from_the_first_to_the_last(sqlite_nexio: Nexio, there: tuple[str, str]) -> None:
    """Shown, installed, checked and removed, each with what to type next."""
    folder = Path(there[1])
    user = ("--user", getpass.getuser())
    assert "nexio service install" in sqlite_nexio("service", "check", *there).out
    shown = sqlite_nexio.done("service", "install", "--dry-run", *there).out
    assert "write   nexio-radiusd.service" in shown
    assert tree(folder) == {}
    ran = sqlite_nexio.done("service", "install", "webd", "housekeeping", *user, *there)
    assert f"The units are in {folder}." in ran.out
    enable = "systemctl enable --now nexio-webd.service nexio-housekeeping.timer"
    assert f"systemctl daemon-reload; {enable}" in ran.err
    checked = sqlite_nexio("service", "check", *user, *there).out
    assert "takes nexio-webd.service" in checked
    assert "nexio-webd.service does not start with the machine" in checked
    ran = sqlite_nexio.done("service", "uninstall", "--yes", *there)
    assert "systemctl stop nexio-webd.service nexio-housekeeping.timer" in ran.err
    assert tree(folder) == {}


def test_a_changed_unit_of_another_service(sqlite_nexio: Nexio, there: tuple[str, str]) -> None:
    """It stays and is named, by the installation of another one and by the removal of all."""
    sqlite_nexio.done("service", "install", *there)
    unit = Path(there[1]) / "nexio-radiusd.service"
    unit.write_text(f"{unit.read_text()}# ours\n")
    kept = "keep    nexio-radiusd.service (you changed it)"
    for _ in range(2):
        ran = sqlite_nexio.done("service", "install", "webd", *there)
        assert kept in ran.out
        assert ran.err.rstrip().endswith("enable --now nexio-webd.service")
    assert kept in sqlite_nexio.done("service", "uninstall", "--yes", *there).out
    assert unit.read_text().endswith("# ours\n")
    unit.unlink()
    sqlite_nexio.done("service", "install", "webd", *there)
    sqlite_nexio.done("service", "uninstall", "--yes", *there)
    assert tree(Path(there[1])) == {}


def test_the_address_of_a_database(
    sqlite_nexio: Nexio, there: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The services see nothing of a shell's variables, so it belongs into a file."""
    url = sqlite_nexio.configuration.database_url
    monkeypatch.setenv("NEXIO_DATABASE_URL", url)
    warned = "Warning: the services do not see NEXIO_DATABASE_URL of this shell"
    assert warned in sqlite_nexio.done("service", "install", "--dry-run", *there).err
    monkeypatch.delenv("NEXIO_DATABASE_URL")
    assert "Warning" not in sqlite_nexio.done("service", "install", "--dry-run", *there).err


def test_an_unknown_service(sqlite_nexio: Nexio, there: tuple[str, str]) -> None:
    """The known ones are listed."""
    said = sqlite_nexio("service", "install", "radius", *there).refused(2)
    assert "'radiusd', 'webd', 'housekeeping'" in said
