"""A chart of a run: accepts a second, and CPU for each, of every server."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from benchmarks.results import Results
from benchmarks.targets import OURS, PLUGIN

WIDTH, ROW, TOP, NAMES, BARS = 920, 26, 48, 330, 200
HEAD: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
font-family="sans-serif" font-size="13">
<title>{title}</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
"""


def draw(results: Results) -> str:
    """The chart as SVG."""
    keys = [key for key in results.servers if results.of(key, "accept")]
    height = TOP + ROW * len(keys) + 16
    title = f"Accepts a second, and CPU for each, on {results.date}"
    lines = [HEAD.format(width=WIDTH, height=height, title=escape(title))]
    for number, key in enumerate(keys):
        lines.append(_text(NAMES - 8, _middle(number), results.servers[key].name, "end"))
    lines += _bars(results, keys, "per_second", "accepts a second", NAMES)
    lines += _bars(results, keys, "cpu_us", "CPU for each, µs", NAMES + BARS + 90)
    return "".join(lines) + "</svg>\n"


def _bars(results: Results, keys: list[str], what: str, heading: str, left: int) -> Iterator[str]:
    yield _text(left, TOP - 20, heading, "start")
    values = {key: results.middle(what, key, "accept") or 0.0 for key in keys}
    largest = max(values.values(), default=1.0) or 1.0
    for number, (key, value) in enumerate(values.items()):
        width = max(1.0, BARS * value / largest)
        colour = "#2a6fbb" if key in {OURS, PLUGIN} else "#9aa5b1"
        yield (
            f'<rect x="{left}" y="{TOP + ROW * number}" width="{width:.1f}" height="{ROW - 8}"'
            f' fill="{colour}"/>\n'
        )
        yield _text(left + width + 6, _middle(number), f"{value:,.0f}", "start")


def _middle(number: int) -> float:
    return TOP + ROW * number + 14


def _text(x: float, y: float, words: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="#222222">{escape(words)}</text>\n'
