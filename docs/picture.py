"""Make ``docs/images/terminal.svg``, the terminal that README.md shows: ``make picture``.

It runs the commands against a new store and a new server; rich draws what they print on a
terminal.  PINs and times differ each time, so no test compares the picture with the commands.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PICTURE = Path(__file__).resolve().parent / "images" / "terminal.svg"
COLUMNS, LINES = 100, 50
PORT = "18120"
PROGRAMS = Path(sys.executable).parent
SECONDS = 20.0
"""The server must start within these."""

BEFORE = [
    "nexio init --location 'Harbour House' --timezone Europe/London",
    "nexio token on --duration 60m",
    "nexio nas add this-machine 127.0.0.1",
    (
        "nexio visitor register --first-name Ada --last-name Example --email ada@example.com"
        " --arrival 'tomorrow 9am'"
    ),
]
SHOWN = [
    "nexio visitor register --first-name Grace --last-name Example --email grace@example.com",
    "nexio visitor list",
    "nexio radius test grace@example.com {pin}",
    "nexio explain ada@example.com",
]
FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
"""A reader would fetch them from elsewhere; every reader has a font."""


def main() -> None:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **{name: value for name, value in os.environ.items() if "NEXIO" not in name},
            "NEXIO_HOME": home,
            "NEXIO_RADIUSD_AUTH_PORT": PORT,
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
        }
        for command in BEFORE:
            on_a_terminal(command, environment)
        with serving(environment):
            console = Console(record=True, width=COLUMNS, file=StringIO())
            for template in SHOWN:
                command = template.format(pin=pin_of("grace@example.com", environment))
                console.print(Text(f"$ {command}", style="bold green"))
                console.print(Text.from_ansi(on_a_terminal(command, environment).rstrip()))
                console.print()
    svg = console.export_svg(
        title="nexio",
        theme=MONOKAI,
        code_format=FONTS.sub("", CONSOLE_SVG_FORMAT),
        unique_id="nexio",
    )
    PICTURE.write_text(svg)


def on_a_terminal(command: str, environment: Mapping[str, str]) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    with subprocess.Popen(
        shlex.split(command), env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        printed = b"".join(_until_closed(ours))
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            octets = os.read(terminal, 4096)
        except OSError:  # Linux: the other end was closed
            return
        yield octets


def pin_of(email: str, environment: Mapping[str, str]) -> str:
    """The PIN of a visitor; empty before there is one."""
    shown = subprocess.run(
        ["nexio", "visitor", "show", email, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return "" if shown.returncode else str(json.loads(shown.stdout)["pin"])


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[None]:
    """A server for this machine only."""
    log = Path(environment["NEXIO_HOME"]) / "radiusd.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            ["nexio-radiusd", "--listen", "127.0.0.1"], env=environment, stderr=errors
        ) as server,
    ):
        deadline = time.monotonic() + SECONDS
        while "answering on" not in log.read_text():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server does not start: {log.read_text()}")
            time.sleep(0.05)
        try:
            yield
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
