"""The documentation says what the software does.

For whoever writes it:

- ``docs/commands/<name>.md`` is the page of ``nexio <name>``.  It names each subcommand as
  ``nexio <name> <verb>`` and each of their options.  ``docs/generate.py`` writes the options, and
  everything else that stands between comments.
- ``docs/security.md`` names tests, which are there.  ``docs/reasons.md`` names every reason for
  which a packet gets no answer.
- ``docs/`` names every reason that a decision can have, every option of the servers and
  every environment variable.
- A test runs the fenced blocks marked ``console`` of docs/first-day.md and docs/freeradius.md
  (which finds a copy of Debian's configuration in ``raddb``): those of a page in their order, in
  one bash with one empty ``NEXIO_HOME``.  A line that starts with ``$ `` is a command; a line that
  starts with ``> `` continues it.  The lines after it are its output in a pipe, stdout and stderr
  in order.  ``…`` stands for anything within a line, a line ``…`` for any lines or none, and
  blanks for blanks and tabs.  A command that must fail shows ``Error:``, ``WRONG`` or
  ``Access-Reject``.  A page ends the servers that it starts.  The port 18120 stands for a free
  one.  Blocks marked ``sh`` and ``text`` are not run.
"""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from docs import generate
from nexio_web import options as webd
from radius_auth.decision.reasons import Reason
from radius_auth.protocol.accounting_request import Unstorable
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Fault
from radius_auth.server.options import parse_options
from tests.support.cli.commands import every_command, options_of
from tests.support.cli.forking import for_shells
from tests.support.cli.programs import free_port
from tests.support.radius.freeradius import copy_raddb

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM_CODE = ("nexio", "radius_auth", "nexio_cli", "nexio_web")
ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMANDS = every_command()
VARIABLE = re.compile(r"NEXIO_[A-Z]+(?:_[A-Z]+)*\b(?!_)")
FIRST_DAY = DOCS / "first-day.md"
PORT_ON_THE_PAGES = 18120
LIMIT = 240.0
"""Seconds that a page may take."""

AFTER_EACH = """code=$?; printf '\\n-- ended with %d --\\n' "$code"; (exit "$code")\n"""
END = re.compile(r"\n-- ended with (\d+) --\n")
FAILS = re.compile(r"^Error:|^WRONG|Access-Reject", re.MULTILINE)
PATH = re.compile(
    r"`((?:nexio|radius_auth|nexio_cli|nexio_web|migrations|freeradius|tests|benchmarks|docs|\.ci)/[^`\s…]*)`"
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")


def all_docs() -> str:
    """What docs/ says, in one piece."""
    return "\n".join(path.read_text() for path in sorted(DOCS.rglob("*.md")))


SERVERS = {"NEXIO_RADIUSD": parse_options, "NEXIO_WEBD": webd.parse_options}


def server_options(prefix: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """The options that a server lists at ``--help``."""
    with pytest.raises(SystemExit):
        SERVERS[prefix](["--help"], {})
    return set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help", "--version"}


@pytest.mark.parametrize("name", [words[0] for words, _ in COMMANDS if len(words) == 1])
def test_every_command_has_its_page(name: str) -> None:
    """The page names each subcommand and each option."""
    page = (DOCS / "commands" / f"{name}.md").read_text()
    for words, command in COMMANDS:
        if words[:1] != (name,):
            continue
        assert f"nexio {' '.join(words)}" in page
        for option in options_of(command):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", page), (words, option)


def test_what_is_generated_is_up_to_date() -> None:
    """``make docs`` writes it; ``make check`` says the same as this test."""
    assert generate.main(["--check"]) == 0


def test_what_is_generated_and_stale_is_noticed() -> None:
    """A page that somebody has changed by hand is put right."""
    page = (DOCS / "commands" / "visitor.md").read_text()

    assert generate.written(page.replace("| `--walk-in` |", "| `--walk-on` |")) == page
    assert generate.written(page) == page


def test_no_page_without_a_command() -> None:
    """A page of a command that has gone goes too; so do options on the pages that are gone."""
    names = {words[0] for words, _ in COMMANDS if words}
    for page in (DOCS / "commands").glob("*.md"):
        assert page.stem in names | {"README", "nexio-radiusd", "nexio-webd"}, page
        if page.stem in names:
            known = {option for _, each in COMMANDS for option in options_of(each)}
            mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text()))
            assert mentioned <= known | {"--help", "--version"}, page


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained(reason: Reason) -> None:
    """As it stands in the log."""
    assert reason.value in (DOCS / "reasons.md").read_text()


def test_every_variable_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Also those of the servers, one for each option but two; and none that is not read."""
    files = [path for name in PROGRAM_CODE for path in _code(name)]
    read = {name for path in files for name in VARIABLE.findall(path.read_text())}
    for prefix in SERVERS:
        for option in server_options(prefix, capsys) - {"--config", "--check"}:
            read.add(f"{prefix}_" + option.removeprefix("--").replace("-", "_").upper())
    explained = set(VARIABLE.findall(all_docs()))
    assert read - explained == {"NEXIO_COMPLETE"}  # click's
    assert explained - read == {"NEXIO_COMPILE"}  # read by setup.py


def _code(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("prefix", SERVERS)
def test_every_option_of_a_server_is_explained(
    prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server has no page by force, but each option stands somewhere."""
    docs = all_docs()
    assert [option for option in server_options(prefix, capsys) if option not in docs] == []


def test_what_the_page_on_security_names_is_tested() -> None:
    """Each test that stands beside an attack is there, under that name."""
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "security.md").read_text()))
    assert len(named) > 20
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert named - set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE)) == set()


@pytest.mark.parametrize("reason", [*DiscardReason, *Fault, *Unstorable])
def test_every_silence_is_explained(reason: str) -> None:
    """As it stands in the log of nexio-radiusd."""
    assert reason in (DOCS / "reasons.md").read_text()


def test_links_of_all_pages() -> None:
    """Each file that a page links to is there, and so is each heading."""
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "freeradius").rglob("*.md")]
    assert [broken for page in pages for broken in broken_links(page)] == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """Of a file, of a heading of another page, and of the same page."""
    (tmp_path / "other.md").write_text("# There\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[1](gone.md) [2](other.md#gone) [3](#gone) [4](other.md#there) [5](#here)"
    )

    assert broken_links(page) == ["page.md: gone.md", "page.md: other.md#gone", "page.md: #gone"]


def test_the_first_page_fits_three_screens() -> None:
    """What takes longer belongs into a guide."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 112


@pytest.mark.parametrize("page", ["architecture.md", "development.md"])
def test_paths_on_the_pages_for_developers(page: str) -> None:
    """Each file or folder that they name is there; one of the project has a slash in it."""
    named = set(PATH.findall((DOCS / page).read_text()))
    assert len(named) > 5
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_each_package_is_on_the_page_for_developers() -> None:
    """Also one that is new."""
    page = (DOCS / "development.md").read_text()
    packages = [
        path.parent.relative_to(ROOT)
        for top in PROGRAM_CODE
        for path in (ROOT / top).glob("*/__init__.py")
    ]
    assert [str(path) for path in packages if f"| `{path}/` |" not in page] == []


def test_each_package_says_what_it_is() -> None:
    """What it is for, what it may import, and which file to read first; that file is there."""
    silent = []
    for top in PROGRAM_CODE:
        for path in sorted((ROOT / top).rglob("__init__.py")):
            said = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").split())
            first = re.search(r"Read ``([\w/]+\.py)`` first", said)
            if " may import" not in said or not first or not (path.parent / first[1]).exists():
                silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def broken_links(path: Path) -> list[str]:
    """Links of a page that lead to no file, or to no heading of a file."""
    broken = []
    for target, heading in LINK.findall(path.read_text()):
        found = (path.parent / target) if target else path
        if not found.exists() or (heading and heading[1:] not in headings(found)):
            broken.append(f"{path.name}: {target}{heading}")
    return broken


def headings(path: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    lines = re.findall(r"^#+ +(.+?) *$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def examples(page: str) -> list[tuple[str, str]]:
    """Each command of the console blocks, and what must appear."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"^ *```console\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
                continue
            assert found, f"a console block starts with {line!r}"
            command, shown = found[-1]
            if line.startswith("> "):
                assert not shown, line
                found[-1] = (f"{command}\n{line[2:]}", "")
            else:
                found[-1] = (command, f"{shown}{line}\n")
    return found


def test_the_first_day_ends_on_the_wifi() -> None:
    """Whoever types it in its order logs a visitor in; ``test_the_first_day`` does so."""
    logins = [
        shown
        for command, shown in examples(FIRST_DAY.read_text())
        if command.startswith(("nexio radius test", "nexio log"))
    ]
    assert len(logins) >= 2
    assert logins[-2].startswith("Access-Accept")
    assert "accept  " in logins[-1]


def test_only_the_sessions_that_are_run_are_marked_so() -> None:
    """Elsewhere, but for the pages of commands, no block promises that it was tried."""
    pages = [*ROOT.glob("*.md"), *DOCS.glob("*.md")]
    marked = {page.name for page in pages if examples(page.read_text())}
    assert marked == {FIRST_DAY.name, "freeradius.md"}


class Session:
    """The commands of a page, typed into one bash.

    Args:
        folder: an empty one, for the script, what it says, and what the commands make.
        commands: as they are typed.
    """

    def __init__(self, folder: Path, commands: Sequence[str]) -> None:
        self._folder = folder
        self._commands = commands

    def run(self) -> list[tuple[str, int]]:
        """What each command said, and its exit code; what it left running is ended."""
        script = self._folder / "session.sh"
        script.write_text("".join(f"{command}\n{AFTER_EACH}" for command in self._commands))
        said = self._folder / "session.txt"
        with said.open("w") as output, self._bash(script, output) as bash:
            try:
                bash.wait(LIMIT)
                assert not _end_group(bash.pid), f"a server is left:\n{said.read_text()}"
            except subprocess.TimeoutExpired:
                pytest.fail(f"no end after {LIMIT} seconds:\n{said.read_text()}")
            finally:
                _end_group(bash.pid)
        *parts, rest = END.split(said.read_text())
        assert len(parts) == 2 * len(self._commands), rest
        return [(parts[i], int(parts[i + 1])) for i in range(0, len(parts), 2)]

    def _bash(self, script: Path, output: IO[str]) -> subprocess.Popen[str]:
        programs = self._folder / "programs"
        programs.mkdir()
        nexio, asking = for_shells(programs)
        path = f"{nexio.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.Popen(
            ["bash", script],
            cwd=self._folder,
            env=os.environ | {"PATH": path},
            pass_fds=[asking],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that all it starts can be ended, and nothing else
        )


def _end_group(number: int) -> bool:
    """End the processes that a bash has left behind; whether there were any."""
    try:
        os.killpg(number, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def pattern(shown: str) -> str:
    """What a page shows, as a regular expression for what must appear."""
    return "".join(_line_pattern(line.rstrip()) for line in shown.splitlines())


def _line_pattern(line: str) -> str:
    if line == "…":
        return r"(?:.*\n)*?"
    parts = re.split(r"(…|[ \t]+)", line)
    return "".join(map(_part_pattern, parts)) + r"[ \t]*\n"


def _part_pattern(part: str) -> str:
    if part == "…":
        return ".*"
    return r"[ \t]+" if part.isspace() else re.escape(part)


def lines_of(said: str) -> str:
    """What was said, each line with its end, without empty lines before and after."""
    return f"{text}\n" if (text := said.strip("\n")) else ""


def test_the_first_day(programs: None, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """The page is typed in from top to bottom."""
    type_in(FIRST_DAY, tmp_path, subtests)


def test_the_session_with_freeradius(
    freeradius_python: None, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Its reader has made a copy of Debian's configuration."""
    copy_raddb(tmp_path / "raddb")
    type_in(DOCS / "freeradius.md", tmp_path, subtests)


def type_in(page: Path, folder: Path, subtests: pytest.Subtests) -> None:
    """Type a page into a shell in an empty folder, and compare what appears."""
    port, text = free_port(), page.read_text()
    for number in (0, 1):
        text = text.replace(str(PORT_ON_THE_PAGES + number), str(port + number))
    found = examples(text)
    assert len(found) > 5
    ran = Session(folder, [command for command, _ in found]).run()
    for (command, shown), (said, exit_code) in zip(found, ran, strict=True):
        with subtests.test(command):
            assert re.fullmatch(pattern(shown), lines_of(said)), said
            assert (exit_code != 0) == bool(FAILS.search(shown)), exit_code


def test_the_guide_waits_for_no_server_that_has_ended(programs: None, tmp_path: Path) -> None:
    """Whoever tries FreeRADIUS learns why it does not start."""
    commands = [command for command, _ in examples((DOCS / "freeradius.md").read_text())]
    (waiting,) = [command for command in commands if "until grep" in command]

    done = subprocess.run(
        ["bash", "-c", f"echo it cannot start > freeradius.log; false & {waiting}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.stdout == "it cannot start\n"
