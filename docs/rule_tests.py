"""The tests that hold a rule of ``rules.md`` or a point of ``radius.md``."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
RULE = re.compile(r"\bR\d+\b")
POINT = re.compile(r"^def test_must_(\d\d)_", re.MULTILINE)


def tests(what: str) -> str:
    """Links to the test files that hold ``R7`` (they cite it), or ``Must 7`` (their names)."""
    return f"Tests: {', '.join(map(_link, _holding()[what]))}"


@cache
def _holding() -> dict[str, list[Path]]:
    """The test files that hold each rule and each point."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        if path.name == "test_rules.py":
            continue
        text = path.read_text()
        points = {f"Must {int(number)}" for number in POINT.findall(text)}
        for what in {*RULE.findall(text), *points}:
            found[what].append(path)
    return found


def _link(path: Path) -> str:
    path = path.relative_to(TESTS)
    return f"[{'/'.join([*path.parts[-2:-1], path.stem])}](../tests/{path})"
