"""Filling the texts of mails in: what stands in braces becomes what is known of the visit.

A **line** in which a placeholder stands for nothing is left out: no host, no name of the
network, no Wi-Fi.  So words about the Wi-Fi belong into a line with ``{wifiuntil}``, ``{ssid}``
or ``{wifilogin}``, and are read only by those who have a token.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

Values = Mapping[str, str | None]
"""What each placeholder stands for; None is nothing."""

# Other braces, such as those of a style sheet, are text.
PLACEHOLDER = re.compile(r"\{(\w+)\}")
_GAP = re.compile(r"\n{3,}")


def fill_text(text: str, values: Values) -> str:
    """Plain text, as it is."""
    return _GAP.sub("\n\n", _filled(text, values)).strip() + "\n"


def said_lines(text: str, values: Values) -> list[str]:
    """The lines of a text that are not left out, as they are."""
    return [line for line in text.splitlines() if not _names_nothing(line, values)]


def fill_html(text: str, values: Values, markup: Values) -> str:
    """HTML: ``values`` are escaped, ``markup`` is HTML already."""
    escaped = {name: html.escape(value or "") for name, value in values.items()}
    return _filled(text, {**escaped, **markup})


def _filled(text: str, values: Values) -> str:
    def value_of(found: re.Match[str]) -> str:
        return values[found[1]] or ""

    # In one pass: what a value says is never read as a placeholder.
    lines = said_lines(text, values)
    return "\n".join(PLACEHOLDER.sub(value_of, line) for line in lines) + "\n"


def _names_nothing(line: str, values: Values) -> bool:
    return any(not values[name] for name in PLACEHOLDER.findall(line))
