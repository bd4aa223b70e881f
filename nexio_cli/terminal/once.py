"""Commands that refuse an option given twice, where click would silently use the last one."""

from __future__ import annotations

from collections import Counter

import click

from nexio.errors import InvalidValue


class _Once(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; an option that holds one value is given once.

        Raises:
            InvalidValue: an option, or one of a pair such as ``--keep-…/--replace-…``, was given
                again.
        """
        if args and not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_repeated([each for each in given if isinstance(each, click.Option)])
        return super().parse_args(ctx, args)


class Command(_Once):
    """A command of nexio."""


class Group(_Once, click.Group):
    """A noun of nexio, and its commands."""

    command_class = Command


def _refuse_repeated(given: list[click.Option]) -> None:
    if any(option.is_eager for option in given):  # --help and --version
        return
    for option, times in Counter(given).items():
        if times > 1 and _holds_one(option):
            name = "/".join([option.opts[-1], *option.secondary_opts])
            raise InvalidValue(
                f"{name} is given {times} times and takes one value", "Give it once."
            )


def _holds_one(option: click.Option) -> bool:
    plain_flag = option.is_flag and not option.secondary_opts
    return not (option.multiple or option.count or plain_flag)
