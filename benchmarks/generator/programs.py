"""The generator and the echo, compiled on the spot; in Python where there is no compiler."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def compiler() -> str | None:
    """A C compiler, where there is one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def make_program(name: str, folder: Path) -> list[str]:
    """The command of a program of this folder: compiled, or in Python.

    Args:
        name: ``generator`` or ``echo``.
        folder: where it is put.
    """
    found = compiler()
    if found is None:
        return [sys.executable, str(HERE / f"{name}_in_python.py")]
    program = folder / name
    if not program.exists():
        source = HERE / f"{name}.c"
        subprocess.run([found, "-O2", "-o", program, source], check=True)
    return [str(program)]
