"""The keys of ``--json``, from the types in ``nexio_cli/terminal/json_types.py``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from docs.markdown import code, field_docstrings, table
from nexio_cli.terminal import json_types

if TYPE_CHECKING:
    from collections.abc import Iterator

PRINTED = {each.__name__: each for each in get_args(json_types.Printed) if is_typeddict(each)}
WORDS: dict[Any, str] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "`true`, `false`",
    NoneType: "`null`",
    Mapping: "object",
    list: "array of objects",
}


def keys(what: str) -> str:
    """A table of the keys of one type, in their order."""
    return table(["key", "value", "meaning"], *_rows(PRINTED[what], ""))


def _rows(shape: type, prefix: str) -> Iterator[list[str]]:
    meanings: dict[str, str] = {}
    with suppress(OSError):  # it is no class in the source
        meanings = field_docstrings(shape)
    for key, kind in get_type_hints(shape, include_extras=True).items():
        yield [code(prefix + key), _words(kind), meanings.get(key, "")]
        for inner in _inner(kind):
            yield from _rows(inner, f"{prefix}{key}.")


def _words(kind: Any) -> str:
    if get_origin(kind) is UnionType:
        return ", ".join(map(_words, get_args(kind)))
    if get_origin(kind) is NotRequired:
        return f"{_words(*get_args(kind))}; may be missing"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(map(code, kind))
    if get_origin(kind) is list and get_args(kind)[0] in WORDS:
        return f"array of {WORDS[get_args(kind)[0]]}s"
    if kind in PRINTED.values():
        heading = kind.__name__.removesuffix("Json")
        return f"a [{heading.lower()}](#{heading.lower()})"
    return "object" if is_typeddict(kind) else WORDS[get_origin(kind) or kind]


def _inner(kind: Any) -> Iterator[type]:
    """The types within another one that have no table of their own."""
    for each in get_args(kind) or [kind]:
        if is_typeddict(each) and each not in PRINTED.values():
            yield each
