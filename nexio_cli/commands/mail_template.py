"""``nexio mail template``: what mails say at a location, and in which language."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from nexio.errors import InvalidValue, NotFound
from nexio.languages import LANGUAGES
from nexio_cli.terminal import once, options, output
from nexio_cli.terminal.shapes import mail_text_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.languages import Language
    from nexio.locations.locations import Location
    from nexio.mail.texts import MailText
    from nexio.outbox.outbox import Template

Callback = TypeVar("Callback", bound="Callable[..., object]")

NAMES = ("registered", "moved", "extended", "cancelled", "arrived")

template = click.argument("name", metavar="TEMPLATE", type=click.Choice(NAMES))


def language(callback: Callback) -> Callback:
    """``--language``, of the text that is meant."""
    return click.option(
        "--language",
        "code",
        type=click.Choice(list(LANGUAGES)),
        help="Which one; default: the location's.",
    )(callback)


@click.group("template", cls=once.Group)
def command() -> None:
    """See and change what mails say, for each location and language.

    TEMPLATE is registered, moved, extended, cancelled or arrived. A text is a line "Subject: …"
    and the lines of the mail below it; {visitorcode} and the like are filled in when it is
    sent. A line in which one of them stands for nothing is left out.
    """


@command.command()
@click.argument("name", metavar="[TEMPLATE]", type=click.Choice(NAMES), required=False)
@language
@options.location
@options.as_json
def show(name: str | None, code: str | None, location_name: str | None, *, as_json: bool) -> None:
    """Print the text of a mail as it can be edited; without TEMPLATE, list what there is."""
    from nexio.locations.locations import get_location
    from nexio.mail.texts import NAMES, get_text, list_own

    with options.reading() as work:
        location = get_location(work, location_name)
        spoken = _language(code, location)
        own = list_own(work, location)
        texts = {
            each: get_text(work, location.id, which, spoken)
            for each, which in NAMES.items()
            if name in {None, each}
        }
    shapes = [mail_text_json(each, spoken.code, text) for each, text in texts.items()]
    if as_json:
        output.print_json(shapes[0] if name is not None else shapes)
    elif name is not None:
        click.echo(texts[name].source, nl=False)
    else:
        rows = [
            [each, text.subject, ", ".join(c for which, c in own if which is NAMES[each]) or "no"]
            for each, text in texts.items()
        ]
        output.print_table(["template", "subject", "own text in"], rows, "")


@command.command()
@template
@click.argument("file", metavar="[FILE]", required=False)
@language
@options.location
@options.as_json
def edit(
    name: str, file: str | None, code: str | None, location_name: str | None, *, as_json: bool
) -> None:
    """Change the text of a mail in your editor ($EDITOR), or take it from FILE or stdin ('-').

    It counts for all mail that is sent from then on. A placeholder that this mail does not know
    is refused, and the known ones are listed. See the result with: nexio mail template preview
    """
    from nexio.locations.locations import get_location
    from nexio.mail.texts import NAMES, get_text, parse_source, save_text

    which = NAMES[name]
    with options.reading() as work:
        location = get_location(work, location_name)
        spoken = _language(code, location)
        before = get_text(work, location.id, which, spoken)
    in_editor = file is None and sys.stdin.isatty()
    new = _edited(which, before) if in_editor else parse_source(which, _read(file or "-"))
    if new is None or new.source == before.source:
        output.print_answer(
            mail_text_json(name, spoken.code, before), "Nothing was changed.", as_json=as_json
        )
        return
    with options.writing() as work:
        save_text(work, get_location(work, location_name), which, spoken, new)
    output.print_answer(
        mail_text_json(name, spoken.code, new),
        f"The mail {name!r} of {location.name} has a text of its own now ({spoken.name}).",
        as_json=as_json,
    )


@command.command()
@template
@language
@click.option(
    "--html",
    is_flag=True,
    help="Show it in a browser, as mail programs do; without a terminal, print the HTML.",
)
@options.location
@options.as_json
def preview(
    name: str, code: str | None, location_name: str | None, *, html: bool, as_json: bool
) -> None:
    """Show a mail as a visitor of tomorrow at nine would get it.

    Its PIN and its codes let nobody in.
    """
    from nexio.locations.locations import get_location
    from nexio.mail.previews import preview
    from nexio.mail.texts import NAMES, get_text

    with options.reading() as work:
        location = get_location(work, location_name)
        spoken = _language(code, location)
        text = get_text(work, location.id, NAMES[name], spoken)
        words = preview(work, location, NAMES[name], spoken, text)
    if as_json:
        output.print_json(
            {
                "template": name,
                "language": spoken.code,
                "subject": words.subject,
                "text": words.text,
                "html": words.html,
            }
        )
    elif not html:
        click.echo(f"Subject: {words.subject}\n\n{words.text}", nl=False)
    elif sys.stdout.isatty():
        _open(words.html)
    else:
        click.echo(words.html, nl=False)


@command.command()
@template
@language
@options.location
@options.yes
@options.as_json
def reset(
    name: str, code: str | None, location_name: str | None, *, yes: bool, as_json: bool
) -> None:
    """Drop a location's own text: the mail says what it says everywhere."""
    from nexio.locations.locations import get_location
    from nexio.mail.texts import NAMES, get_text, list_own, reset_text

    with options.reading() as work:
        location = get_location(work, location_name)
        spoken = _language(code, location)
        is_own = (NAMES[name], spoken.code) in list_own(work, location)
    if is_own:
        options.confirm(
            f"Drop the text of the mail {name!r} of {location.name} ({spoken.name})?", yes=yes
        )
    with options.writing() as work:
        done = reset_text(work, location, NAMES[name], spoken)
        text = get_text(work, location.id, NAMES[name], spoken)
    effect = "says what it says everywhere" if done else "had no text of its own"
    output.print_answer(
        mail_text_json(name, spoken.code, text),
        f"The mail {name!r} of {location.name} {effect} ({spoken.name}).",
        as_json=as_json,
    )


def _language(code: str | None, location: Location) -> Language:
    return LANGUAGES[code or location.settings.language]


def _edited(which: Template, before: MailText) -> MailText | None:
    """What somebody makes of a text in an editor; None where they leave it without saving."""
    from nexio.mail.texts import parse_source

    source = before.source
    while True:
        typed = click.edit(source, extension=".txt")
        if typed is None:
            return None
        try:
            return parse_source(which, typed)
        except InvalidValue as error:
            output.say_error(str(error), error.advice)
            click.confirm("Edit it again?", default=True, abort=True, err=True)
            source = typed


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"there is no file {name}", "Look at its name.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue(
            f"the file {name} cannot be read as a text", "Save it as UTF-8, and look at its rights."
        ) from error


def _open(page: str) -> None:
    """Let the browser of this machine show a page; where there is none, say where the page is."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".html", delete=False) as file:
        file.write(page)
    failed = click.launch(file.name)
    output.say(f"{'Open this page in a browser' if failed else 'Your browser shows'}: {file.name}")
