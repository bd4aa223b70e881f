"""Runs every ``bench_*.py`` of this folder, or those that are named."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> None:
    """Run benchmarks one after the other."""
    found = sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    for name in names or found:
        module = importlib.import_module(f"benchmarks.bench_{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}")
        module.main()
        print()


main(sys.argv[1:])
