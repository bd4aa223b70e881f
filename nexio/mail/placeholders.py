"""Filling the texts of mails in: what stands in braces becomes what is known of the visit.

A **line** in which a placeholder stands for nothing is left out: no host, no name of the
network, no Wi-Fi.  So words about the Wi-Fi belong into a line with ``{wifiuntil}``, ``{ssid}``
or ``{wifilogin}``, and are read only by those who have a token.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from nexio.errors import InvalidValue
from nexio.outbox.outbox import Template

Values = Mapping[str, str | None]
"""What each placeholder stands for; None is nothing."""

_VISITOR = (
    *("visitorcode", "visitorname", "hostname", "location", "expectedarrival"),
    *("wifiuntil", "ssid", "wifilogin", "qrcode"),
)
KNOWN: Mapping[Template, tuple[str, ...]] = {
    Template.VISITOR_REGISTERED: _VISITOR,
    Template.VISITOR_UPDATED: _VISITOR,
    # The PIN is the visitor's own: the host does not learn it.
    Template.VISITOR_ARRIVED: (
        "visitorname",
        "hostname",
        "location",
        "expectedarrival",
        "arrivedat",
    ),
    Template.MEMBER_PIN: ("membername", "membercode", "location"),
}
"""The placeholders of each template."""

# Other braces, such as those of a style sheet, are text.
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_GAP = re.compile(r"\n{3,}")


def check_placeholders(template: Template, text: str) -> None:
    """Hold a text against the placeholders of its template.

    Raises:
        InvalidValue: it has others; the advice lists the known ones.
    """
    known = KNOWN[template]
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in known]
    if unknown:
        raise InvalidValue(
            f"there is no placeholder {', '.join(_in_braces(unknown))} in {template.value}",
            f"The placeholders are: {' '.join(_in_braces(known))}",
        )


def fill_text(text: str, values: Values) -> str:
    """Plain text, as it is."""
    return _GAP.sub("\n\n", _filled(text, values)).strip() + "\n"


def fill_html(text: str, values: Values, markup: Values) -> str:
    """HTML: ``values`` are escaped, ``markup`` is HTML already."""
    escaped = {name: _escaped(value) for name, value in values.items()}
    return _filled(text, {**escaped, **markup})


def _filled(text: str, values: Values) -> str:
    def value_of(found: re.Match[str]) -> str:
        return values[found[1]] or ""

    lines = (line for line in text.splitlines() if not _names_nothing(line, values))
    # In one pass: what a value says is never read as a placeholder.
    return "\n".join(_PLACEHOLDER.sub(value_of, line) for line in lines) + "\n"


def _names_nothing(line: str, values: Values) -> bool:
    return any(not values[name] for name in _PLACEHOLDER.findall(line))


def _escaped(value: str | None) -> str | None:
    return None if value is None else html.escape(value)


def _in_braces(names: Iterable[str]) -> list[str]:
    return [f"{{{name}}}" for name in names]
