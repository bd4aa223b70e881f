"""The page shows the kept results, and says what is met and what is doubtful."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import page
from benchmarks.chart import draw
from benchmarks.results import Endings, Results, Round, Sites
from benchmarks.targets import TARGETS

KEPT = Results.read(page.KEPT)
ROUND = Round(
    server="radiusd",
    column="accept",
    number=0,
    rate=0,
    answers=1_000,
    lost=0,
    per_second=30_000.0,
    cpu_us=20.0,
    p50_ms=1.0,
    p99_ms=3.0,
    generator=0.2,
    others=0.01,
)
QUIET = replace(KEPT, load_average=0.0, rounds=[ROUND])


def test_the_page_shows_the_kept_results() -> None:
    """`python -m benchmarks --shown docs/performance.json` writes it again."""
    text = page.PAGE.read_text()

    assert page.written(text, KEPT) == text
    assert page.tables(KEPT) in text


def test_the_chart_shows_the_kept_results() -> None:
    """As the page does."""
    assert page.CHART.read_text() == draw(KEPT)


@pytest.mark.parametrize(
    ("theirs", "state"),
    [(10_000.0, "goal"), (15_000.0, "goal"), (20_000.0, "must"), (20_001.0, "**not met**")],
)
def test_what_is_met(theirs: float, state: str) -> None:
    """Accepts a second: 1.5 times those of rlm_files must be, 2 times are the goal."""
    files = replace(ROUND, server="files", per_second=theirs)
    target = TARGETS[1]

    assert target.words == "accepts a second / `rlm_files`"
    assert target.state(replace(QUIET, rounds=[ROUND, files])) == state


def test_what_was_not_measured() -> None:
    """It is neither met nor missed."""
    assert TARGETS[1].state(QUIET) == "not measured"


def test_rounds_are_compared_with_each_other() -> None:
    """A slow moment of the machine is one for both; the median of the ratios counts."""
    rounds = [
        replace(ROUND, server=server, number=number, cpu_us=cpu)
        for server, column in (("radiusd", (10, 90, 30)), ("files", (20, 60, 60)))
        for number, cpu in enumerate(column)
    ]

    assert replace(QUIET, rounds=rounds).ratio("cpu_us", "accept", "radiusd", "files") == 0.5


def test_which_process_takes_how_much() -> None:
    """Medians, apart for each name; an older run without them has no table."""
    rounds = [
        replace(ROUND, number=number, cpu_of={"nexio-worker": worker, "nexio-companion": 10.0})
        for number, worker in enumerate((20.0, 31.0, 90.0))
    ]
    shown = page.tables(replace(QUIET, rounds=rounds))

    assert "| answers | nexio-worker | nexio-companion |" in shown
    assert "| accept  |         31.0 |            10.0 |" in shown
    assert "nexio-worker" not in page.tables(QUIET)


def test_what_a_reload_adds() -> None:
    """A disturbance of the run without one is not taken for something that the reload gave."""
    results = replace(QUIET, reloads=[(30.0, 4.0), (12.0, 900.0), (20.0, 6.0)])

    assert results.added_by_reload() == 20.0 - 4.0


def test_what_sessions_show() -> None:
    """The longest wait counts, and logins beside accounting against those just before."""
    ends = Endings(noticed=[0.1, 0.9], together=1_000, last=2.5, per_second=400.0)
    results = replace(QUIET, ends=ends, beside=[(1000.0, 950.0), (900.0, 810.0), (800.0, 800.0)])

    assert results.beside_accounting() == 0.95
    assert {each.words: each.state(results) for each in TARGETS[-2:]} == {
        "accepts a second beside accounting / alone": "goal",
        "longest time until a Disconnect-Request": "must",
    }
    assert "the last request came 2.5 s later" in page.tables(results)
    assert TARGETS[-1].state(replace(QUIET, ends=None)) == "not measured"


def test_what_two_sites_show() -> None:
    """How soon one knows what happened at the other, and what that costs."""
    times = [number / 1000 for number in range(1, 101)]
    results = replace(
        QUIET, sites=Sites(registered=times, revoked=times, following=0.006, companion=0.02)
    )

    told = page.tables(results)
    assert "accepted 50 ms later (half of 100), 99 ms (99 %), 100 ms (the longest)" in told
    assert "takes 0.60% of a processor" in told
    assert "### Two sites" not in page.tables(replace(QUIET, sites=None))


def test_a_quiet_machine() -> None:
    """Then nothing is said against the figures."""
    assert list(QUIET.disturbances()) == []
    assert "The machine was idle" in page.tables(QUIET)


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (replace(QUIET, load_average=1.5), "The load average was 1.50"),
        (replace(QUIET, rounds=[replace(ROUND, others=0.3)]), "30% at worst"),
        (replace(QUIET, rounds=[replace(ROUND, generator=0.95)]), "load generator"),
    ],
)
def test_a_busy_machine(results: Results, words: str) -> None:
    """The page says so before any figure."""
    before, _, _ = page.tables(results).partition("###")

    assert "**The machine was not idle.**" in before
    assert words in before
