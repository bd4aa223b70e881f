"""Brings ``nexio/catalogues/`` up to date with the texts in code and templates.

``make catalogues`` runs it.  A text that is new has no translation yet, and the tests fail until
it has one; a text that is gone goes.  Line numbers and dates are left out: a change of the code
alone changes no catalogue.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from nexio.languages import ENGLISH, LANGUAGES

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "nexio" / "catalogues"

_SAYING: Final = {"say": None, "mark": None, "plural": (1, 2)}

SPEAKS: Final = {"nexio_web": _SAYING | {"_": None, "label": None}, "nexio": _SAYING}
"""The packages that speak to people in a browser, and how."""

METHODS: Final = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def texts() -> Catalog:
    """What code and templates say."""
    found = Catalog(project="nexio", charset="utf-8")
    for package, keywords in SPEAKS.items():
        for file, _, text, comments, context in extract_from_dir(
            ROOT / package,
            METHODS,
            {"**": {"trimmed": "true"}},
            keywords,
            ("Translators:",),
            strip_comment_tags=True,
        ):
            found.add(
                text,
                locations=[(f"{package}/{file}", None)],  # type: ignore[list-item]  # no line
                auto_comments=comments,
                context=context,
            )
    return found


def read(code: str) -> Catalog:
    """A catalogue as it is; an empty one where there is none yet."""
    path = FOLDER / f"{code}.po"
    if not path.exists():
        return Catalog(locale=code, project="nexio", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=code)


def up_to_date(code: str) -> bytes:
    """What the file of a language has to hold."""
    template, catalogue = texts(), read(code)
    template.creation_date = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.fuzzy = False
    catalogue.header_comment = f"# What nexio says in another language: {LANGUAGES[code].name}"
    catalogue.project, catalogue.version = "nexio", "of the same checkout"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    written = io.BytesIO()
    write_po(written, catalogue, width=0, include_lineno=False, ignore_obsolete=True)
    return written.getvalue()


def translated() -> list[str]:
    """The languages that have a catalogue: English needs none."""
    return [code for code in LANGUAGES if code != ENGLISH.code]


def strings(message: Message) -> list[str]:
    """The translations of a message: more than one where it counts something."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


if __name__ == "__main__":
    for each in translated():
        (FOLDER / f"{each}.po").write_bytes(up_to_date(each))
        print(f"nexio/catalogues/{each}.po")
