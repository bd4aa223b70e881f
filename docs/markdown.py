"""Pieces of Markdown, and the sentences that stand below fields in the code."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from textwrap import TextWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = re.compile(r" \((?:Rule: )?R\d[^)]*\)|^R\d+: ")


def table(*rows: Sequence[str]) -> str:
    """A table; the first row is its heading."""
    heading, *rest = rows
    lines = [heading, ["---"] * len(heading), *rest]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def code(text: str) -> str:
    """Text as a person types it, also within a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def fenced(parts: Sequence[str]) -> str:
    """A usage, wrapped between its parts."""
    whole = " ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    lines = TextWrapper(width=100, subsequent_indent=" " * 4, break_on_hyphens=False).wrap(whole)
    return "\n".join(["```text", *lines, "```"]).replace("\N{NO-BREAK SPACE}", " ")


def marked(text: str) -> str:
    """Words of ``--help``, with commands and options as code."""
    parts = re.split(r"'(nexio [^']+)'", text)
    plain = [re.sub(r"(?<![\w-])--[a-z][a-z-]+|\*{6}", r"`\g<0>`", part) for part in parts[::2]]
    commands = [code(part) for part in parts[1::2]]
    return "".join(piece for pair in zip(plain, [*commands, ""], strict=True) for piece in pair)


def field_docstrings(of: type) -> dict[str, str]:
    """What stands below each field or member of a class, without the rules it cites."""
    (body,) = ast.parse(inspect.getsource(of)).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for base in body.bases:  # a TypedDict does not know them
        if isinstance(base, ast.Name) and base.id.endswith("Json"):
            found |= field_docstrings(getattr(sys.modules[of.__module__], base.id))
    for field, below in zip(body.body, body.body[1:], strict=False):
        (name,) = (
            field.targets if isinstance(field, ast.Assign) else [getattr(field, "target", None)]
        )
        if isinstance(name, ast.Name) and isinstance(below, ast.Expr):
            text = " ".join(str(ast.literal_eval(below.value)).split())
            found[name.id] = RULE.sub("", text).replace("``", "`")
    return found
