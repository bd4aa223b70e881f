"""The borders of the program: help, wrong command lines, closed pipes, faults of ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nexio import __version__
from nexio_cli.main import COMMANDS, GROUPS
from tests.support.cli.commands import every_command, options_of
from tests.support.cli.programs import program, run
from tests.support.cli.running import Nexio

ROOT = Path(__file__).parents[2]


def test_every_command_says_what_it_does() -> None:
    """A sentence for each command; one name is spelled one way everywhere."""
    for words, command in every_command():
        assert command.help, words
        assert command.help.splitlines()[0].endswith("."), words
        assert set(options_of(command)) <= {option.lower() for option in options_of(command)}


def test_the_list_of_commands_repeats_their_help() -> None:
    """``nexio --help`` shows lines that are kept apart so that nothing is loaded for it."""
    first_lines = {
        words[0]: (command.help or "").splitlines()[0]
        for words, command in every_command()
        if len(words) == 1
    }
    assert list(COMMANDS) == list(first_lines)
    for name, line in first_lines.items():
        assert line.rstrip(".").startswith(COMMANDS[name].rstrip(".")), name


def test_the_help_has_headings(sqlite_nexio: Nexio) -> None:
    """Whoever looks for a command knows where: each is below one heading."""
    shown = sqlite_nexio.done("--help").out
    places = [shown.index(f"{heading}:\n") for heading in GROUPS]
    assert places == sorted(places)
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
    assert all(re.search(rf"^  {name}  ", shown, re.MULTILINE) for name in COMMANDS)


def test_help_loads_no_sqlalchemy(programs: None) -> None:
    """One process shows all help there is, fast, without the store's libraries."""
    shown = run(sys.executable, "-m", "tests.support.cli.help_without_sqlalchemy", cwd=ROOT)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.count("Usage: nexio ") == 2 * (len(every_command()) - 1) + 2
    assert shown.stdout.endswith("loaded: []\n")


TABLES = "nexio.store.tables."
LOOKS = {"row", "audit", "locations"}
VISITS = LOOKS | {"mail", "visits"}


def loaded_by(*commands: str) -> dict[str, set[str]]:
    """What each of the commands loads, which have the first one's modules in common."""
    shown = run(sys.executable, "-m", "tests.support.cli.loaded_by", *commands, cwd=ROOT)
    assert shown.returncode == 0, shown
    lines = [line.split() for line in shown.stdout.splitlines() if line.startswith("loaded: ")]
    return {command: set(line) for command, line in zip(commands, lines, strict=True)}


def test_a_command_loads_only_what_it_needs(sqlite_desk: Nexio, zoe: object) -> None:
    """What is loaded is most of a small command's time: tables that are mapped, mail, rich."""
    tables_of = {
        "location list": LOOKS,
        "settings show": LOOKS | {"pin_days"},
        "visitor show 1": VISITS,
        "visitor list": VISITS,
        "today": VISITS | {"servers"},
    }
    heavy = {"alembic", "aiosmtplib", "email_validator", "icalendar", "psycopg", "qrcode", "rich"}
    bo = "visitor register --first-name Bo --last-name Peep --email bo@example.com"
    for words, loaded in loaded_by(*tables_of, bo, "checkin --visit 1").items():
        if words not in tables_of:  # a change that sends no mail
            assert not {"aiosmtplib", "icalendar", "qrcode", "rich"} & loaded, words
            continue
        found = {each.removeprefix(TABLES) for each in loaded if each.startswith(TABLES)}
        assert found == tables_of[words], words
        assert not heavy & loaded, words
        assert ("cryptography" in loaded) == ("visits" in found), words


def test_the_name_alone_shows_the_help(sqlite_nexio: Nexio) -> None:
    """Whoever types ``nexio`` looks for what there is, and that is no error."""
    assert sqlite_nexio.done().out == sqlite_nexio.done("--help").out


@pytest.mark.parametrize("words", [("visitor",), ("db",)])
def test_a_group_alone_shows_its_help(words: tuple[str, ...], sqlite_nexio: Nexio) -> None:
    """Not an error, but nothing was done either: exit 2, and stdout stays empty."""
    ran = sqlite_nexio(*words)
    assert (ran.exit_code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: nexio")
    assert "Error" not in ran.err


def test_the_version(sqlite_nexio: Nexio) -> None:
    """The program and the package say the same."""
    assert sqlite_nexio.done("--version").out == f"nexio, version {__version__}\n"


WRONG_LINES = [
    ("visitr", "No such command 'visitr'. (Did you mean one of: 'init', 'visitor'?)"),
    ("visitor regster", "No such command 'regster'. (Did you mean one of: 'register'"),
    ("--loud", "No such option"),
    ("visitor list --sate expected", "No such option"),
    ("visitor list --state waiting", "'waiting' is not one of"),
    ("visitor show", "Missing argument 'VISIT'"),
    ("visitor show 1 2", "unexpected extra argument"),
    ("visitor register --last-name A --email a@example.com", "Missing option '--first-name'"),
    ("visitor register --first-name A --last-name B", "'--email'. Without an e-mail: --no-email"),
    ("log --last many", "--last"),
    ("log --last -1", "--last"),
    ("radius test a@example.com 123456 --port 0", "--port"),
    ("settings set", "KEY=VALUE"),
    ("token on --duration", "--duration"),
]


def test_a_wrong_command_line(sqlite_nexio: Nexio) -> None:
    """Exit 2, one line of what is wrong and one of what to do, which names the command."""
    for line, words in WRONG_LINES:
        said = sqlite_nexio(*line.split()).refused(2)
        assert words in said
        assert re.search(r"Hint: +See: nexio.* --help", said)


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[31mb", "a\x07", "\u202ea"])
@pytest.mark.parametrize("words", ["{}", "--{}", "visitor show {}", "visitor list --state {}"])
def test_nothing_typed_steers_the_terminal(text: str, words: str, sqlite_desk: Nexio) -> None:
    """A line break or an escape sequence comes back as a visible escape."""
    ran = sqlite_desk(*(word.format(text) for word in words.split()))
    assert ran.exit_code in {2, 3}
    assert len(ran.err.splitlines()) == 2
    assert not any(character in ran.err for character in "\x1b\x07\u202e")


def test_a_store_that_is_not_there(
    sqlite_nexio: Nexio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit 5, and the advice is to make one or to point at it."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere/nexio.db")
    assert "nexio init" in sqlite_nexio("visitor", "list").refused(5)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "words", ["init", "visitor list", "guard list", "db current", "db upgrade"]
)
def test_a_home_that_everybody_may_write_to(words: str, sqlite_nexio: Nexio) -> None:
    """Exit 5 with the command that closes it, also where no row of the store is read."""
    sqlite_nexio.configuration.home.chmod(0o777)
    assert "chmod o-w" in sqlite_nexio(*words.split()).refused(5)


@pytest.mark.parametrize(
    ("url", "exit_code"),
    [
        ("postgresql://desk:hunter2secret@127.0.0.1:1/nexio", 5),
        ("postgresql://desk:hunter2secret@127.0.0.1:port/nexio", 2),
        ("postgresql://desk:hunter2@secret@127.0.0.1/nexio", 2),
        ("mysql://desk:hunter2secret@127.0.0.1/nexio", 2),
        ("hunter2secret", 2),
        ("sqlite://", 2),
    ],
)
def test_a_database_url_that_leads_nowhere(
    url: str, exit_code: int, sqlite_nexio: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message never shows the password."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", url)
    assert "hunter2" not in sqlite_nexio("visitor", "list").refused(exit_code)


def test_a_fault_of_ours_becomes_a_report(sqlite_desk: Nexio) -> None:
    """Exit 1, and the path of a file that repeats nothing of the data, not even the error's text.

    A time is damaged here, and what is written there would be in the text.
    """
    desk, visit = sqlite_desk, sqlite_desk.register()
    desk.sql("UPDATE visit SET registered_at = :text", text=f"Mars/{visit['pin']}")
    said = desk("visitor", "list", "--all").refused(1)
    report = Path(said.rpartition(" ")[2].strip())
    assert report.parent == desk.configuration.home / "faults"
    text = report.read_text()
    assert "ValueError" in text
    assert "visits.py" in text
    assert not any(word in text for word in (visit["pin"], visit["email"], "Mars"))
    assert report.stat().st_mode & 0o077 == 0 or report.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("words", ["--help", "visitor list", "visitor qr 1"])
def test_a_reader_that_goes_away(words: str, sqlite_desk: Nexio, zoe: object) -> None:
    """``nexio visitor list | head -1``: no traceback, no report and no error."""
    with subprocess.Popen(
        [program("nexio"), *words.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert child.stderr.read() == b""
    assert child.returncode == 0
    assert not (sqlite_desk.configuration.home / "faults").exists()


def test_output_that_the_terminal_cannot_show(
    sqlite_desk: Nexio, zoe: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where stdout knows Latin-1 only, the rest of a name is escaped and nothing fails."""
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    shown = subprocess.check_output([program("nexio"), "visitor", "list"])
    assert b"Zo\xeb Nguy\\u1ec5n V\\u0103n" in shown


def test_shell_completion(sqlite_nexio: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bash asks for what can follow, and gets the commands and the options."""
    monkeypatch.setenv("_NEXIO_COMPLETE", "bash_complete")
    for words, number, wanted in [
        ("nexio vis", 1, "visitor"),
        ("nexio visitor reg", 2, "register"),
        ("nexio visitor register --first", 3, "--first-name"),
    ]:
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(number))
        assert run("nexio").stdout.split() == [f"plain,{wanted}"]
