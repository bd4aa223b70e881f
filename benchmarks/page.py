"""Makes the tables of a run: printed, and written into ``docs/performance.md``.

They stand between two comments of the page; the text around them is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks import commands, sessions, sites, tablets
from benchmarks.chart import draw
from benchmarks.form import COLUMNS, WHOLE
from benchmarks.results import BUSY, Results
from benchmarks.targets import OURS, TARGETS

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "performance.md"
KEPT: Final = DOCS / "performance.json"
CHART: Final = DOCS / "images" / "performance.svg"
MEASURED: Final = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end of measured -->)", re.DOTALL)

ABOUT: Final = {
    "accept": "Access-Request with PAP and Message-Authenticator, the right PIN.",
    "CHAP accept": "The same with CHAP-Password.",
    "duplicate": "The same octets again from the same port. A server that does not remember"
    " answers is not asked.",
    "accounting": "Start and Stop of different sessions; the answer says that the record is on"
    " the disk.",
    "reject": "PAP with a wrong PIN. The reject delay is 0 at all servers. Each guess is another"
    " PIN from another device, and at most three are at the same visit, so the guard looks at"
    " every one; the log of our servers is read afterwards, and says so.",
}


def write(results: Results) -> None:
    """Save the results, and show them on the page and in the chart."""
    results.save(KEPT)
    PAGE.write_text(written(PAGE.read_text(), results))
    CHART.write_text(draw(results))


def written(page: str, results: Results) -> str:
    """The page with these results."""
    return MEASURED.sub(lambda _: f"\n{tables(results)}\n", page)


def tables(results: Results) -> str:
    """All results, for a terminal and for the page."""
    return "\n\n".join(_parts(results)) + "\n"


def _parts(results: Results) -> Iterator[str]:
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    lengths = f"{min(results.pin_lengths)} to {max(results.pin_lengths)}"
    yield (
        f"Measured on {results.date}, {results.form}: {results.visitors:,} visitors with PINs of"
        f" {lengths} digits. {machine}."
    )
    disturbed = " ".join(results.disturbances())
    idle = f"The machine was idle: others never took more than {BUSY:.0%} of it."
    yield f"**The machine was not idle.** {disturbed}" if disturbed else idle
    yield _generator(results)
    yield "### What is to be reached"
    if results.visitors < WHOLE.visitors:
        yield f"This holds for {WHOLE.visitors:,} visitors; so few say little about it."
    yield table(
        ["figure", "must", "goal", "measured", "reached"],
        *(
            [each.words, *(_figure(n, each.unit) for n in
             (each.must, each.goal, each.figure(results))), each.state(results)]
            for each in TARGETS
        ),
    )  # fmt: skip
    for column in COLUMNS:
        yield f"### {column[0].upper()}{column[1:]}"
        yield ABOUT[column]
        yield _column(results, column)
    if any(results.cpu_of(OURS, column) for column in COLUMNS):
        yield "### Which of our processes"
        yield (
            "CPU µs of nexio-radiusd for each answer, by process: `nexio-worker` answers,"
            " `nexio-companion` records and follows the store, `nexio-radiusd` is their parent."
        )
        yield _processes(results)
    yield "### Start and reload"
    yield _interruptions(results)
    if results.taps:
        yield "### Tablets"
        yield tablets.words(results.taps)
    if results.commands:
        yield "### Commands"
        yield commands.words(results.commands)
    if results.ends is not None:
        yield "### Sessions that end"
        yield sessions.words(results.ends)
    if results.sites is not None:
        yield "### Two sites"
        yield sites.words(results.sites)


def _generator(results: Results) -> str:
    made = results.generator
    return (
        f"The load generator ({made['kind']}) gets {made['per_second']:,.0f} answers a second from"
        f" {made['echo']} and needs {made['cpu_us']:.1f} µs of CPU for each; in no round did it"
        f" take more than {results.busiest_generator():.0%} of one processor. It keeps the replies,"
        " and after the clock each of them is verified in Python: identifier, code, length,"
        " Response Authenticator and Message-Authenticator. A wrong one would have ended the run."
    )


def _column(results: Results, column: str) -> str:
    heading = ["server", "answers/s", "CPU µs", "p50 ms", "p99 ms", "p50 at 500/s", "p99 at 500/s",
               "lost", "memory MB", "ours: rate", "ours: CPU"]  # fmt: skip
    rows = []
    for key, server in results.servers.items():
        rounds = results.of(key, column) + results.of(key, column, paced=True)
        if not rounds:
            continue
        rows.append([
            server.name,
            *(_number(results.middle(what, key, column), form) for what, form in
              (("per_second", ",.0f"), ("cpu_us", ".1f"), ("p50_ms", ".2f"), ("p99_ms", ".2f"))),
            *(_number(results.middle(what, key, column, paced=True), ".2f")
              for what in ("p50_ms", "p99_ms")),
            str(sum(each.lost for each in rounds)),
            f"{sum(server.megabytes):,.0f}",
            _figure(results.ratio("per_second", column, OURS, key), "×"),
            _figure(results.ratio("cpu_us", column, OURS, key), "×"),
        ])  # fmt: skip
    return table(heading, *rows)


def _processes(results: Results) -> str:
    found = {column: results.cpu_of(OURS, column) for column in COLUMNS}
    names = sorted({name for each in found.values() for name in each}, reverse=True)
    rows = [
        [column, *(_number(each.get(name), ".1f") for name in names)]
        for column, each in found.items()
        if each
    ]
    return table(["answers", *names], *rows)


def _interruptions(results: Results) -> str:
    starts = ", ".join(f"{each:.2f}" for each in results.starts)
    pairs = "; ".join(f"{one:.1f} and {other:.1f}" for one, other in results.reloads)
    processes = results.servers[OURS].megabytes if OURS in results.servers else []
    sizes = ", ".join(f"{each:.0f}" for each in processes)
    return (
        f"Seconds from starting nexio-radiusd to its first answer: {starts}. Longest delay of a"
        f" run of 2,000 requests a second with a reload (SIGHUP) in it, and of the same run"
        f" without, in ms: {pairs}. Memory of the processes of nexio-radiusd after all rounds,"
        f" shared pages divided among them, in MB: {sizes}."
    )


def table(*rows: Sequence[str]) -> str:
    """A table, aligned for a terminal; the first row is its heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return f"| {' | '.join(padded)} |"

    heading, *others = rows
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(map(line, [heading, rule, *others]))


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:.3g} {unit}" if unit != "×" else f"{value:.2f} ×"
