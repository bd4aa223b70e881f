"""Parses names of people and free text as an operator types them.

Both are returned in Unicode's composed form (NFC), so that the same name typed on two
keyboards is the same string.
"""

from __future__ import annotations

import re
import unicodedata

from nexio.errors import InvalidValue
from nexio.languages import mark

LONGEST_NAME = 100
_LONGEST_QUOTE = 60

JOINERS = "\u200c\u200d"
"""ZERO WIDTH NON-JOINER and JOINER: part of the spelling of words in Persian and Sinhala."""

_APOSTROPHES = "'\u2018\u2019`\u00b4\u2032\u055a\u05f3\uff07"
_HYPHENS = "-\u2010\u2011\u2012\u2013\u05be\u30a0\uff0d"
_DOTS = ".\u00b7\u0f0b\u30fb\uff65\u05f4"
"""Also the middle dots of Catalan and Japanese, the tsheg of Tibetan, the gershayim of Hebrew."""

_ASIDES = ",()\u060c\u3001\uff08\uff09\uff0c"
"""As in "King, Jr." and "Smith (IT)", from any keyboard."""

_PUNCTUATION = frozenset(" " + _APOSTROPHES + _HYPHENS + _DOTS + _ASIDES)
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_BREAKS = frozenset("\n\r\v\f\x85\u2028\u2029")


def parse_full_name(first_name: str, last_name: str) -> tuple[str, str]:
    """Return both names of a person; one may be empty, as many people have only one name.

    Raises:
        InvalidValue: both are empty, or one is no name.
    """
    if not first_name.strip() and not last_name.strip():
        raise InvalidValue(
            mark("The first name and the last name are empty"),
            "Give both, or '' for the one that the person does not have.",
        )
    return (
        parse_name(first_name, mark("first name")) if first_name.strip() else "",
        parse_name(last_name, mark("last name")) if last_name.strip() else "",
    )


def full_name(first_name: str, last_name: str) -> str:
    """Both names as one text."""
    return f"{first_name} {last_name}".strip()


def counted(number: int, noun: str) -> str:
    """Return "1 PIN" or "2 PINs": a number and what it counts."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def search_key(text: str) -> str:
    """Return the key for searching names: the same for each spelling of a name.

    Upper and lower case, full width and half width, the dotted and the dotless i of Turkish,
    apostrophes and hyphens of any kind, and invisible joiners make no difference.
    """
    composed = unicodedata.normalize("NFKC", text.translate(_ALIKE))
    return unicodedata.normalize("NFKC", composed.casefold()).replace("i\u0307", "i")


def spelling_pattern(text: str) -> str:
    """A regular expression for a name in each of its spellings.

    Apostrophes and hyphens of any kind, and blanks, make no difference; nor does a comma between
    two of its words.
    """
    alike = {each: f"[{re.escape(kinds)}]" for kinds in (_APOSTROPHES, _HYPHENS) for each in kinds}
    words = ("".join(alike.get(each, re.escape(each)) for each in word) for word in text.split())
    return r",?\s+".join(words)


_ALIKE = {
    ord("\u0131"): "i",
    **dict.fromkeys(map(ord, _APOSTROPHES), "'"),
    **dict.fromkeys(map(ord, _HYPHENS), "-"),
    **dict.fromkeys(map(ord, JOINERS)),
}


def parse_name(text: str, field: str) -> str:
    """Return a name, trimmed, composed, with single blanks.

    Args:
        text: letters and marks of any script, also joined by an invisible joiner, blanks,
            apostrophes, hyphens, dots, commas and brackets, of which at least one is a
            letter; 1 to 100 characters.
        field: how the message calls it: "first name" or "last name".

    Raises:
        InvalidValue: anything else, digits, markup and control characters included.

    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise InvalidValue(
            mark("The %(field)s is empty", field=field), mark("Give the %(field)s.", field=field)
        )
    # A tab or a line break inside is a spreadsheet mistake, not a blank.
    _refuse_controls(name, text, field)
    name = " ".join(name.split())
    _refuse_longer(name, field, LONGEST_NAME)
    for number, character in enumerate(name):
        if not (_is_letter(character) or character in _PUNCTUATION or _joins(name, number)):
            raise InvalidValue(
                mark(
                    "The %(field)s %(text)s contains %(character)s",
                    field=field,
                    text=quoted(text),
                    character=quoted(character),
                ),
                mark("A name has letters, blanks and ' - . , ( ), and no digits."),
            )
    if not any(map(str.isalpha, name)):
        raise InvalidValue(
            mark("The %(field)s %(text)s has no letter", field=field, text=quoted(text)),
            mark("Give the %(field)s in letters.", field=field),
        )
    return name


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _joins(name: str, number: int) -> bool:
    """Whether a joiner stands between two letters: there it is spelling and hides nothing."""
    around = name[number - 1 : number] + name[number + 1 : number + 2]
    return name[number] in JOINERS and len(around) == 2 and all(map(_is_letter, around))  # noqa: PLR2004


def parse_text(text: str, field: str, longest: int) -> str:
    """Return free text, trimmed and composed; the caller decides whether it may be empty.

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

    Characters that are not printable are escaped (``\n``, ``\x1b``, ``\u202e``), so that no value
    can control the terminal or the log that shows the message.
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
                mark("The %(field)s %(text)s has a line break", field=field, text=quoted(text)),
                mark("Write it on one line."),
            )
        if character in _BIDI_CONTROLS or unicodedata.category(character) in {"Cc", "Cs"}:
            raise InvalidValue(
                mark(
                    "The %(field)s %(text)s contains the control character %(character)s",
                    field=field,
                    text=quoted(text),
                    character=quoted(character),
                ),
                mark("Type it again without it; copied text may carry invisible characters."),
            )


def _refuse_longer(clean: str, field: str, longest: int) -> None:
    if len(clean) > longest:
        raise InvalidValue(
            mark(
                "The %(field)s %(text)s has %(number)d characters",
                field=field,
                text=quoted(clean),
                number=len(clean),
            ),
            mark("Shorten it to %(number)d characters.", number=longest),
        )
