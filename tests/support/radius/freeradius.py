"""Debian's FreeRADIUS with our plugin, as a child process on a free port.

What our command does installs it into a private raddb: a copy of Debian's, with only the changes
that an engineer would make.  Its tests fail, and never skip, if FreeRADIUS is not installed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from radius_auth.protocol.pyrad_codec import Peer, ask
from tests.support.certificates import certify
from tests.support.cli import forking
from tests.support.radius import trees
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE, environment_of, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.configuration import Configuration

DEBIAN_RADDB = Path(__file__).parents[3] / ".ci" / "debian-raddb"
NEXIO = Path(sys.executable).with_name("nexio")


def copy_raddb(to: Path) -> Path:
    """A copy of Debian's raddb, for a server that runs as the user of the tests.

    It comes from the package, because somebody may have changed ``/etc/freeradius``.
    """
    shutil.copytree(_debian_raddb(), to, symlinks=True)
    run = to / "run"
    run.mkdir()
    _change(to / "radiusd.conf", r"^\s*(user|group) = freerad$", "")
    _change(to / "radiusd.conf", r"^(raddbdir) = .*", rf"\1 = {to}")
    _change(to / "radiusd.conf", r"^(logdir|run_dir) = .*", rf"\1 = {run}")
    return to


@cache
def _debian_raddb() -> str:
    made = subprocess.run([DEBIAN_RADDB], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def install(raddb: Path, configuration: Configuration, *options: str) -> str:
    """Run our command, and return its output."""
    default = () if "--keep-default" in options else ("--replace-default",)
    words = ["freeradius", "install", "--raddb", raddb, "--yes", *default, *options]
    done = forking.run(NEXIO, *words, env=environment_of(configuration), seconds=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def with_plugin(configuration: Configuration, folder: Path) -> FreeRADIUS:
    """A server that is not started yet.

    Args:
        configuration: where the store is.
        folder: an empty folder for its raddb.
    """
    server = FreeRADIUS(copy_raddb(folder / "raddb"), free_port())
    trees.install(server.raddb, configuration)
    show_certificate(server)
    server.listen_on_its_ports()
    # Tests do not wait for rejects.
    server.change("radiusd.conf", r"reject_delay = \d", "reject_delay = 0")
    return server


def show_certificate(server: FreeRADIUS) -> None:
    """Give it a certificate of the tests, whose authority is ``server.ca_file``."""
    certify(server.raddb / "certs")
    chain = server.raddb / "certs" / "server.pem"
    ours = rf"\1_file = {chain}"
    server.change("mods-available/nexio-eap", "(private_key|certificate)_file = .*", ours)


class FreeRADIUS:
    """A running server; leaving the context ends it.

    Args:
        raddb: its configuration folder.
        port: where it takes logins.
    """

    def __init__(self, raddb: Path, port: int) -> None:
        self.raddb, self.port, self.accounting_port = raddb, port, free_port()
        self.started_by: Sequence[str] = ()
        """A program that starts it, such as ``nsenter``."""

        self.ca_file = raddb / "certs" / "ca.pem"
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._ended = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """All of its output, of all its starts."""
        return "".join(self._lines)

    def change(self, name: str, old: str, new: str) -> None:
        """Change a file of raddb, as an engineer does."""
        _change(self.raddb / name, old, new)

    def listen_on_its_ports(self) -> None:
        """Change the ports of the site of the visitor Wi-Fi, once it is installed."""
        for standard, ours in ((1812, self.port), (1813, self.accounting_port)):
            self.change("sites-available/nexio", f"port = {standard}$", f"port = {ours}")

    def start(self) -> None:
        """Start it, and wait until it takes requests."""
        self._ended = False
        self._process = subprocess.Popen(
            [*self.started_by, "freeradius", "-f", "-l", "stdout", "-d", self.raddb],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,))
        self._reader.start()
        try:
            self.wait_for_line("Ready to process requests", 1 + self.log.count("Ready to process"))
        except AssertionError:
            self.stop()
            raise

    def warm_up(self) -> None:
        """Send the first request, which gets no answer but makes it read the store."""
        peer = Peer(
            address="127.0.0.1", port=self.port, secret=SECRET, timeout=0.5, transmissions=200
        )
        ask(peer, "nobody@example.com", "000000", {})

    def cpu_seconds(self) -> float:
        """How many seconds of processor time it has used."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, seconds: float = PATIENCE) -> int:
        """End it as systemd does: by SIGTERM, then by force; return its exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()

    def kill(self) -> None:
        """End it and its companion by SIGKILL, at once."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)  # it replaces nobody meanwhile
        self.kill_companion()
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def kill_companion(self) -> None:
        """End the process beside it by SIGKILL."""
        assert self._process is not None
        for folder in Path(f"/proc/{self._process.pid}/task").iterdir():
            for child in map(int, (folder / "children").read_text().split()):
                os.kill(child, signal.SIGKILL)

    def wait_for_line(self, words: str, times: int = 1) -> str:
        """Wait until it has written something so many times, and return the last such line."""

        def said() -> list[str]:
            return [line for line in self._lines if words in line]

        with self._said:
            self._said.wait_for(lambda: len(said()) >= times or self._ended, PATIENCE)
        assert len(said()) >= times, f"it did not say {words!r}:\n{self.log}"
        return said()[-1]

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                with self._said:
                    self._lines.append(line)
                    self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()


def packages() -> str:
    """The folder of our packages, as the command writes it."""
    return sysconfig.get_path("purelib")


def _change(path: Path, old: str, new: str) -> None:
    text, count = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
    assert count, f"{path} has no {old}"
    path.write_text(text)
