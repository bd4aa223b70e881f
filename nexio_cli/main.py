"""``nexio``: the commands by name, and the one place where errors become exit codes."""

from __future__ import annotations

import errno
import gc
import importlib
import logging
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from nexio import __version__
from nexio.clock import Clock, utc_now
from nexio.errors import InvalidValue, NexioError, Unreachable
from nexio.streams import open_closed, silence
from nexio_cli.terminal import options
from nexio_cli.terminal.output import COLOR, error_json, say_styled, say_wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nexio_cli.terminal.json_types import ErrorJson

GROUPS = {
    "At the desk": {
        "visitor": "Register, list, show, change and delete visitors.",
        "today": "Show the day on one screen: who is expected, in, out, and what went wrong.",
        "checkin": "Check somebody in or out; see who is in the building.",
        "checkout": "Check somebody out, also right after they came.",
        "member": "Manage members, who host visitors.",
        "person": "Export or erase all that is held about a person.",
        "mail": "See what is sent by e-mail, send what waits, and change what mails say.",
    },
    "Locations, and who checks in there": {
        "settings": "Show or change how a location treats its visitors.",
        "token": "Turn Wi-Fi for visitors on and off; list and revoke access tokens.",
        "location": "Manage locations.",
        "kiosk": "Manage the tablets at the door.",
        "desk": "Manage the browsers of reception.",
    },
    "The Wi-Fi": {
        "nas": "Manage the access points and controllers that ask over RADIUS.",
        "session": "See who is on the Wi-Fi, and ask an access point to end a session.",
        "log": "Show what the RADIUS servers decided.",
        "explain": "Say why a visitor gets on the Wi-Fi or not, and what to do.",
        "guard": "See where somebody guesses PINs, and let a guest try again.",
        "radius": "Ask a RADIUS server as an access point would.",
        "servers": "See every server that follows the store, and how it does.",
    },
    "Installing it, and looking after it": {
        "init": "Make the key, the store and the first location.",
        "config": "Show the configuration of this deployment, and where it comes from.",
        "freeradius": "Install and check the plugin for FreeRADIUS.",
        "service": "Let systemd run the servers and the periodic jobs.",
        "completion": "Print the script by which a shell completes commands, options and choices.",
        "doctor": "Check everything and say what to do.",
        "audit": "Show who did what.",
        "housekeeping": "Run the periodic jobs, at all locations.",
        "db": "Upgrade, check, back up, restore and move the store.",
        "key": "Change the key that encrypts PINs and secrets.",
    },
}
"""The commands that ``nexio --help`` lists, in the order of a visitor's day."""

COMMANDS = {name: meaning for group in GROUPS.values() for name, meaning in group.items()}
"""Each is ``command`` in the module ``nexio_cli.commands.<name>``, loaded on demand."""

USAGE = "usage"
STOPPED = "stopped"
UNWRITTEN = "unwritten"
CODES = {
    USAGE: "An unknown command or option, or one too few or too many",
    STOPPED: 'Ctrl-C, or "no" to a question',
    UNWRITTEN: "The output cannot be written; the advice says what was done all the same",
}
"""Exit codes of errors around a command; those of the commands are in `nexio.errors`."""

LOADED = 200_000
"""Objects between two garbage collections: Python's own 700 would cost a tenth of a command's time,
most of which goes into loading modules, and those stay in memory."""

SHOWN = 5
"""How many changes to name when the output cannot be written."""

UNWRITABLE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "the file would be too large",
    errno.EIO: "the device fails",
    errno.EBADF: "it is not open for writing",
}
"""The errors of a stream that cannot be written, in words."""


class ReaderGone(Exception):
    """Nobody reads our output any more, as after ``nexio visitor list | head -1``."""


@contextmanager
def _past_click() -> Iterator[None]:
    """Hide a closed pipe from click, which would exit with 1, as for a bug."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None


class LazyGroup(click.Group):
    """Knows its commands by name and loads only the one that is called."""

    @_past_click()
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line, and show ``--help``."""
        return super().make_context(*args, **kwargs)

    @_past_click()
    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command line says."""
        return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; click itself would suggest only those that are loaded."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=COMMANDS, ctx=ctx
            ) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"nexio_cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading any."""
        del ctx
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(list(commands.items()))


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "color": COLOR},
)
@options.config
@click.version_option(__version__, prog_name="nexio")
@click.pass_context
def nexio(context: click.Context) -> None:
    """Visitor Wi-Fi: register visitors; their PIN checks them in and lets them onto the Wi-Fi."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str], clock: Clock = utc_now) -> int:
    """Run one command.

    Args:
        arguments: the words of the command line.
        clock: gives the time at which the command looks at the store, or changes it.

    Returns:
        The exit code.
    """
    as_json = "--json" in arguments
    act = partial(nexio.main, prog_name="nexio", standalone_mode=False, obj=clock)
    return guarded(lambda: act(_readable(arguments)), as_json=as_json)


def _readable(arguments: Sequence[str]) -> list[str]:
    """The words of the command line; the store and the network need them as UTF-8."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise InvalidValue("a word of the command line is not UTF-8", "Type it again.") from None
    return list(arguments)


def guarded(act: Callable[[], Any], *, as_json: bool = False) -> int:
    """Run a function; any error becomes a line, some advice and an exit code, or JSON."""
    options.done.clear()
    try:
        result = act()
    except click.exceptions.NoArgsIsHelpError as error:
        say_styled(error.format_message())  # `nexio visitor` alone: the help, and no error
        return error.exit_code
    except (ReaderGone, BrokenPipeError):
        silence(sys.stdout)
        if not options.done:
            return 0
        wrong, exit_code = _unwritten("its reader has gone"), Unreachable.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (the boundary)
        wrong, exit_code = _explained(error)
    else:
        return result if isinstance(result, int) else 0
    say_wrong(wrong, as_json=as_json)
    return exit_code


def run() -> None:
    """Run the program."""
    gc.set_threshold(LOADED)
    open_closed()
    # Bad rows are among the warnings of the command already.
    logging.getLogger("nexio.store.bad_rows").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # real streams
    exit_code = main(sys.argv[1:])
    gc.freeze()  # else Python scans all remaining objects at exit: a fifteenth of the time
    sys.exit(exit_code)


def _explained(error: BaseException) -> tuple[ErrorJson, int]:
    """What went wrong, and the exit code."""
    if isinstance(error, NexioError):
        return error_json(error), error.exit_code
    if isinstance(error, click.ClickException):
        return _usage(error), click.UsageError.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return {"error": "stopped", "code": STOPPED, "advice": ""}, options.INTERRUPTED
    if isinstance(error, OSError) and error.errno in UNWRITABLE and error.filename is None:
        silence(sys.stdout)
        return _unwritten(UNWRITABLE[error.errno]), Unreachable.exit_code
    from nexio_cli.terminal.faults import report

    fault = NexioError("this is a fault of nexio", report(error))
    return error_json(fault), fault.exit_code


def _unwritten(why: str) -> ErrorJson:
    """Name what was committed, which stays so: a user who does not know would do it twice."""
    done = ", ".join(options.done[:SHOWN]) + (", …" if len(options.done) > SHOWN else "")
    advice = f"It is done all the same, so do not do it again: {done}." if done else ""
    return {"error": f"the output cannot be written: {why}", "code": UNWRITTEN, "advice": advice}


def _usage(error: click.ClickException) -> ErrorJson:
    context = getattr(error, "ctx", None)  # click does not always know it
    path = "nexio" if context is None else context.command_path
    message = " ".join(error.format_message().split())  # click puts choices below each other
    advice = f"See: {path} --help"
    if isinstance(error, click.exceptions.NoSuchCommand):
        homes = _commands_called(error.command_name)
        if homes:  # then a similar word was not meant, and may do harm
            message, advice = error.message, f"Do you mean: {' or: '.join(homes)}"
    return {"error": message, "code": USAGE, "advice": advice}


def _commands_called(name: str) -> list[str]:
    """The commands of that name, wherever they stand."""
    found = [f"nexio {name}"] if name in COMMANDS else []
    for group in COMMANDS:
        command = importlib.import_module(f"nexio_cli.commands.{group}").command
        if isinstance(command, click.Group) and name in command.commands:
            found.append(f"nexio {group} {name}")
    return found
