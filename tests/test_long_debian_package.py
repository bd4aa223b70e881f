"""The Debian package built, installed, used, removed and purged: `make test-long`.

It goes into a Debian of its own, in a folder; its processes see no network but their own loopback.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import pytest

from tests.support.radius.radiusd import wait_until

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

STATUS = re.compile(r"table: \d+ seconds? old; \d+\.\d logins a second")

A_FIRST_DAY = """
nexio init --location "Harbour House" --timezone Europe/London
chgrp nexio /etc/nexio/key
chmod 0640 /etc/nexio/key
nexio token on
nexio nas add this-machine 127.0.0.1
runuser -u nexio -- nexio-webd --listen 127.0.0.1 &
runuser -u nexio -- nexio-radiusd --listen 127.0.0.1 &
until nexio radius status; do kill -0 $!; sleep 1; done
pin=$(nexio visitor register --first-name Zoë --last-name N --email zoe@example.com --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["pin"])')
nexio radius test zoe@example.com "$pin"
"""


PURGED_ON_A_MOUNT = """
mount -t tmpfs tmpfs /var/lib/nexio
mkdir /var/lib/nexio/spool
dpkg --purge nexio
echo kept: $(ls -A /var/lib/nexio)
"""

A_STORE = """
nexio init --location "Harbour House" --timezone Europe/London
nexio token on
nexio nas add this-machine 127.0.0.1
nexio service install
"""

BOOT = """
mkdir -p "$1"
echo $$ >"$1/cgroup.procs"
exec unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child sh -ec '
    mount --bind "$0" "$0"
    cd "$0"
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs tmpfs tmp
    mount --bind dev dev
    ip link set lo up
    pivot_root . mnt
    umount -l /mnt
    mount --make-rshared /
    exec env -i container=nexio PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \\
        /lib/systemd/systemd --unit=basic.target
' "$0"
"""
"""As systemd-nspawn does, which wants a systemd outside, too."""

ALL_GROUPS = Path("/sys/fs/cgroup")
GROUP = (ALL_GROUPS / "unified" if (ALL_GROUPS / "unified").is_dir() else ALL_GROUPS) / "nexio-test"
"""Of control groups, version 2: all that runs there."""

A_SHORT_WATCHDOG = """
mkdir -p /etc/systemd/system/nexio-radiusd.service.d
printf '[Service]\\nWatchdogSec=3\\nRestartSec=1\\n' \\
    >/etc/systemd/system/nexio-radiusd.service.d/test.conf
systemctl daemon-reload
systemctl restart nexio-radiusd
"""

THE_OTHERS_HANG = "kill -STOP $(cat /proc/$0/task/$0/children)"


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
    with TemporaryDirectory(dir="/var/tmp") as folder:
        root = Path(folder) / "root"
        root.mkdir(mode=0o755)  # which the folder is not, and everybody there is in it
        yield make_machine(root, package)


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
    machine.run("dpkg", "--install", "/nexio.deb")
    assert machine.run("sh", "-ec", PURGED_ON_A_MOUNT).splitlines()[-1] == "kept:"
    assert machine.files() ^ before == {"var/lib/nexio"}
    assert "nexio" in (machine.root / "etc/passwd").read_text()


class Booted:
    """The same with systemd as its first process."""

    def __init__(self, machine: Machine) -> None:
        self._root = machine.root

    def __enter__(self) -> Self:
        words = ["sh", "-ec", BOOT, str(self._root), str(GROUP)]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        wait_until(self._has_booted)
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(int(self._first), signal.SIGKILL)
        self._process.wait()
        emptied = ["find", str(GROUP), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]
        subprocess.run(emptied, check=True)

    def _has_booted(self) -> bool:
        """Whether systemd is there, and has started all of its own."""
        process = self._process.pid
        self._first = Path(f"/proc/{process}/task/{process}/children").read_text().strip()
        with suppress(FileNotFoundError):
            is_systemd = Path(f"/proc/{self._first}/comm").read_text() == "systemd\n"
            asked = ["systemctl", "is-system-running"]
            return is_systemd and self._ran(*asked).stdout == "running\n"
        return False

    def run(self, *words: str) -> str:
        """Run a program as root there; what it says."""
        ran = self._ran(*words)
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def show(self, unit: str, name: str) -> str:
        """What systemd knows of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def _ran(self, *words: str) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "--all", f"--target={self._first}"]
        return subprocess.run(
            [*inside, *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def test_the_units_under_systemd(machine: Machine) -> None:
    """Ready, status, reload, a watchdog that kills and starts anew, a key that only root reads."""
    machine.run("dpkg", "--install", "/nexio.deb")
    machine.run("sh", "-ec", A_STORE)
    assert machine.owner("/etc/nexio/key").startswith("600 root:")
    unit = "nexio-radiusd"
    with Booted(machine) as inside:
        inside.run("systemctl", "start", unit, "nexio-webd", "nexio-housekeeping.service")
        assert "has answered for" in inside.run("nexio", "radius", "status")
        wait_until(lambda: STATUS.fullmatch(inside.show(unit, "StatusText")) is not None)
        first = inside.show(unit, "MainPID")
        inside.run("systemctl", "reload", unit, "nexio-webd")
        assert "Reloaded nexio-radiusd.service" in inside.run("journalctl", "--unit", unit)
        wait_until(lambda: inside.show(unit, "ActiveState") == "active")
        assert inside.show(unit, "MainPID") == first

        inside.run("sh", "-ec", A_SHORT_WATCHDOG)
        second = inside.show(unit, "MainPID")
        inside.run("sh", "-ec", THE_OTHERS_HANG, second)
        wait_until(lambda: inside.show(unit, "NRestarts") == "1")
        wait_until(lambda: inside.show(unit, "ActiveState") == "active")
        assert "watchdog" in inside.run("journalctl", "--unit", unit)
        assert inside.show(unit, "MainPID") not in {first, second}
        assert "has answered for" in inside.run("nexio", "radius", "status")

        inside.run("systemctl", "stop", unit, "nexio-webd")
        assert inside.show(unit, "ExecMainStatus") == "0"
        inside.run("nexio", "service", "uninstall", "--yes")
    machine.run("dpkg", "--purge", "nexio")
