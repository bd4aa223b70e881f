"""Running a command in this process, and reading what it leaves behind."""

from __future__ import annotations

import io
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nexio.clock import utc_now
from nexio.locations.locations import get_location
from nexio.reception.registration import Repetition, register
from nexio.reception.registration_texts import read_registration
from nexio.store.engine import Store
from nexio_cli.main import main
from tests.support.clocks import Clock
from tests.support.stores import row_counts, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import pytest

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

ZOE = {"--first-name": "Zoë", "--last-name": "Nguyễn Văn", "--email": "zoe@example.com"}


class Keyboard(io.StringIO):
    """What somebody types at a terminal, to the end of it."""

    def isatty(self) -> bool:
        """As a terminal says."""
        return True


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The exit code and output of a command."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on stdout, with keys in order."""
        return json.loads(self.out)

    def refused(self, exit_code: int) -> str:
        """Check that the output is one line of what is wrong and one of what to do.

        Returns:
            Both lines.
        """
        lines = self.err.splitlines()
        assert (self.exit_code, self.out) == (exit_code, ""), self
        assert [line.partition(":")[0] for line in lines] == ["Error", "Hint"], self.err
        assert all(line.partition(":")[2].strip() for line in lines), self.err
        return self.err


@dataclass(frozen=True)
class Nexio:
    """The command ``nexio`` with the store that it works on."""

    configuration: Configuration
    _monkeypatch: pytest.MonkeyPatch
    _capsys: pytest.CaptureFixture[str]
    clock: Callable[[], datetime] = utc_now

    def __call__(self, *arguments: str, stdin: str | Keyboard = "") -> Ran:
        """Run one command."""
        self._capsys.readouterr()
        read = io.StringIO(stdin) if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr("sys.stdin", read)
        exit_code = main(arguments, self.clock)
        out, err = self._capsys.readouterr()
        return Ran(exit_code=exit_code, out=out, err=err)

    def done(self, *arguments: str, stdin: str | Keyboard = "") -> Ran:
        """Run one command that must succeed."""
        ran = self(*arguments, stdin=stdin)
        assert ran.exit_code == 0, ran
        return ran

    def register(self, *arguments: str, **options: str) -> Any:
        """Register Zoë, or the visitor of the options, again, and return the JSON of the visit.

        Args:
            arguments: further options, as typed.
            options: of the visitor: ``email="ada@example.com"``.
        """
        return self.done(*registration(*arguments, **options), "--again", "--json").json

    def register_ago(self, ago: timedelta, location: str | None = None, **texts: str) -> Visit:
        """Register Zoë as of a while ago."""
        return register_ago(self.configuration, ago, location, **texts)

    def rows(self) -> dict[str, int]:
        """How many rows each table of the store has."""
        with closing(Store.open(self.configuration)) as store:
            return row_counts(store)

    def sql(self, statement: str, **values: object) -> None:
        """Change the store behind the software's back."""
        with closing(Store.open(self.configuration)) as store:
            run_sql(store, statement, **values)


def register_ago(
    configuration: Configuration, ago: timedelta, location: str | None = None, **texts: str
) -> Visit:
    """Register Zoë, or the visitor of the texts, in a store as of a while ago."""
    said = {name.strip("-").replace("-", "_"): text for name, text in ZOE.items()} | texts
    clock = Clock(utc_now() - ago)
    with closing(Store.open(configuration, clock)) as store, store.write() as work:
        place = get_location(work, location)
        found = read_registration(said, work.now, place)
        return register(work, place, found, Repetition(again=True))


def registration(*arguments: str, **options: str) -> list[str]:
    """The words of ``nexio visitor register`` for Zoë, or the visitor of the options."""
    said = ZOE | {f"--{name.replace('_', '-')}": text for name, text in options.items()}
    pairs = [pair for pair in said.items() if pair[0] not in arguments]  # none is given twice
    return ["visitor", "register", *(word for pair in pairs for word in pair), *arguments]
