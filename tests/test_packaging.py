"""The wheel: everything is inside, and it works from any folder without the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.cli.programs import free_port, serving
from tests.support.radius.radiusd import wait_until
from tests.support.web.webd import free_port as free_tcp_port
from tests.support.web.webd import is_listened_to

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "nexio",
    "nexio_cli",
    "nexio_migrations",
    "nexio_raddb",
    "nexio_systemd",
    "nexio_web",
    "radius_auth",
)

INSIDE = {
    "nexio/py.typed",
    "nexio/mail/templates/mail.html",
    "nexio/catalogues/vi.po",
    "radius_auth/protocol/dictionary",
    "nexio_migrations/env.py",
    "nexio_migrations/script.py.mako",
    "nexio_migrations/versions/0001_first_tables.py",
    "nexio_raddb/__init__.py",
    "nexio_systemd/nexio-radiusd.service",
    "nexio_web/templates/kiosk.html",
    "nexio_web/static/kiosk.js",
    "nexio_web/templates/desk.html",
    "nexio_web/static/desk.js",
    "nexio_web/static/qr/decode.js",
    "nexio_web/static/qr/LICENSE-MIT",
}

REMOVED = "nexio/removed.py"
"""A module of an older version, which a build of that left in ``build/``."""


def checked_out() -> list[Path]:
    """What git has or would take; so that no build of before is in the way."""
    listed = subprocess.check_output(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        text=True,
    )
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(programs: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the checkout stays clean."""
    source = tmp_path_factory.mktemp("source")
    for name in checked_out():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    left = source / "build" / "lib" / REMOVED
    left.parent.mkdir(parents=True)
    left.touch()
    built = tmp_path_factory.mktemp("wheel")
    constraints = str(ROOT / "constraints.txt")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", built, source],
        env=os.environ | {"PIP_CONSTRAINT": constraints, "PIP_BUILD_CONSTRAINT": constraints},
        check=True,
    )
    (found,) = built.glob("nexio-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel.

    What the wheel depends on comes from the environment of the tests, by a path file: its own
    path files, such as the one of an editable install, are not read there.
    """
    environment = tmp_path_factory.mktemp("installed")
    venv.create(environment, with_pip=False, symlinks=True)
    python = str(environment / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def test_what_is_inside(wheel: Path) -> None:
    """Migrations, dictionary and type marker are there; tests, caches and benchmarks are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= INSIDE
    assert {name.split("/")[0].split("-")[0] for name in names} == set(PACKAGES)
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]
    assert REMOVED not in names


def test_every_module_is_inside(wheel: Path) -> None:
    """`packages` in setup.cfg is a list by hand: none is forgotten."""
    folders = {
        "migrations": "nexio_migrations",
        "freeradius": "nexio_raddb",
        "systemd": "nexio_systemd",
    }
    ours = [path for path in checked_out() if folders.get(path.parts[0], path.parts[0]) in PACKAGES]
    wanted = {
        "/".join([folders.get(path.parts[0], path.parts[0]), *path.parts[1:]]) for path in ours
    }
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_main_job_from_the_wheel(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder that has nothing to do with it: registered, and on the Wi-Fi."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)

    def nexio(*words: str) -> str:
        return subprocess.check_output([installed / "nexio", *words], text=True)

    where = "import nexio, nexio_migrations; print(nexio.__file__, nexio_migrations.__file__)"
    told = subprocess.check_output([installed / "python", "-c", where], text=True).split()
    assert all(Path(path).is_relative_to(installed.parent) for path in told)
    nexio("init", "--location", "Harbour House", "--timezone", "Europe/London")
    nexio("token", "on")
    nexio("nas", "add", "this-machine", "127.0.0.1")
    named = ["--first-name", "Zoë", "--last-name", "N", "--email", "zoe@example.com"]
    pin = json.loads(nexio("visitor", "register", *named, "--json"))["pin"]
    assert nexio("db", "check", "--json").strip() == "[]"
    port = str(free_port())
    with serving(str(installed / "nexio-radiusd"), "--listen", "127.0.0.1", "--auth-port", port):
        assert "Access-Accept" in nexio("radius", "test", "zoe@example.com", pin, "--port", port)
    web = free_tcp_port()
    with serving(str(installed / "nexio-webd"), "--port", str(web)):
        wait_until(lambda: is_listened_to(web))
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/") as page:
            assert b"This tablet is not paired yet" in page.read()
