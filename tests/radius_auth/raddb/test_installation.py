"""Putting the plugin in and taking it out: nothing of the engineer's is lost."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from nexio.configuration import Configuration, read_environment
from nexio.configuration_file import with_file
from nexio.errors import Refused
from radius_auth.raddb.installation import plan_install, plan_uninstall
from tests.support.radius.trees import change, install, planned, source, tree

NEWER = b"# a newer version\n"


def read_by_freeradius(raddb: Path) -> str:
    """What is wrong with it in FreeRADIUS's eyes; empty where nothing is."""
    words = ["freeradius", "-C", "-l", "stdout", "-d", str(raddb)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else ran.stdout


def test_freeradius_takes_it(installed: Path) -> None:
    """The whole of it loads, our plugin as well."""
    assert read_by_freeradius(installed) == ""


def test_what_is_written(installed: Path, sqlite_configuration: Configuration) -> None:
    """Files are closed to others; where the store is, the plugin reads as it was meant."""
    modes = {name: kind for name, (kind, _, _) in tree(installed).items() if "nexio" in name}
    assert modes["mods-available/nexio"] == "-rw-r-----"
    assert modes["mods-config/nexio"] == "drwxr-x---"
    assert modes["sites-enabled/nexio-inner-tunnel"] == "lrwxrwxrwx"
    said = read_environment(installed / "mods-config" / "nexio" / "environment")
    assert Configuration.from_environment(said).database_url == sqlite_configuration.database_url
    assert said.keys() - {"NEXIO_CONFIG"} == {"NEXIO_HOME", "NEXIO_KEY_FILE"}
    assert "@PACKAGES@" not in (installed / "mods-available" / "nexio").read_text()


def test_the_url_of_another_store(raddb: Path, sqlite_configuration: Configuration) -> None:
    """It is written where it is not the default; it comes back whatever is in its password."""
    url = "postgresql://nexio:p'a%20\"#$@127.0.0.1/nexio"
    install(raddb, replace(sqlite_configuration, database_url=url))
    said = read_environment(raddb / "mods-config" / "nexio" / "environment")
    assert said["NEXIO_DATABASE_URL"] == url


def test_the_url_of_the_configuration_file(
    raddb: Path, sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """The file is named; the password that it leads to is not written down once more."""
    secret, file = tmp_path / "password", tmp_path / "nexio.toml"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    file.write_text(
        f'home = "{sqlite_configuration.home}"\ndatabase-url = "postgresql://nexio@127.0.0.1/n"\n'
        f'database-password-file = "{secret}"\n'
    )
    found = Configuration.from_environment(with_file({"NEXIO_CONFIG": str(file)}))
    install(raddb, found)
    environment = raddb / "mods-config" / "nexio" / "environment"
    assert f"NEXIO_CONFIG={file}\n" in environment.read_text()
    assert "hunter2" not in environment.read_text()
    said = Configuration.from_environment(read_environment(environment))
    assert said.database_url == "postgresql://nexio:hunter2@127.0.0.1/n"


def test_there_and_back(raddb: Path, sqlite_configuration: Configuration) -> None:
    """After both, all is as before, to the byte; a second time there is nothing to do."""
    before = tree(raddb)
    install(raddb, sqlite_configuration)
    python = raddb / "mods-config" / "nexio" / "__pycache__"
    python.mkdir()
    (python / "nexio_plugin.cpython-311.pyc").touch()
    plan_uninstall(raddb).carry_out()
    assert tree(raddb) == before
    assert plan_uninstall(raddb).changes == ()


def test_twice(installed: Path, sqlite_configuration: Configuration) -> None:
    """The second installation finds nothing to do."""
    assert planned(installed, sqlite_configuration).changes == ()


def test_a_plan_touches_nothing(raddb: Path, sqlite_configuration: Configuration) -> None:
    """Until it is carried out."""
    before = tree(raddb)
    assert planned(raddb, sqlite_configuration).changes
    assert tree(raddb) == before


def test_a_new_version(installed: Path, sqlite_configuration: Configuration) -> None:
    """What is as it was written is renewed; what was deleted comes back."""
    (installed / "mods-config" / "nexio" / "reject").unlink()
    (installed / "sites-enabled" / "nexio").unlink()
    install(installed, sqlite_configuration, needed=NEWER)
    assert (installed / "mods-config" / "nexio" / "needed").read_bytes() == NEWER
    assert (installed / "mods-config" / "nexio" / "reject").is_file()
    assert (installed / "sites-enabled" / "nexio").is_file()


def test_what_was_changed_is_kept(installed: Path, sqlite_configuration: Configuration) -> None:
    """The new version is put where FreeRADIUS loads nothing, and goes when it is of no use."""
    policy = installed / "policy.d" / "nexio"
    shipped = policy.read_text()
    change(policy, "nexio_sign", "nexio_sign_it")
    assert planned(installed, sqlite_configuration).preserved == (
        ("policy.d/nexio", "you changed it"),
    )
    changed = source(sqlite_configuration)
    newer = replace(changed, files={**changed.files, "policy.d/nexio": NEWER})
    for _ in range(2):
        plan = plan_install(installed, newer, replace_default=True)
        assert [path for path, _ in plan.preserved] == ["policy.d/nexio"]
        plan.carry_out()
    assert "nexio_sign_it" in policy.read_text()
    assert (installed / "mods-config/nexio/new/policy.d/nexio").read_bytes() == NEWER
    policy.write_text(shipped)
    plan_install(installed, newer, replace_default=True).carry_out()
    assert policy.read_bytes() == NEWER
    assert not (installed / "mods-config/nexio/new").exists()


def test_what_was_changed_is_not_removed(raddb: Path, sqlite_configuration: Configuration) -> None:
    """It is named, everything else goes, and another installation knows it again."""
    before = tree(raddb)
    install(raddb, sqlite_configuration)
    change(raddb / "sites-available" / "nexio", "port = 1812", "port = 18120")
    plan = plan_uninstall(raddb)
    assert plan.preserved == (("sites-available/nexio", "you changed it"),)
    plan.carry_out()
    assert tree(raddb).keys() - before.keys() == {
        "sites-available/nexio",
        "mods-config/nexio",
        "mods-config/nexio/installed.json",
    }
    install(raddb, sqlite_configuration)
    assert "port = 18120" in (raddb / "sites-available" / "nexio").read_text()


def test_a_link_of_the_engineers_stays(installed: Path) -> None:
    """What took the place of a link that was taken away is left there."""
    (installed / "sites-enabled" / "default").symlink_to("../sites-available/status")
    plan_uninstall(installed).carry_out()
    assert (installed / "sites-enabled" / "default").readlink().name == "status"


def test_the_default_site_may_stay(raddb: Path, sqlite_configuration: Configuration) -> None:
    """With another port for one of them FreeRADIUS takes both."""
    before = tree(raddb)
    plan_install(raddb, source(sqlite_configuration), replace_default=False).carry_out()
    assert before.items() <= tree(raddb).items()
    change(raddb / "sites-available" / "nexio", "port = 1812", "port = 18120")
    assert read_by_freeradius(raddb) == ""


def test_eap_of_the_staff_stays(raddb: Path, sqlite_configuration: Configuration) -> None:
    """Where another site calls FreeRADIUS's own eap, only the default site goes."""
    site = "server staff {\nauthorize {\neap\n}\nauthenticate {\neap\n}\n}\n"
    (raddb / "sites-enabled" / "staff").write_text(site)
    install(raddb, sqlite_configuration)
    assert not (raddb / "sites-enabled" / "default").exists()
    assert (raddb / "mods-enabled" / "eap").exists()
    assert (raddb / "sites-enabled" / "inner-tunnel").exists()
    assert read_by_freeradius(raddb) == ""


@pytest.mark.parametrize(
    "name", ["sites-available/nexio", "policy.d/nexio", "mods-enabled/nexio-eap"]
)
def test_a_stranger_of_our_name(
    raddb: Path, sqlite_configuration: Configuration, name: str
) -> None:
    """A file that we never wrote is no file of ours: refused, and named."""
    (raddb / name).write_text("# mine\n")
    before = tree(raddb)
    with pytest.raises(Refused, match=name):
        install(raddb, sqlite_configuration)
    assert tree(raddb) == before


def test_a_default_site_that_is_no_link(raddb: Path, sqlite_configuration: Configuration) -> None:
    """A file is never taken away, only a link to one."""
    path = raddb / "sites-enabled" / "default"
    path.unlink()
    path.write_text("# mine\n")
    with pytest.raises(Refused) as caught:
        install(raddb, sqlite_configuration)
    assert "sites-available/default" in caught.value.advice


def test_another_python_module(raddb: Path, sqlite_configuration: Configuration) -> None:
    """Two of them make FreeRADIUS end with an abort."""
    (raddb / "mods-enabled" / "python3").symlink_to("../mods-available/python3")
    with pytest.raises(Refused, match="python3 module already"):
        install(raddb, sqlite_configuration)


def test_a_damaged_manifest(installed: Path) -> None:
    """Nobody knows then what is ours: nothing is touched."""
    (installed / "mods-config" / "nexio" / "installed.json").write_text("{")
    with pytest.raises(Refused, match=r"installed\.json is damaged"):
        plan_uninstall(installed)
