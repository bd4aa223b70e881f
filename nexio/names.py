"""Names of people and free text as an operator types them.

Both come back in Unicode's composed form (NFC), so that the same name typed on two
keyboards is the same string.
"""

from __future__ import annotations

import unicodedata

from nexio.errors import InvalidValue

LONGEST_NAME = 100
_LONGEST_QUOTE = 60
_PUNCTUATION = frozenset(" '’ʼ-‐.·")  # noqa: RUF001 - people's names are spelled with these
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_BREAKS = frozenset("\n\r\v\f\x85\u2028\u2029")


def parse_name(text: str, field: str) -> str:
    """Return a first or last name, trimmed, composed, with single blanks.

    Args:
        text: letters and marks of any script, blanks, apostrophes, hyphens and dots, of
            which at least one is a letter; 1 to 100 characters.
        field: how the message calls it: "first name" or "last name".

    Raises:
        InvalidValue: anything else, digits and control characters included.

    Rule: section 7 "Validation" of the design.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise InvalidValue(f"The {field} is empty", f"Give the {field} of the visitor.")
    # A tab or a line break inside is a slip of a spreadsheet, not a blank.
    _refuse_controls(name, text, field)
    name = " ".join(name.split())
    _refuse_longer(name, field, LONGEST_NAME)
    for character in name:
        if unicodedata.category(character)[0] not in "LM" and character not in _PUNCTUATION:
            raise InvalidValue(
                f"The {field} {quoted(text)} contains {quoted(character)}",
                "A name has letters, blanks, apostrophes, hyphens and dots, and no digits.",
            )
    if not any(map(str.isalpha, name)):
        raise InvalidValue(
            f"The {field} {quoted(text)} has no letter", f"Give the {field} in letters."
        )
    return name


def parse_text(text: str, field: str, longest: int) -> str:
    """Return free text, trimmed and composed; an empty one is the caller's to judge.

    Args:
        text: one line of anything printable.
        field: how the message calls it: "host", "notes", …
        longest: most characters, counted after trimming and composing.

    Raises:
        InvalidValue: it is longer, has a line break or another control character, or one
            of the controls that make a line read in another order than it is stored
            (https://www.unicode.org/reports/tr9/, "Trojan Source", CVE-2021-42574).
    """
    clean = unicodedata.normalize("NFC", text.strip())
    _refuse_controls(clean, text, field)
    _refuse_longer(clean, field, longest)
    return clean


def quoted(text: str) -> str:
    r"""Return text as a message may show it: in quotes, one line, at most 60 characters.

    What is not printable is escaped (``\n``, ``\x1b``, ``\u202e``), so that no value can
    steer the terminal or the log that shows the message.
    """
    shown = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return '"' + "".join(map(_printable, shown)) + '"'


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _refuse_controls(clean: str, text: str, field: str) -> None:
    for character in clean:
        if character in _LINE_BREAKS:
            raise InvalidValue(
                f"The {field} {quoted(text)} has a line break", "Write it on one line."
            )
        if character in _BIDI_CONTROLS or unicodedata.category(character) in {"Cc", "Cs"}:
            raise InvalidValue(
                f"The {field} {quoted(text)} contains the control character {quoted(character)}",
                "Type it again without it; copied text may carry invisible characters.",
            )


def _refuse_longer(clean: str, field: str, longest: int) -> None:
    if len(clean) > longest:
        raise InvalidValue(
            f"The {field} {quoted(clean)} has {len(clean)} characters",
            f"Shorten it to {longest} characters.",
        )
