"""Write what can be derived into the pages: ``make docs``; ``--check`` fails where one is stale.

A page has a place for it between two comments, ``generated: WHAT`` and ``end``.  What stands there
is replaced; everything else is written by hand.  ``WHAT`` is one of these:

- ``tests R7``, ``tests Must 7``: the tests that hold a rule, or a point of ``radius.md``;
- ``command visitor register``: how a command is called, and its options;
- ``options nexio-radiusd``: the options of a server;
- ``settings``, ``reasons``, ``commands``: a table of all of them;
- ``keys visit_json``: the keys of a thing in JSON.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from pathlib import Path
from textwrap import TextWrapper, indent
from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue
from nexio.locations import settings
from nexio_cli.main import COMMANDS, nexio
from nexio_cli.terminal import shapes
from nexio_web import options as webd_options
from radius_auth.decision import reasons, words
from radius_auth.server import options as radiusd_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DOCS = Path(__file__).resolve().parent
TESTS = DOCS.parent / "tests"
PLACE = re.compile(
    r"^(?P<indent> *)(?P<begin><!-- generated: (?P<what>.+?) -->\n).*?^ *<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)
RULE = re.compile(r" \((?:Rule: )?R\d[^)]*\)|^R\d+: ")
UNREADABLE = "?" * 40
"""No setting can be this; the error says what it can be."""

BESIDE_JSON = {
    "visitor": "visit",
    "visitor reissue": "reissue",
    "token": "token",
    "checkin": "check-in",
    "checkout": "check-in",
    "kiosk": "tablet",
    "member": "member",
    "mail": "mail",
    "nas": "nas",
    "session": "session",
    "location": "location",
    "settings": "settings",
    "log": "decision",
    "explain": "explanation",
    "guard": "guesses",
    "radius test": "answer-of-a-radius-server",
    "radius status": "status-of-a-radius-server",
    "freeradius": "findings",
    "doctor": "findings",
    "housekeeping": "housekeeping",
    "db": "store",
}
"""The heading of ``json.md`` for a command, or for a noun and all of its verbs."""


def table(*rows: Sequence[str]) -> str:
    """A table; the first row is its heading."""
    heading, *rest = rows
    lines = [heading, ["---"] * len(heading), *rest]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def code(text: str) -> str:
    """Text as it is typed, also within a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def tests(what: str) -> str:
    """Links to the test files that hold a rule or a point."""
    return f"Tests: {', '.join(map(_link, holding(what)))}"


def holding(what: str) -> list[Path]:
    """The test files that hold ``R7`` (they cite it), or ``Must 7`` (by names of tests)."""
    kind, _, number = what.partition(" ")
    pattern = rf"^def test_must_{int(number):02}_" if kind == "Must" else rf"\b{what}\b"
    held = re.compile(pattern, re.MULTILINE)
    return [
        path
        for path in sorted(TESTS.rglob("test_*.py"))
        if path.name != "test_rules.py" and held.search(path.read_text())
    ]


def _link(path: Path) -> str:
    path = path.relative_to(TESTS)
    return f"[{'/'.join([*path.parts[-2:-1], path.stem])}](../tests/{path})"


ALIASES = {"checkin pin", "guard clear"}
"""Other names for a command; its page mentions them."""


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, by the words that follow ``nexio``."""
    with click.Context(nexio, info_name="nexio") as context:
        for name in COMMANDS:
            found = nexio.get_command(context, name)
            assert found is not None, name
            if not isinstance(found, click.Group) or found.params:
                yield name, found
            if isinstance(found, click.Group):
                for verb, each in found.commands.items():
                    if f"{name} {verb}" not in ALIASES:
                        yield f"{name} {verb}", each


def command(what: str) -> str:
    """How a command is called, and its options as ``--help`` explains them."""
    found = dict(every_command())[what]
    context = click.Context(found, info_name=what)
    given = [each for each in found.params if isinstance(each, click.Option) and not each.hidden]
    usage = _fenced(["nexio", what, *map(_usage, given), *_arguments(found, context)])
    rows = [_row(each, what, context) for each in given]
    return usage + (f"\n\n{table(['option', 'meaning'], *rows)}" if rows else "")


def _fenced(parts: Sequence[str]) -> str:
    """A usage in lines; none of its parts is broken over two of them."""
    whole = " ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    lines = TextWrapper(width=100, subsequent_indent=" " * 4, break_on_hyphens=False).wrap(whole)
    return "\n".join(["```text", *lines, "```"]).replace("\N{NO-BREAK SPACE}", " ")


def _usage(option: click.Option) -> str:
    spelled = " | ".join([*_long(option.opts), *_long(option.secondary_opts)])
    value = "" if option.is_flag else f" {option.metavar or _choices(option) or 'VALUE'}"
    usage = f"{spelled}{value}" if option.required else f"[{spelled}{value}]"
    return f"{usage}..." if option.multiple else usage


def _choices(option: click.Option) -> str:
    return str(option.name).upper() if isinstance(option.type, click.Choice) else ""


def _long(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith("--")]


def _arguments(found: click.Command, context: click.Context) -> list[str]:
    if isinstance(found, click.Group):
        return ["[PIN]"]
    return [each.make_metavar(context) for each in found.params if isinstance(each, click.Argument)]


def _row(option: click.Option, what: str, context: click.Context) -> list[str]:
    spelled = [_spelled(name, option) for name in [*_long(option.opts), *option.secondary_opts]]
    record = option.get_help_record(context)
    assert record is not None, option.name
    meaning = re.sub(r"(?<![\w-])--[a-z][a-z-]+", r"`\g<0>`", record[1].replace("|", "\\|"))
    meaning = re.sub(r"  \[env: (\w+)\]", r" Environment: `\1`", meaning)
    if "--json" in option.opts:
        heading = BESIDE_JSON.get(what) or BESIDE_JSON[what.split(maxsplit=1)[0]]
        meaning = meaning.replace("JSON", f"[JSON](../json.md#{heading})", 1)
    return [", ".join(spelled), meaning]


def _spelled(name: str, option: click.Option) -> str:
    if option.is_flag:
        return code(name)
    choices = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
    return code(f"{name} {option.metavar or choices or 'VALUE'}")


SERVERS = {"nexio-radiusd": radiusd_options, "nexio-webd": webd_options}


def server_options(name: str) -> str:
    """The options of a server, with their variables."""
    rows = []
    parser, variable = SERVERS[name].parser({}), SERVERS[name].variable
    for action in parser._actions:  # noqa: SLF001 - argparse shows them nowhere else
        spelled = ", ".join(
            code(f"{each} {action.metavar}" if action.metavar else each)
            for each in action.option_strings
        )
        is_own = action.dest not in {"help", "version"}
        rows.append([spelled, code(variable(action.dest)) if is_own else "", f"{action.help}"])
    usage = [
        f"[{' '.join(filter(None, (action.option_strings[-1], action.metavar)))}]"
        for action in parser._actions  # noqa: SLF001
        if action.dest not in {"help", "version"}
    ]
    return f"{_fenced([parser.prog, *usage])}\n\n" + table(
        ["option", "environment", "meaning"], *rows
    )


def setting_rows(_: str) -> str:
    """The settings that have an effect: as they start, what they may be, what they mean."""
    meanings = field_docstrings(settings.Settings)
    started = settings.as_words(settings.Settings())
    rows = [
        [code(key), code(_as_typed(started[key])), _allowed(key), meanings[field]]
        for key, field in settings.KEYS.items()
        if field not in settings.NOT_YET
    ]
    return table(["setting", "at first", "what it may be", "meaning"], *rows)


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _allowed(key: str) -> str:
    try:
        settings.parse_changes([f"{key}={UNREADABLE}"])
    except InvalidValue as error:
        advice = (error.advice or str(error)).replace(f"{key}=", "").removeprefix(f"{key} is ")
        return advice.removeprefix("Write ").removeprefix("it ").rstrip(".")
    raise AssertionError(key)


def field_docstrings(of: type) -> dict[str, str]:
    """What stands below each field or member of a class, without the rules it cites."""
    (body,) = ast.parse(inspect.getsource(of)).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        (name,) = (
            field.targets if isinstance(field, ast.Assign) else [getattr(field, "target", None)]
        )
        if isinstance(name, ast.Name) and isinstance(below, ast.Expr):
            text = " ".join(str(ast.literal_eval(below.value)).split())
            found[name.id] = RULE.sub("", text).replace("``", "`")
    return found


def reason_rows(_: str) -> str:
    """Each reason: in the log, to the guest, and what to do."""
    meanings = field_docstrings(reasons.Reason)
    rows = [
        [
            code(reason),
            words.LOGGED[reason],
            meanings[reason.name],
            words.TOLD.get(reason, "nothing").format(at=_at(reason)),
            re.sub(r"'(nexio [^']+)'", r"`\1`", words.REMEDIES.get(reason, "nothing")),
        ]
        for reason in reasons.Reason
    ]
    return table(
        ["reason", "the log says", "what it means", "the guest reads", "what to do"], *rows
    )


def _at(reason: reasons.Reason) -> str:
    return "10:00" if reason is reasons.Reason.ENDED else "09:00"


def command_rows(_: str) -> str:
    """The nouns of ``nexio``, and what each is for."""
    rows = [[f"[nexio {name}](commands/{name}.md)", meaning] for name, meaning in COMMANDS.items()]
    return table(["command", "for"], *rows)


def keys(what: str) -> str:
    """The keys that a function of ``shapes.py`` writes, in their order."""
    tree = ast.parse(inspect.getsource(getattr(shapes, what)))
    (shape,) = (node.value for node in ast.walk(tree) if isinstance(node, ast.Return))
    assert isinstance(shape, ast.Dict)
    return f"Keys: {', '.join(_keys(shape))}."


def _keys(shape: ast.Dict) -> Iterator[str]:
    for key, value in zip(shape.keys, shape.values, strict=True):
        if key is None:  # what another one has, as explained on the page
            continue
        name = ast.literal_eval(key)
        yield code(name)
        for inner in ast.walk(value):
            if isinstance(inner, ast.Dict):
                yield from (code(f"{name}.{each.strip('`')}") for each in _keys(inner))


KINDS: dict[str, Callable[[str], str]] = {
    "tests": tests,
    "command": command,
    "options": server_options,
    "settings": setting_rows,
    "reasons": reason_rows,
    "commands": command_rows,
    "keys": keys,
}


def wanted() -> set[str]:
    """What has to have its place somewhere."""
    return {
        *(f"tests R{number}" for number in range(1, 23)),
        *(f"tests Must {number}" for number in range(1, 21)),
        *(f"command {what}" for what, _ in every_command()),
        *(f"keys {name}" for name in vars(shapes) if name.endswith("_json")),
        *(f"options {name}" for name in SERVERS),
        "settings",
        "reasons",
        "commands",
    }


def written(page: str) -> str:
    """A page with what is generated as it should be."""
    return PLACE.sub(_written, page)


def _written(place: re.Match[str]) -> str:
    kind, _, rest = place["what"].partition(" ")
    text = f"{place['begin']}{KINDS[kind](rest)}\n<!-- end -->"
    return indent(text, place["indent"])


def places(page: str) -> list[str]:
    """What has its place on a page."""
    return [place["what"] for place in PLACE.finditer(page)]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or say which are stale.

    Returns:
        1 where a page is stale, or where something has no place.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args(arguments).check
    wrong, found = [], set()
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text()
        found |= {*places(page)}
        new = written(page)
        if new != page and check:
            wrong.append(f"docs/{path.relative_to(DOCS)} is stale: make docs")
        elif new != page:
            path.write_text(new)
    wrong += [f"no page has a place for: {what}" for what in sorted(wanted() - found)]
    print("\n".join(wrong) or "The generated parts of the pages are up to date.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
