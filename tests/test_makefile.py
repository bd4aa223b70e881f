"""The Makefile: what its variables do."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_another_interpreter_makes_the_environment_anew(programs: None, tmp_path: Path) -> None:
    """``make PYTHON=`` with the version that ``.venv`` has leaves it as it is."""
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    pythons = {}
    for version in ("3.11", "3.13"):
        pythons[version] = tmp_path / f"python{version}"
        pythons[version].write_text(f"#!/bin/sh\necho Python {version}.1\n")
        pythons[version].chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(pythons["3.11"])
    (tmp_path / ".venv" / "to-run").touch()

    def says(version: str) -> str:
        make = ["make", "--dry-run", f"PYTHON={pythons[version]}", "run"]
        return subprocess.run(make, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert ".ci/virtualenv" not in says("3.11")
    assert ".ci/virtualenv" in says("3.13")
