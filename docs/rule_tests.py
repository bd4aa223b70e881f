"""The tests that hold a rule of ``rules.md`` or a point of ``radius.md``."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"


def tests(what: str) -> str:
    """Links to the test files that hold a rule or a point."""
    return f"Tests: {', '.join(map(_link, holding(what)))}"


def holding(what: str) -> list[Path]:
    """The test files that hold ``R7`` (they cite it), or ``Must 7`` (by names of tests)."""
    kind, _, number = what.partition(" ")
    pattern = rf"^def test_must_{int(number):02}_" if kind == "Must" else rf"\b{what}\b"
    held = re.compile(pattern, re.MULTILINE)
    return [
        path
        for path in sorted(TESTS.rglob("test_*.py"))
        if path.name != "test_rules.py" and held.search(path.read_text())
    ]


def _link(path: Path) -> str:
    path = path.relative_to(TESTS)
    return f"[{'/'.join([*path.parts[-2:-1], path.stem])}](../tests/{path})"
