"""Debian's hostapd as a switch that asks for 802.1X, and wpa_supplicant as devices at its ports.

Both are in a network of their own, with whatever server they ask: nothing of the machine's network
is touched.  Each port of the switch is one end of a veth pair, a device is at the other.
"""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.radius.eapol import FURTHER_METHODS, METHODS
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nexio.reception.visits import Visit
    from tests.support.radius.networks import Network


class Program:
    """A program in a network; its output is kept, and leaving the context ends it."""

    def __init__(self, network: Network, *words: str | Path) -> None:
        self._process = subprocess.Popen(
            [*network.inside, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def said(self) -> str:
        """All of its output."""
        return "".join(self._lines)

    def end(self, *, by_force: bool = False) -> None:
        """End it, as its service manager would, or as a power cut does."""
        if by_force:
            self._process.kill()
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._reader.join()

    def wait_for(self, words: str, times: int = 1, seconds: float = PATIENCE) -> None:
        """Wait until it has said something so many times."""
        with self._said:
            self._said.wait_for(lambda: self.said.count(words) >= times or self._ended, seconds)
        assert self.said.count(words) >= times, f"it did not say {words!r}:\n{self.said}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                with self._said:
                    self._lines.append(line)
                    self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of the switch; each has a RADIUS client of its own."""

    name: str
    address: str
    """From which it asks, and at which it takes disconnects."""

    auth_ports: Sequence[int]
    """Of the servers, in the order in which they are asked."""

    acct_port: int
    disconnect_port: int = 3799
    interim: int = 1
    """Seconds."""

    def settings(self) -> str:
        """As hostapd reads them."""
        secret = SECRET.decode()
        servers = "".join(
            f"auth_server_addr=127.0.0.1\nauth_server_port={port}\n"
            f"auth_server_shared_secret={secret}\n"
            for port in self.auth_ports
        )
        return (
            f"interface={self.name}\ndriver=wired\nieee8021x=1\neap_reauth_period=0\n"
            f"use_pae_group_addr=0\nown_ip_addr={self.address}\nnas_identifier={self.name}\n"
            f"radius_client_addr={self.address}\nlogger_stdout=-1\nlogger_stdout_level=0\n{servers}"
            f"acct_server_addr=127.0.0.1\nacct_server_port={self.acct_port}\n"
            f"acct_server_shared_secret={secret}\nradius_acct_interim_interval={self.interim}\n"
            f"radius_das_port={self.disconnect_port}\nradius_das_client=127.0.0.1 {secret}\n"
            "radius_das_require_event_timestamp=1\nradius_das_require_message_authenticator=1\n"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a guest types, and how it is sent."""

    visit: Visit
    method: str
    ca_file: Path

    def settings(self) -> str:
        """As wpa_supplicant reads them."""
        outer, inner = {**METHODS, **FURTHER_METHODS}[self.method]
        settings: Mapping[str, str] = {
            "key_mgmt": "IEEE8021X",
            "eapol_flags": "0",
            "eap": outer,
            "identity": f'"{self.visit.email}"',
            "anonymous_identity": '"anonymous@example.com"',
            "password": f'"{self.visit.pin}"',
            "phase2": f'"{inner}"',
            "ca_cert": f'"{self.ca_file}"',
        }
        lines = "".join(f"  {name}={value}\n" for name, value in settings.items())
        return f"ap_scan=0\nnetwork={{\n{lines}}}\n"


class Switch:
    """Debian's hostapd with some ports; leaving the context ends it.

    Args:
        network: where it stands.
        folder: for its configuration.
        ports: each with the name of its interface.
    """

    def __init__(self, network: Network, folder: Path, *ports: Port) -> None:
        self._network, self._folder, self._ports = network, folder, ports
        for port in ports:
            ends = (port.name, cable_of(port.name))
            network.run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
            for each in ends:
                network.run("ip", "link", "set", each, "up")
            (folder / f"{port.name}.conf").write_text(port.settings())
        self.program = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.end()

    def power_cut(self) -> None:
        """Off and on again."""
        self.program.end(by_force=True)
        self.program = self._start()

    def _start(self) -> Program:
        files = [self._folder / f"{port.name}.conf" for port in self._ports]
        started = Program(self._network, "hostapd", "-d", *files)
        started.wait_for("AP-ENABLED", len(files))
        return started


def cable_of(port: str) -> str:
    """The other end of the cable that is in a port."""
    return f"{port}-end"


def device(network: Network, folder: Path, port: str, login: Login) -> Program:
    """Plug a guest's device in; it logs in by itself."""
    file = folder / f"{port}-device.conf"
    file.write_text(login.settings())
    return Program(network, "wpa_supplicant", "-D", "wired", "-i", cable_of(port), "-c", file)
