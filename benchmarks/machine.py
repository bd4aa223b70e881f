"""Describes the machine of a run, and the software on it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.servers.lineup import RADIUSD
from tests.support.postgresql import find_binaries


def describe() -> dict[str, str]:
    """Processors and versions."""
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "CPU": _cpu_model(),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "file system": _file_system(tempfile.gettempdir()),
        "system": f"{release}, Linux {platform.release()}",
        "Python": f"{platform.python_version()}, {_form()}",
        "FreeRADIUS": _version("freeradius", "-v"),
        "PostgreSQL": _version(str(find_binaries() / "postgres"), "--version"),
    }


def _form() -> str:
    """Whether the modules of ``setup.py`` are compiled in our servers."""
    output = subprocess.run(
        [RADIUSD, "--version"], capture_output=True, text=True, check=True
    ).stdout
    return f"compiled by mypyc {version('mypy')}" if "compiled" in output else "not compiled"


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _file_system(path: str) -> str:
    """Where stores and databases lie: on a tmpfs, waiting for the disk costs nothing."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    holding = [(fields[1], fields[2]) for fields in mounts if Path(path).is_relative_to(fields[1])]
    return max(holding, key=lambda each: len(each[0]))[1]


def _version(*command: str) -> str:
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", output)
    return found[0] if found else "?"
