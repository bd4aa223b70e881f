"""The units of systemd: put in, judged by systemd, and taken out."""

from __future__ import annotations

import getpass
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nexio.errors import InvalidValue, Refused
from nexio.keys.key_file import create_key_file
from nexio.operations.units import (
    UNITS,
    look_over,
    plan_install,
    plan_uninstall,
    units_to_enable,
)
from tests.support.radius.trees import tree

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration

USER = getpass.getuser()
ALL = tuple(UNITS)
NAMES = [name for names in UNITS.values() for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Systemd's folder, with a unit of somebody else."""
    made = tmp_path / "units"
    made.mkdir()
    (made / "other.service").write_text("[Service]\n")
    (made / "multi-user.target.wants").mkdir()
    return made


@pytest.fixture
def installed(folder: Path, sqlite_configuration: Configuration) -> Path:
    """The same with all of ours."""
    plan_install(folder, ALL, USER, sqlite_configuration).carry_out()
    return folder


def test_there_and_back(folder: Path, sqlite_configuration: Configuration) -> None:
    """After both, all is as before, to the byte; a second time there is nothing to do."""
    before = tree(folder)
    plan_install(folder, ALL, USER, sqlite_configuration).carry_out()
    assert plan_install(folder, ALL, USER, sqlite_configuration).changes == ()
    wants = folder / "multi-user.target.wants"
    (wants / "nexio-radiusd.service").symlink_to(folder / "nexio-radiusd.service")
    plan_uninstall(folder).carry_out()
    assert tree(folder) == before
    assert plan_uninstall(folder).changes == ()


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".service")])
def test_systemd_calls_it_ok(installed: Path, name: str) -> None:
    """An exposure below 3, and nothing that it does not know."""
    for words in (["security", "--offline=true", "--threshold=30"], ["verify"]):
        ran = subprocess.run(
            ["systemd-analyze", *words, installed / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert name not in ran.stderr


def test_what_is_filled_in(installed: Path, sqlite_configuration: Configuration) -> None:
    """Paths of this machine, and nothing that is still a template."""
    for name in NAMES:
        assert "@" not in (installed / name).read_text().replace("@system-service", "").replace(
            "~@privileged @resources", ""
        )
    text = (installed / "nexio-radiusd.service").read_text()
    assert f"LoadCredential=key:{sqlite_configuration.key_file}\n" in text
    assert f"ReadWritePaths={sqlite_configuration.home}\n" in text


def test_the_second_key(installed: Path, sqlite_configuration: Configuration) -> None:
    """The server alone gets a copy, once there is one."""
    own = f"LoadCredential=nas-key:{sqlite_configuration.nas_key_file}\n"
    assert "nas-key" not in (installed / "nexio-radiusd.service").read_text()
    create_key_file(sqlite_configuration.nas_key_file)
    plan_install(installed, ALL, USER, sqlite_configuration).carry_out()
    with_it = {name for name in NAMES if own in (installed / name).read_text()}
    assert with_it == {"nexio-radiusd.service"}


def test_fewer_services(installed: Path, sqlite_configuration: Configuration) -> None:
    """The unit of a service that is not named goes."""
    plan_install(installed, ["webd"], USER, sqlite_configuration).carry_out()
    assert units_to_enable(installed) == ["nexio-webd.service"]
    assert not (installed / "nexio-radiusd.service").exists()


def test_what_was_changed_is_kept(installed: Path, sqlite_configuration: Configuration) -> None:
    """Neither a renewal nor a removal touches it."""
    unit = installed / "nexio-webd.service"
    unit.write_text(unit.read_text().replace("RestartSec=5", "RestartSec=9"))
    plan_install(installed, ALL, "somebody", sqlite_configuration).carry_out()
    assert "RestartSec=9" in unit.read_text()
    assert "User=somebody" in (installed / "nexio/new/nexio-webd.service").read_text()
    plan_uninstall(installed).carry_out()
    assert unit.is_file()
    assert not (installed / "nexio-radiusd.service").exists()


def test_a_unit_of_somebody_else(folder: Path, sqlite_configuration: Configuration) -> None:
    """It is not overwritten, and nothing else is written."""
    (folder / "nexio-webd.service").write_text("[Service]\n")
    before = tree(folder)
    with pytest.raises(Refused, match=r"in the way: nexio-webd\.service"):
        plan_install(folder, ALL, USER, sqlite_configuration)
    assert tree(folder) == before


def test_a_path_that_systemd_reads_otherwise(
    folder: Path, sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """It is refused, where it would be split or expanded."""
    with pytest.raises(InvalidValue, match="my store"):
        plan_install(folder, ALL, USER, replace(sqlite_configuration, home=tmp_path / "my store"))


def test_the_check(installed: Path, sqlite_configuration: Configuration) -> None:
    """All is well but that nothing is enabled; a changed store is told."""
    found = list(look_over(installed, USER, sqlite_configuration))
    assert {each.subject for each in found if not each.well} <= {"start", "programs"}
    assert [each.advice for each in found if each.subject == "start"] == [
        f"systemctl enable --now {name}" for name in units_to_enable(installed)
    ]
    other = replace(sqlite_configuration, key_file=installed / "other-key")
    found = list(look_over(installed, USER, other))
    assert [each.subject for each in found if "not as this nexio" in each.message] == ["units"]


def test_the_check_without_units(folder: Path, sqlite_configuration: Configuration) -> None:
    """It says what to do."""
    (found,) = look_over(folder, USER, sqlite_configuration)
    typed = f"nexio service install --units {folder} --user {USER}"
    assert (found.well, found.advice) == (False, typed)


def test_the_hints_of_the_check(folder: Path, sqlite_configuration: Configuration) -> None:
    """They name the services, the folder and the user, and no group: it may have another name."""
    plan_install(folder, ["webd"], USER, sqlite_configuration).carry_out()
    found = {each.subject: each for each in look_over(folder, "nobody", sqlite_configuration)}
    typed = f"nexio service install webd --units {folder} --user nobody"
    assert found["units"].advice == f"Renew them: {typed}"
    assert found["store"].advice == f"chown -R nobody: {sqlite_configuration.home}"


def test_the_check_of_the_package(
    folder: Path, sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """Its units are judged where it has put them; one that is enabled is enough."""
    packaged = tmp_path / "packaged"
    packaged.mkdir()
    plan_install(packaged, ALL, USER, sqlite_configuration).carry_out()

    def found() -> dict[str, list[str]]:
        told: dict[str, list[str]] = {}
        for each in look_over(folder, USER, sqlite_configuration, packaged):
            told.setdefault(each.subject, []).append(each.advice if not each.well else "")
        return told

    enabling = [f"systemctl enable --now {name}" for name in units_to_enable(packaged)]
    assert found()["start"] == enabling
    wants = folder / "multi-user.target.wants"
    (wants / "nexio-webd.service").symlink_to(packaged / "nexio-webd.service")
    assert (found()["start"], found()["units"]) == ([""], [""])
    create_key_file(sqlite_configuration.nas_key_file)
    (advice,) = found()["units"]
    assert advice.endswith(f"nexio service install --units {folder} --user {USER}")
