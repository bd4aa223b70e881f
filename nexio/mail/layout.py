"""Turns the lines of a mail's text into HTML, so that nobody who edits a mail writes HTML.

======================================  ====================================================
``When: {expectedarrival}``             a row of a table; so is each label with one placeholder
``PIN: {visitorcode}``                  the PIN, large
``For the tablet: {qrcode}``            the code with its label in a frame of its own colour
``Open my pass: {passlink}``            a button
a line of anything else                 a line of a paragraph; an empty line ends it
======================================  ====================================================

The frame, ``templates/mail.html``, is readable on a phone, on a desk, in the light and in the
dark, and with pictures off; nothing is fetched from elsewhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from typing import Final

from nexio.languages import Language
from nexio.mail.placeholders import PLACEHOLDER, Values, fill_html, remaining_lines

CODES: Final = {"visitorcode", "membercode"}
BUTTONS: Final = {"passlink"}
FRAMES: Final = {"qrcode": "#14532d", "wifiqrcode": "#1e40af"}
"""The colour around each QR code, so that nobody holds the wrong one to the tablet."""

_LINKED: Final = {"address", "directions"}
"""Values from the location's settings: a URL in them becomes a link."""

_LABELLED = re.compile(r"(?P<label>.+?)\s*(?::\s+|\N{FULLWIDTH COLON}\s*)\{(?P<name>\w+)\}\s*")
_URL = re.compile(r"https?://[^\s<>&]+(?:&amp;[^\s<>&]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as the HTML refers to it."""

    source: str
    words: str
    """The text that is shown if pictures are off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a page needs in addition to its text."""

    subject: str
    language: Language
    pictures: Mapping[str, Shown]
    """The pictures by placeholder."""

    logo: Shown | None = None


def html_page(body: str, values: Values, look: Look) -> str:
    """The whole mail.

    Args:
        body: the text with its placeholders.
        values: the values of the placeholders.
        look: its title, language and pictures.
    """
    logo = None
    if look.logo is not None:
        logo = _image(look.logo, "display:block;max-width:240px;max-height:96px;height:auto")
    frame = resources.files("nexio.mail").joinpath("templates", "mail.html").read_text("utf-8")
    return fill_html(
        frame,
        {"language": look.language.code, "subject": look.subject},
        {"content": html_blocks(body, values, look), "logo": logo},
    )


def html_blocks(body: str, values: Values, look: Look) -> str:
    """The paragraphs, tables and codes of a text, without a page around them."""
    return "\n".join(_Page(values, look).blocks(body))


class _Page:
    """Converts lines to HTML."""

    def __init__(self, values: Values, look: Look) -> None:
        self._values, self._look = values, look

    def blocks(self, body: str) -> Iterator[str]:
        """Paragraphs, tables and frames, in the order of the lines."""
        shown = {name: picture.source for name, picture in self._look.pictures.items()}
        lines = remaining_lines(body, {**self._values, **shown})
        for kind, some in groupby(lines, self._kind_of):
            if kind == "text":
                yield f"<p>{'<br>'.join(map(self._inline, some))}</p>"
            elif kind != "gap":
                pairs = [(self._label(line), _labelled(line)) for line in some]
                yield getattr(self, f"_{kind}")(pairs)

    def _kind_of(self, line: str) -> str:
        name = _labelled(line)
        if not name:
            return "text" if line.strip() else "gap"
        if name in CODES:
            return "codes"
        if name in self._look.pictures:
            return "pictures"
        return "buttons" if name in BUTTONS else "rows"

    def _label(self, line: str) -> str:
        found = _LABELLED.fullmatch(line)
        return "" if found is None else self._inline(found["label"])

    def _rows(self, pairs: list[tuple[str, str]]) -> str:
        cells = "\n".join(
            f'<tr><td class="quiet" style="padding:2px 16px 2px 0;color:#595959;'
            f'vertical-align:top;min-width:88px;word-break:keep-all;overflow-wrap:break-word">{label}</td>'
            f'<td style="padding:2px 0;vertical-align:top">{self._value(name)}</td></tr>'
            for label, name in pairs
        )
        return f'<table role="presentation" style="border-collapse:collapse">\n{cells}\n</table>'

    def _codes(self, pairs: list[tuple[str, str]]) -> str:
        return "\n".join(
            f'<p>{label}<br><strong style="font:bold 32px monospace;letter-spacing:4px">'
            f"{self._value(name)}</strong></p>"
            for label, name in pairs
        )

    def _pictures(self, pairs: list[tuple[str, str]]) -> str:
        return (
            '<div style="margin:16px 0 0">'
            + "\n".join(self._framed(label, name) for label, name in pairs)
            + "</div>"
        )

    def _framed(self, label: str, name: str) -> str:
        colour = FRAMES.get(name, "#404040")
        image = _image(self._look.pictures[name], "display:block;width:200px;height:200px")
        return (
            '<table role="presentation" style="display:inline-table;width:248px;'
            f"vertical-align:top;margin:0 16px 16px 0;border-collapse:collapse;"
            f'border:3px solid {colour};background:#ffffff">'
            f'<tr><td style="padding:8px 12px;background:{colour};color:#ffffff;font-weight:bold">'
            f'{label}</td></tr><tr><td style="padding:20px;background:#ffffff;color:#1a1a1a">'
            f"{image}</td></tr></table>"
        )

    def _buttons(self, pairs: list[tuple[str, str]]) -> str:
        return "\n".join(
            f'<p><a href="{html.escape(self._values[name] or "")}" style="display:inline-block;'
            "padding:12px 20px;border-radius:6px;background:#14532d;color:#ffffff;"
            f'font-weight:bold;text-decoration:none">{label}</a></p>'
            for label, name in pairs
        )

    def _inline(self, line: str) -> str:
        parts, end = [], 0
        for found in PLACEHOLDER.finditer(line):
            parts += [_with_links(line[end : found.start()]), self._value(found[1])]
            end = found.end()
        return "".join([*parts, _with_links(line[end:])])

    def _value(self, name: str) -> str:
        if name in self._look.pictures:
            return _image(self._look.pictures[name], "width:200px;height:200px")
        value = self._values[name] or ""
        return _with_links(value) if name in _LINKED else html.escape(value)


def _labelled(line: str) -> str:
    found = _LABELLED.fullmatch(line)
    return "" if found is None else found["name"]


def _image(shown: Shown, style: str) -> str:
    return (
        f'<img src="{html.escape(shown.source)}" alt="{html.escape(shown.words)}" style="{style}">'
    )


def _with_links(text: str) -> str:
    return _URL.sub(
        r'<a href="\g<0>" class="link" style="color:#14532d">\g<0></a>', html.escape(text)
    )
