"""``make run``: makes a store with a visitor, and runs a RADIUS server to try it with."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nexio.configuration import Configuration
from nexio.configuration_file import CONFIG
from nexio.errors import Unreachable
from nexio.input.zones import show_window
from nexio.locations.locations import add_first_location, change_settings, get_location
from nexio.locations.settings import parse_changes
from nexio.network.nas import NewNas, add_nas, find_nas
from nexio.reception.qr_codes import qr_text
from nexio.reception.registration import register
from nexio.reception.registration_texts import read_registration
from nexio.reception.tokens import TokenState
from nexio.reception.visits import find_visits_by_email
from nexio.server_options import port_of
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.streams import open_closed
from nexio_cli.commands.init import system_zone
from nexio_cli.main import guarded
from nexio_cli.terminal import output
from radius_auth.client.liveness import is_free
from radius_auth.server import daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Writing

ADDRESS = "127.0.0.1"
FIRST_PORT = 1812
FIRST_WEB_PORT = 8080
PATIENCE = 20.0
"""Seconds until the pages are there."""

NAS_NAME = "this-machine"
VISITOR = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What there is to try."""

    visit: Visit
    qr: str = field(repr=False)
    secret: str = field(repr=False)


def prepare(configuration: Configuration) -> Demo:
    """Make what is missing; a visitor whose Wi-Fi is over is registered again."""
    create_store(configuration)
    with closing(Store.open(configuration)) as store, store.write() as work:
        add_first_location(work, None, system_zone())
        location = get_location(work, None)
        change_settings(work, location, parse_changes(["visitor-tokens=on"]))
        location = get_location(work, None)
        nas = find_nas(work, NAS_NAME) or add_nas(
            work, location, NewNas(name=NAS_NAME, address=ADDRESS)
        )
        visit = _visitor(work, location)
        return Demo(visit=visit, qr=qr_text(work, visit), secret=nas.known_secret.decode())


def free_port() -> int:
    """The first port from 1812 on that is free together with the one after it."""
    return next(
        port
        for port in range(FIRST_PORT, 65535, 2)
        if is_free(ADDRESS, port) and is_free(ADDRESS, port + 1)
    )


def free_web_port() -> int:
    """The first TCP port from 8080 on that is free."""
    return next(port for port in range(FIRST_WEB_PORT, 65535) if not _is_listened_to(port))


@contextmanager
def serving_pages(location: Location, log: Path, port: int) -> Iterator[str]:
    """Serve the tablet's page, paired already, for as long as the context lasts; where it is."""
    if _is_listened_to(port):
        raise Unreachable(
            f"another program listens on port {port}", "Choose another one: make run WEB_PORT=8081"
        )
    command = [sys.executable, "-m", "nexio_web.daemon", "--listen", ADDRESS, "--port", str(port)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the RADIUS server has its own
    with log.open("wb") as log_file:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            [*command, "--insecure-pair", location.name],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
        )
    try:
        until = time.monotonic() + PATIENCE
        # Its log is checked too: another program may have taken the port in this moment.
        while not (b"answering on" in log.read_bytes() and _is_listened_to(port)):
            if process.poll() is not None or time.monotonic() > until:
                raise Unreachable("the pages cannot be served", f"What is wrong stands in {log}")
            time.sleep(0.05)
        yield f"http://{ADDRESS}:{port}/kiosk"
    finally:
        process.terminate()
        process.wait()


def _is_listened_to(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=1).close()
    except OSError:
        return False
    return True


def run(arguments: Sequence[str] = ()) -> int:
    """Prepare, say what to type, and answer until Ctrl-C.

    Args:
        arguments: ``--port`` for logins, ``--web-port`` for the pages; else the next free ones.
    """
    given = _parser().parse_args(arguments)
    home = Path.cwd() / ".demo"
    for name in [name for name in os.environ if name.startswith("NEXIO_")]:
        del os.environ[name]  # they may lead to a store that is in use: no demo visitor there
    os.environ[CONFIG] = os.devnull  # so may the file of this machine
    os.environ["NEXIO_HOME"] = str(home)
    demo = prepare(Configuration.from_environment(os.environ))
    web_port = given.web_port or free_web_port()
    with serving_pages(demo.visit.location, home / "webd.log", web_port) as tablet:
        port = given.port or free_port()  # late: what is free now may not be in a second
        _print(demo, home, port, tablet)
        sys.stdout.flush()
        return daemon.main(["--listen", ADDRESS, "--auth-port", str(port)])


def _parser() -> argparse.ArgumentParser:
    reader = argparse.ArgumentParser(prog="make run", description="nexio with a visitor to try.")
    for name in ("--port", "--web-port"):
        reader.add_argument(name, type=port_of, metavar="PORT")
    return reader


def _visitor(work: Writing, location: Location) -> Visit:
    for visit in find_visits_by_email(work, location, VISITOR["email"]):
        if visit.token is not None and visit.token.state is TokenState.VALID:
            return visit
    return register(work, location, read_registration(VISITOR, work.now, location))


def _print(demo: Demo, home: Path, port: int, tablet: str) -> None:
    visit, zone = demo.visit, demo.visit.location.zone
    token = visit.token
    window = ""
    if token is not None and token.valid_from is not None and token.valid_until is not None:
        window = show_window(token.valid_from, token.valid_until, zone)
    output.print_headline(f"{visit.name} is registered and may use the Wi-Fi now.")
    output.print_fields(
        [
            ("e-mail", visit.email),
            ("PIN", visit.pin),
            ("Wi-Fi", window),
            ("NAS secret", demo.secret),
            ("server", f"{ADDRESS} port {port}"),
            ("tablet", f"{tablet} (open it in a browser, tap Visitor, and type the PIN)"),
        ]
    )
    output.print_line("")
    output.print_line("The code that checks in at the desk (nexio checkin --qr), as in the mail:")
    output.print_qr(demo.qr)
    output.print_headline("Try it: type one of these into a second terminal.")
    for line in _lines(demo, home, port, tablet):
        output.print_line("")
        output.print_line(f"  {line}")
    output.say("")
    output.say(f"The data is in {home}; to start over, stop this and delete that folder.")
    output.say("Stop with Ctrl-C.")
    output.say("")


def _lines(demo: Demo, home: Path, port: int, tablet: str) -> list[str]:
    nexio = shlex.quote(str(Path(sys.executable).parent / "nexio"))
    command = f"NEXIO_HOME={shlex.quote(str(home))} {nexio}"
    email, pin = demo.visit.email, demo.visit.pin
    lines = [f"{command} radius test {email} {pin} --port {port}"]
    if shutil.which("radclient"):
        attributes = f"User-Name={email},User-Password={pin},Message-Authenticator=0x00"
        server = f"{ADDRESS}:{port}"
        lines.append(f"echo '{attributes}' | radclient -x {server} auth '{demo.secret}'")
    pages = shlex.quote(urlsplit(tablet)._replace(path="/", fragment="").geturl())
    return [
        *lines,
        f"{command} log",
        f"{command} visitor register",
        f"{command} desk link --url {pages}",
    ]


if __name__ == "__main__":
    open_closed()
    sys.exit(guarded(lambda: run(sys.argv[1:])))
