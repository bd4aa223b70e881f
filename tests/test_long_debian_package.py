"""The Debian package built, installed, used, removed and purged: `make test-long`.

It goes into a Debian of its own, in a folder; its processes see no network but their own loopback.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DEBIAN_RADDB = ROOT / ".ci" / "debian-raddb"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a Debian in a folder"),
]

LEFT_BY_DEBIAN = re.compile(r"var/(log|cache|lib/(dpkg|systemd))/|etc/(passwd|group|g?shadow)-?$")
"""What changes with every package; the user stays by intention."""

A_FIRST_DAY = """
nexio init --location "Harbour House" --timezone Europe/London
chgrp nexio /etc/nexio/key
chmod 0640 /etc/nexio/key
nexio token on
nexio nas add this-machine 127.0.0.1
runuser -u nexio -- nexio-radiusd --listen 127.0.0.1 &
runuser -u nexio -- nexio-webd --listen 127.0.0.1 &
for try in $(seq 60); do nexio radius status && break; sleep 1; done
pin=$(nexio visitor register --first-name Zoë --last-name N --email zoe@example.com --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["pin"])')
nexio radius test zoe@example.com "$pin"
"""


class Machine:
    """A Debian in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: str, fails: int = 0) -> str:
        """Run a program as root there; what it says."""
        inside = 'mount -t proc proc "$0/proc"; ip link set lo up; exec chroot "$0" "$@"'
        spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        ran = subprocess.run(
            [*spaces, "sh", "-ec", inside, self.root, *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == fails, ran.stdout
        return ran.stdout

    def files(self) -> set[str]:
        """All there is but what every package changes."""
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {name for name in found if not LEFT_BY_DEBIAN.match(name)}

    def owner(self, name: str) -> str:
        """Rights, owner and group."""
        return self.run("stat", "--format=%a %U:%G", name).strip()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, which lintian found no error in."""
    words = [ROOT / ".ci" / "debian-package", tmp_path_factory.mktemp("dist")]
    return Path(subprocess.check_output(words, text=True).strip())


@pytest.fixture(scope="module")
def machine(package: Path) -> Iterator[Machine]:
    """A least Debian with what the package says that it needs, and no more."""
    # In memory there may be no devices.
    with TemporaryDirectory(dir="/var/tmp") as root:
        yield make_machine(Path(root), package)


def make_machine(root: Path, package: Path) -> Machine:
    """Make it, with the package and FreeRADIUS's configuration in its root."""
    subprocess.run([ROOT / ".ci" / "debian-packages", "debootstrap", "iproute2"], check=True)
    depends = subprocess.check_output(["dpkg-deb", "--field", package, "Depends"], text=True)
    needed = {re.split(r"[ (:|]", each.strip())[0] for each in depends.split(",")}
    words = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)"]
    only = ["Created-By: Packages", "Origin: Debian", "Component: main"]
    first = subprocess.check_output([*words, *only], text=True).splitlines()[0]
    words = ["debootstrap", "--variant=minbase", f"--include={','.join(sorted(needed))}"]
    subprocess.run([*words, first.split()[0], root, first.split()[1]], check=True)
    shutil.copy2(package, root / "nexio.deb")
    raddb = subprocess.check_output([DEBIAN_RADDB], text=True).strip()
    shutil.copytree(raddb, root / "raddb", symlinks=True)
    return Machine(root)


def test_from_the_installation_to_the_purge(machine: Machine) -> None:
    """Nothing starts by itself, all works, a removal keeps store and key, a purge nothing."""
    before = machine.files()
    machine.run("dpkg", "--install", "/nexio.deb")
    assert not [name for name in machine.files() if re.search(r"\.wants/nexio", name)]
    assert machine.owner("/var/lib/nexio") == "2770 nexio:nexio"
    assert machine.owner("/etc/nexio") == "750 root:nexio"
    assert not list((machine.root / "var/lib/nexio").iterdir())
    assert list(machine.root.glob("usr/lib/nexio/lib/*/site-packages/nexio/__pycache__/*.pyc"))

    assert "Access-Accept" in machine.run("sh", "-ec", A_FIRST_DAY)
    as_nexio = ["runuser", "-u", "nexio", "--", "nexio"]
    assert "zoe@example.com" in machine.run(*as_nexio, "visitor", "list")
    assert "systemctl enable --now nexio-radiusd" in machine.run(
        "nexio", "service", "check", fails=4
    )
    machine.run("systemctl", "enable", "nexio-radiusd.service", "nexio-housekeeping.timer")
    checked = machine.run("nexio", "service", "check")
    assert "nexio-radiusd.service starts with the machine" in checked
    machine.run("nexio", "freeradius", "install", "--raddb", "/raddb", "--replace-default")
    plugin = (machine.root / "raddb/mods-available/nexio").read_text()
    assert "/usr/lib/nexio/lib/python3" in plugin
    machine.run("nexio", "freeradius", "uninstall", "--raddb", "/raddb", "--yes")

    machine.run("dpkg", "--install", "/nexio.deb")  # again, as an upgrade
    assert "starts with the machine" in machine.run("nexio", "service", "check")
    machine.run("dpkg", "--remove", "nexio")
    assert not (machine.root / "usr/lib/nexio").exists()
    assert (machine.root / "etc/nexio/key").is_file()
    machine.run("dpkg", "--install", "/nexio.deb")
    assert "zoe@example.com" in machine.run("nexio", "visitor", "list")
    machine.run("dpkg", "--purge", "nexio")
    assert machine.files() ^ before == set()
    assert "nexio" in (machine.root / "etc/passwd").read_text()
