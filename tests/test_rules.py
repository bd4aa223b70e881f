"""Rules are cited by numbers that docs/rules.md and docs/radius.md explain, and each has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RULES = [f"R{number}" for number in range(1, 23)]
POINTS = range(1, 21)
CITED_RULE = re.compile(r"\bR\d{1,2}\b")
CITED_POINT = re.compile(r"\bMust (\d+)\b")
TEST_OF_A_POINT = re.compile(r"^def test_must_(\d+)_", re.MULTILINE)


def texts(*folders: str) -> dict[str, str]:
    """What stands in the code and the pages of these folders, by path."""
    return {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".md"}
    }


TESTS = texts("tests")
HOLDING = {
    path: text
    for path, text in TESTS.items()
    if re.search(r"/test_\w+\.py$", path) and path != "tests/test_rules.py"
}
EVERYTHING = TESTS | texts("nexio", "radius_auth", "nexio_cli", "freeradius", "docs")
CITED = {path: {*CITED_RULE.findall(text)} for path, text in EVERYTHING.items()}
"""The rules that each file names."""


def links(text: str) -> set[str]:
    """The test files that a piece of a page links to."""
    return set(re.findall(r"\]\(\.\./(tests/[^)]+)\)", text))


def test_each_rule_has_a_heading() -> None:
    """Each once, and no other."""
    headings = re.findall(r"^### (R\d+)$", EVERYTHING["docs/rules.md"], re.MULTILINE)

    assert sorted(headings) == sorted(RULES)


def test_each_point_stands_on_its_page() -> None:
    """Each once, and no other."""
    points = re.findall(
        r"^(\d+)\. \*\*Must (\d+)\.\*\*", EVERYTHING["docs/radius.md"], re.MULTILINE
    )

    assert points == [(str(number), str(number)) for number in POINTS]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_held_by_tests(rule: str) -> None:
    """At least one test cites it."""
    assert [path for path in TESTS if rule in CITED[path] and path != "tests/test_rules.py"]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_links_to_the_tests_that_hold_it(rule: str) -> None:
    """To each of them, and to no other: ``make docs`` writes the links."""
    page = EVERYTHING["docs/rules.md"].partition(f"### {rule}\n")[2].partition("\n##")[0]
    citing = {path for path in HOLDING if rule in CITED[path]}

    assert links(page) == citing


@pytest.mark.parametrize("point", POINTS)
def test_a_point_links_to_the_tests_that_hold_it(point: int) -> None:
    """To each file with a test of its number, and to no other."""
    page = EVERYTHING["docs/radius.md"].partition(f"**Must {point}.**")[2]
    named = {
        path for path, text in HOLDING.items() if point in map(int, TEST_OF_A_POINT.findall(text))
    }

    assert links(page.partition("**Must ")[0]) == named


def test_whatever_is_cited_is_explained() -> None:
    """No number leads nowhere."""
    unknown = {path: sorted(cited - {*RULES}) for path, cited in CITED.items() if cited - {*RULES}}
    beyond = {
        path: numbers
        for path, text in EVERYTHING.items()
        if (numbers := {int(number) for number in CITED_POINT.findall(text)} - {*POINTS})
    }

    assert unknown == {}
    assert beyond == {}


def test_each_point_is_held_by_a_test_of_its_number() -> None:
    """``pytest -k must_07`` runs what holds point 7."""
    held = {int(number) for text in TESTS.values() for number in TEST_OF_A_POINT.findall(text)}

    assert held == {*POINTS}


def test_no_document_is_cited_that_is_not_here() -> None:
    """Rules and pages of this repository are; notes from outside of it lead nowhere."""
    outside = re.compile(r"\bDESIGN\b|[Ss]ections? [\d, and]+of the design|\b(?:RADIUS|SPEED)\.md")
    everything = EVERYTHING | texts("migrations", "benchmarks")

    assert [
        path
        for path, text in everything.items()
        if path != "tests/test_rules.py" and outside.search(text)
    ] == []
