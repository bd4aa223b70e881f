"""Write what can be derived into the pages: ``make docs``; ``--check`` fails where one is stale.

A page has a place for it between two comments, ``generated: WHAT`` and ``end``.  This script
replaces what stands there; everything else is written by hand.  ``WHAT`` is one of these:

- ``tests R7``, ``tests Must 7``: the tests that hold a rule, or a point of ``radius.md``;
- ``command visitor register``: what ``--help`` says of a command;
- ``options nexio-radiusd``: the options of a server;
- ``settings``, ``reasons``, ``commands``, ``exit codes``, ``error codes``: a table of all of
  them;
- ``profiles``, ``dialects``: what is known of each kind of NAS, and what nexio does for it;
- ``keys VisitJson``: the keys of one type of ``--json``.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from docs import json_keys, lists, rule_tests, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOCS = Path(__file__).resolve().parent
PLACE = re.compile(
    r"^(?P<indent> *)(?P<begin><!-- generated: (?P<what>.+?) -->\n).*?^ *<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)
KINDS: dict[str, Callable[[str], str]] = {
    "tests": rule_tests.tests,
    "command": usage.command,
    "options": usage.server_options,
    "commands": usage.command_rows,
    "settings": lists.setting_rows,
    "reasons": lists.reason_rows,
    "profiles": lists.profile_rows,
    "dialects": lists.dialect_rows,
    "exit": lists.exit_codes,
    "error": lists.error_codes,
    "keys": json_keys.keys,
}


def wanted() -> set[str]:
    """What has to have its place somewhere."""
    return {
        *(f"tests R{number}" for number in range(1, 23)),
        *(f"tests Must {number}" for number in range(1, 21)),
        *(f"command {what}" for what, _ in usage.every_command()),
        *(f"keys {name}" for name in json_keys.PRINTED),
        *(f"options {name}" for name in usage.SERVERS),
        "settings",
        "reasons",
        "commands",
        "exit codes",
        "error codes",
        "profiles",
        "dialects",
    }


def written(page: str) -> str:
    """A page with what is generated as it should be."""
    return PLACE.sub(_written, page)


def _written(place: re.Match[str]) -> str:
    kind, _, rest = place["what"].partition(" ")
    text = f"{place['begin']}{KINDS[kind](rest)}\n<!-- end -->"
    return indent(text, place["indent"])


def places(page: str) -> list[str]:
    """What has its place on a page."""
    return [place["what"] for place in PLACE.finditer(page)]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or say which are stale.

    Returns:
        1 where a page is stale, or where something has no place.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args(arguments).check
    wrong, found = [], set()
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text()
        found |= {*places(page)}
        new = written(page)
        if new != page and check:
            wrong.append(f"docs/{path.relative_to(DOCS)} is stale: make docs")
        elif new != page:
            path.write_text(new)
    wrong += [f"no page has a place for: {what}" for what in sorted(wanted() - found)]
    print("\n".join(wrong) or "The generated parts of the pages are up to date.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
