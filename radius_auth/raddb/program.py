"""Checks FreeRADIUS itself: version, module for Python, and whether it takes its configuration."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexio.errors import Refused
from nexio.operations.health import Finding, unwell, well
from radius_auth.raddb.folder import find_setting

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS: Final = 60.0
"""More than FreeRADIUS needs to read any configuration."""

MADE_FOR: Final = (3, 2)
SIGNS_BY_ITSELF: Final = (3, 2, 5)
"""From this version on it protects its replies against CVE-2024-3596 by itself."""

_VERSION: Final = re.compile(r"FreeRADIUS Version (\d+)\.(\d+)\.(\d+)")
_LIBPYTHON: Final = re.compile(rb"libpython(3\.\d+)")
_ERROR: Final = " : Error: "
INSTALL: Final = "nexio freeradius install"
_LAST: Final = 3
"""How many of its errors to show."""


def find_program() -> Path | None:
    """The server program, by Debian's name or by the usual one."""
    path = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
    found = shutil.which("freeradius", path=path) or shutil.which("radiusd", path=path)
    return None if found is None else Path(found)


def examine_program(folder: Path, program: Path | None) -> Iterator[Finding]:
    """Check version, module and embedded Python, the deepest cause first."""
    if program is None:
        advice = "Install it: apt-get install freeradius freeradius-python3"
        yield unwell("FreeRADIUS", "it is not installed", advice)
        return
    yield _version(program)
    module = find_module(folder)
    if module.is_file():
        yield well("rlm_python3", str(module))
        yield _python(module)
    else:
        advice = "Install FreeRADIUS's module for Python: apt-get install freeradius-python3"
        yield unwell("rlm_python3", f"{module} is not there", advice)


def embedded_python(module: Path) -> str | None:
    """The version of Python that the module is linked with, as ``3.11``; None without a module."""
    found = _LIBPYTHON.search(module.read_bytes()) if module.is_file() else None
    return None if found is None else found[1].decode()


def read_by_freeradius(folder: Path, program: Path) -> Finding:
    """Let FreeRADIUS read its configuration and load the plugin; it opens no port and exits."""
    ran = _run(program, "-C", "-l", "stdout", "-d", str(folder))
    if ran is None:
        silent = f"FreeRADIUS does not say anything to {folder}"
        return unwell("configuration", silent, "See its log.")
    if ran.returncode == 0:
        return well("configuration", "FreeRADIUS can read it and load the plugin")
    errors = [line.partition(_ERROR)[2] for line in ran.stdout.splitlines() if _ERROR in line]
    shown = "; ".join(each.strip() for each in errors[-_LAST:]) or "FreeRADIUS does not take it"
    advice = f"See all it says: {program.name} -Cx -l stdout -d {folder}"
    return unwell("configuration", shown, advice)


def _version(program: Path) -> Finding:
    ran = _run(program, "-v")
    found = None if ran is None else _VERSION.search(ran.stdout)
    if found is None:
        return unwell("FreeRADIUS", f"{program} does not tell its version", "Install it anew.")
    version = tuple(map(int, found.groups()))
    written = ".".join(found.groups())
    if version[:2] != MADE_FOR:
        wrong = f"version {written}; the plugin is made for 3.2"
        return unwell("FreeRADIUS", wrong, "Install FreeRADIUS 3.2, or use nexio-radiusd.")
    who = "it" if version >= SIGNS_BY_ITSELF else "our policy"
    signs = f"{who} signs replies with Message-Authenticator (CVE-2024-3596)"
    return well("FreeRADIUS", f"version {written}; {signs}")


def require_same_python(folder: Path) -> None:
    """Refuse to install packages that FreeRADIUS cannot load: it would no longer start.

    Raises:
        Refused: FreeRADIUS has another version of Python in it than the one that runs this.
    """
    finding = _python(find_module(folder))
    if not finding.well:
        raise Refused(finding.message, finding.advice)


def find_module(folder: Path) -> Path:
    """The path where FreeRADIUS looks for its Python module."""
    return Path(find_setting(folder, "libdir") or "/usr/lib/freeradius") / "rlm_python3.so"


def _python(module: Path) -> Finding:
    embedded = embedded_python(module)
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if embedded not in {None, ours}:
        wrong = f"FreeRADIUS has Python {embedded} in it, and this nexio is installed for {ours}"
        advice = f"Install nexio with python{embedded} -m venv …, and run its {INSTALL}."
        return unwell("Python", wrong, advice)
    return well("Python", f"{ours}, the same as in FreeRADIUS")


def _run(program: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603 - FreeRADIUS itself
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
