"""The Debian package: its sources; `make test-long` builds, installs and removes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nexio import __version__
from nexio.configuration import SYSTEM_HOME, SYSTEM_KEY_FILE, Configuration
from nexio.operations.units import UNITS, USER, plan_install

ROOT = Path(__file__).parents[1]
NAMES = [name for names in UNITS.values() for name in names]
PROGRAMS = Path("/usr/lib/nexio/bin")


@pytest.fixture(scope="module")
def source(programs: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what debian/ speaks of; lintian would read all of the checkout for seconds."""
    to = tmp_path_factory.mktemp("debian") / "source"
    for name in ("debian", "systemd", "nexio_web/static/qr"):
        shutil.copytree(ROOT / name, to / name)
    return to


def test_its_version(source: Path) -> None:
    """Debian's changelog can be read, and names the version of the software."""
    words = ["dpkg-parsechangelog", "--show-field", "Version"]
    assert subprocess.check_output(words, cwd=source, text=True).strip() == __version__


def test_its_sources_without_errors(source: Path) -> None:
    """All that is below debian/ can be read, and lintian finds no error."""
    subprocess.run(["dpkg-source", "--build", source.name], cwd=source.parent, check=True)
    (described,) = source.parent.glob("nexio_*.dsc")
    ran = subprocess.run(
        ["lintian", "--fail-on=error", described], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_its_units(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are all of those that ``nexio service install`` writes, to the byte."""
    made = [f"debian/units/{name}" for name in NAMES]
    subprocess.run(["make", "--file=debian/rules", *made], cwd=source, check=True)
    monkeypatch.setattr(sys, "executable", str(PROGRAMS / "python"))
    configuration = Configuration(
        home=SYSTEM_HOME,
        key_file=SYSTEM_KEY_FILE,
        nas_key_file=tmp_path / "nas-key",
        database_url="",
    )
    plan_install(tmp_path, UNITS, USER, configuration).carry_out()
    for name in NAMES:
        assert (source / "debian/units" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert {path.name for path in (ROOT / "systemd").glob("*.[st]*")} == set(NAMES)


def test_its_programs() -> None:
    """Each program of the wheel is linked into the path, and has a page of the manual."""
    wheel = re.findall(
        r"^    (nexio[a-z-]*) = .*:run$", (ROOT / "setup.cfg").read_text(), re.MULTILINE
    )
    links = (ROOT / "debian/nexio.links").read_text().split()
    assert links[1::2] == [f"usr/bin/{name}" for name in wheel]
    assert links[0::2] == [str(PROGRAMS / name)[1:] for name in wheel]
    rules = (ROOT / "debian/rules").read_text()
    assert re.findall(r"call manual,([a-z-]*)\.\d,", rules) == wheel
