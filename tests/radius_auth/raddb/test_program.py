"""FreeRADIUS itself: its version, its module for Python, its opinion of the configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nexio.operations.health import Finding
from radius_auth.raddb.program import examine_program, find_program, read_by_freeradius
from tests.support.radius.trees import change


def server(folder: Path, says: str) -> Path:
    """A program that answers as FreeRADIUS does."""
    path = folder / "freeradius"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def small(programs: None, tmp_path: Path) -> Path:
    """One that names a folder of modules, with a module for this Python."""
    (tmp_path / "radiusd.conf").write_text(f"libdir = {tmp_path}\n")
    link_with(tmp_path, "libpython{}.{}.so.1.0".format(*sys.version_info))
    return tmp_path


def link_with(small: Path, library: str) -> None:
    """Put a module there that needs this library."""
    (small / "rlm_python3.so").write_bytes(b"\x7fELF\0" + library.encode() + b"\0")


def examined(small: Path, says: str) -> dict[str, Finding]:
    """The findings by subject."""
    return {each.subject: each for each in examine_program(small, server(small, says))}


@pytest.mark.parametrize(
    ("version", "well", "words"),
    [
        ("3.2.1", True, "our policy signs"),
        ("3.2.4", True, "our policy signs"),
        ("3.2.5", True, "it signs"),
        ("3.2.10", True, "it signs"),
        ("3.0.27", False, "made for 3.2"),
        ("4.0.0", False, "made for 3.2"),
    ],
)
def test_versions(small: Path, version: str, well: bool, words: str) -> None:
    """From 3.2.5 on FreeRADIUS signs its replies itself (CVE-2024-3596); before, we do."""
    found = examined(small, f"radiusd: FreeRADIUS Version {version}, for host x86_64")
    assert (found["FreeRADIUS"].well, words in found["FreeRADIUS"].message) == (well, True)
    assert found["rlm_python3"].well
    assert found["Python"].well


def test_something_else_of_that_name(small: Path) -> None:
    """It is named."""
    assert "does not tell" in examined(small, "hello")["FreeRADIUS"].message


def test_another_python(small: Path) -> None:
    """Compiled packages of ours would not load: the advice names the right Python."""
    link_with(small, "libpython3.7m.so.1.0")
    found = examined(small, "FreeRADIUS Version 3.2.1")["Python"]
    assert not found.well
    assert "python3.7 -m venv" in found.advice


def test_no_module(small: Path) -> None:
    """Debian's package is named, and nothing is said about what it would have in it."""
    (small / "rlm_python3.so").unlink()
    found = examined(small, "FreeRADIUS Version 3.2.1")
    assert "freeradius-python3" in found["rlm_python3"].advice
    assert "Python" not in found


def test_no_freeradius(small: Path) -> None:
    """There is nothing else to look at."""
    (found,) = examine_program(small, None)
    assert "apt-get install freeradius" in found.advice


def test_freeradius_reads_it(installed: Path) -> None:
    """The real one, and with a fault its own words about it."""
    program = find_program()
    assert program is not None
    assert read_by_freeradius(installed, program).well
    change(installed / "sites-available" / "nexio", "nexio_sign", "nexio_sing")
    found = read_by_freeradius(installed, program)
    assert not found.well
    assert "nexio_sing" in found.message
