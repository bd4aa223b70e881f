"""Fills in the texts of mails: replaces placeholders in braces with values of the visit.

A **line** with an empty placeholder is left out: no host, no name of the network, no Wi-Fi.  So
text about the Wi-Fi belongs in a line with ``{wifiuntil}``, ``{ssid}`` or ``{wifilogin}``; only
visitors with a token get it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

Values = Mapping[str, str | None]
"""The value of each placeholder; None if it has none."""

# Other braces, such as those of a style sheet, are text.
PLACEHOLDER = re.compile(r"\{(\w+)\}")
_GAP = re.compile(r"\n{3,}")


def fill_text(text: str, values: Values) -> str:
    """Fill in plain text."""
    return _GAP.sub("\n\n", _filled(text, values)).strip() + "\n"


def remaining_lines(text: str, values: Values) -> list[str]:
    """The lines of a text that are not left out, with their placeholders."""
    return [line for line in text.splitlines() if not _names_nothing(line, values)]


def fill_html(text: str, values: Values, markup: Values) -> str:
    """Fill in HTML: ``values`` are escaped, ``markup`` is HTML already."""
    escaped = {name: html.escape(value or "") for name, value in values.items()}
    return _filled(text, {**escaped, **markup})


def _filled(text: str, values: Values) -> str:
    def value_of(found: re.Match[str]) -> str:
        return values[found[1]] or ""

    # In one pass, so that a value is never read as a placeholder.
    lines = remaining_lines(text, values)
    return "\n".join(PLACEHOLDER.sub(value_of, line) for line in lines) + "\n"


def _names_nothing(line: str, values: Values) -> bool:
    return any(not values[name] for name in PLACEHOLDER.findall(line))
