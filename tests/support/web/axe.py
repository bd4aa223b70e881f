"""Asking axe-core what keeps people from using a page (WCAG 2.2 AA)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SOURCE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ADVICE = "best-practice"
"""What no standard asks for: mails have neither headings nor landmarks."""

# All that it finds would take longer on its way here than the finding.
RUN = """async (tags) => {
  const { violations, passes } = await axe.run({ runOnly: tags, resultTypes: ["violations"] });
  const nodes = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  return [passes.length, nodes];
}"""


def complaints(page: Page, *, is_mail: bool = False) -> list[str]:
    """What it finds; the page's own policy stays on."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(SOURCE)
    found: list[str]
    passes, found = page.evaluate(RUN, [*TAGS, *([] if is_mail else [ADVICE])])
    assert passes
    return found


def overflow(page: Page) -> int:
    """How many pixels stand out to the right."""
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width
