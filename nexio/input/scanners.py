"""Reads what a scanner at the desk types: it acts as a keyboard, with a keyboard's problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nexio.errors import InvalidValue

LONGEST = 1000
"""Octets of one code; anything longer is not a code, and the rest is dropped."""

_ENDS = re.compile(rb"[\r\n\x03]+")
"""Scanners end a code with CR, LF, both, or ETX."""

_AIM_PREFIX = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""ISO/IEC 15424: the kind of code, such as ``]Q1`` for a QR code."""

_MARKS = "".join(map(chr, range(0x21))) + "\x7f"
"""Blanks, and STX, ETX, GS, EOT and the like, which a scanner may put around a code."""

_DIGIT_KEYS = {
    "an AZERTY (French)": "&é\"'(-è_çà",
    "an AZERTY (Belgian)": "&é\"'(§è!çà",
    "a Czech": "+ěščřžýáíé",
}
"""What the keys 1 to 0 type if the scanner is set to a US keyboard and the computer is not."""

_SHIFTED_DIGIT_KEYS = ("!@#$%^&*()", '!"£$%^&*()', '!"§$%&/()=')
"""The reverse: the scanner is set to AZERTY and the computer is not."""

_HEADS = {
    "NEXIO&M": "an AZERTY (French)",
    "NEXIO+": "a Czech",
    "NEXIO1Ö": "a QWERTZ (German)",
    "NEXIO1É": "a QWERTZ (Swiss)",
    "NEXIO1Ñ": "a Spanish",
    "NEXIO1Ç": "an Italian or a Portuguese",
    "NEXIO1Ş": "a Turkish",
    "NEXIO1Æ": "a Danish",
    "NEXIO1Ø": "a Norwegian",
    "\u0422\u0423\u0427\u0428\u04291\u0416": "a Russian",  # the keys N E X I O 1 :
}
"""How the first characters of a QR code (``NEXIO1:``) arrive, in capitals."""

_FOREIGN_HEADS = {"NEXIO!": "AZERTY (French)", "NEXIO1>": "QWERTZ (German)"}
"""How they arrive if the scanner is set to one of these layouts and the computer is not."""


def read_scan(text: str) -> str:
    """A code without what scanners put around it.

    Raises:
        InvalidValue: a keyboard layout has changed the code; the message names the layout.
    """
    code = bare(text)
    _refuse_foreign_layout(code)
    return code


def bare(text: str) -> str:
    """Strip blanks, control characters and the AIM prefix; do not check the rest."""
    return _AIM_PREFIX.sub("", text.strip(_MARKS)).strip(_MARKS)


def codes(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield each code that a scanner types, as soon as it is complete; skip empty ones.

    Args:
        chunks: octets as they arrive; a code may be split anywhere.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = _ENDS.split(rest + chunk)
        yield from _texts(whole)
        rest = rest[:LONGEST]
    yield from _texts([rest])


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    texts = (line[:LONGEST].decode(errors="replace").strip(_MARKS) for line in lines)
    return (text for text in texts if text)


def _refuse_foreign_layout(code: str) -> None:
    head = code.upper()
    computer = [layout for start, layout in _HEADS.items() if head.startswith(start)]
    computer += [layout for layout, keys in _DIGIT_KEYS.items() if _typed_with(code, keys)]
    if computer:
        raise InvalidValue(
            f"this came through {computer[0]} keyboard layout, which changed the code",
            "Set the scanner to the keyboard layout of this computer, or this one to US English.",
        )
    scanner = [layout for start, layout in _FOREIGN_HEADS.items() if head.startswith(start)]
    scanner += ["AZERTY (French)" for keys in _SHIFTED_DIGIT_KEYS if _typed_with(code, keys)]
    if scanner:
        raise InvalidValue(
            f"the scanner is set to the keyboard layout {scanner[0]}, this computer is not",
            "Set the scanner to the keyboard layout of this computer.",
        )


def _typed_with(code: str, keys: str) -> bool:
    """Whether only these keys typed a PIN, and it has more than dashes."""
    typed = code.replace(" ", "")
    return bool(typed.strip("-")) and set(typed.lower()) <= set(keys)
