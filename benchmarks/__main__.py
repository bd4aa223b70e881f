"""``make bench``: measure our servers and their opponents, print and save the results."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import page
from benchmarks.form import SHORT, WHOLE
from benchmarks.results import Results
from benchmarks.servers.lineup import MAKERS
from benchmarks.session import measure


def main() -> None:
    """Measure, or show saved results."""
    reader = argparse.ArgumentParser(prog="make bench", description=__doc__)
    reader.add_argument("--short", action="store_true", help="two minutes; the page stays")
    reader.add_argument("--json", type=Path, metavar="FILE", help="keep the results there")
    reader.add_argument("--only", nargs="+", choices=MAKERS, help="only these servers")
    reader.add_argument("--shown", type=Path, metavar="FILE", help="show kept results again")
    given = reader.parse_args()
    is_whole = not (given.short or given.only)
    if given.shown:
        results = Results.read(given.shown)
    else:
        results = measure(SHORT if given.short else WHOLE, given.only or tuple(MAKERS))
    if given.json:
        results.save(given.json)
    print(page.tables(results))
    if is_whole:
        page.write(results)


main()
