"""What nexio asks on a terminal and not in a pipe, and what a shell completes."""

from __future__ import annotations

import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nexio.checkin.desks import issue_link
from nexio.checkin.tablets import pair_at_once
from nexio.keys.key_file import load_keys
from nexio.locations.locations import get_location
from nexio.network.accounting_records import Status
from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from nexio_cli.main import main
from tests.support.accounting import record, tell
from tests.support.cli.commands import every_command, options_of
from tests.support.cli.programs import Terminal, program, run
from tests.support.cli.running import Keyboard, Nexio
from tests.support.radius.freeradius import copy_raddb

NEXIO = program("nexio")
MISSING = {
    "visitor register": ("First name: ", "Last name: ", "Email: ", "Arrival (Return: now): "),
    "visitor reschedule 1": ("Arrival: ",),
    "token extend 1": ("By: ",),
    "member add": ("First name: ", "Last name: ", "Email: "),
    "location add Pier": ("Timezone: ",),
}
"""What is asked for where nothing is given, in its order."""


@pytest.fixture
def visited(sqlite_desk: Nexio, zoe: object) -> Nexio:
    """Harbour House with Zoë."""
    return sqlite_desk


def answered(words: str, *answers: str) -> Terminal:
    """Run a command on a terminal, answer its questions, and return the terminal at its end."""
    with Terminal((NEXIO, *words.split())) as terminal:
        for question, answer in zip(MISSING[words], answers, strict=True):
            terminal.wait_for(question)
            terminal.type(answer)
        assert terminal.end() == 0, terminal.shown
    return terminal


# What is missing


def test_a_registration_is_asked_for(visited: Nexio) -> None:
    """Names, address and arrival, in their order; Return alone is now."""
    answers = ("Ada\n", "Lovelace\n", "ada@example.com\n", "\n")
    shown = answered("visitor register", *answers).shown
    assert "Registered Ada Lovelace at Harbour House." in shown
    visit = visited.done("visitor", "show", "ada@example.com", "--json").json
    assert (visit["first_name"], visit["last_name"]) == ("Ada", "Lovelace")
    assert visit["token"]["state"] == "valid"


def test_a_new_arrival_is_asked_for(visited: Nexio) -> None:
    """R13, R20: as people say it."""
    visited.done("visitor", "reschedule", "1", stdin=Keyboard("2099-11-20 09:00Z\n"))
    visit = visited.done("visitor", "show", "1", "--json").json
    arrival = datetime.fromisoformat(visit["expected_arrival"])
    assert arrival == datetime(2099, 11, 20, 9, tzinfo=UTC)


def test_a_length_is_asked_for(visited: Nexio) -> None:
    """R2: how much longer."""
    assert "has Wi-Fi until" in answered("token extend 1", "30m\n").shown


def test_an_arrival_that_cannot_be_is_asked_again(visited: Nexio) -> None:
    """R20: what cannot be read, what is past, far away, or taken; the other answers stay."""
    zoe = visited.done("visitor", "show", "1", "--json").json
    with Terminal((NEXIO, "visitor", "register")) as terminal:
        for question, answer in (
            ("First name: ", "Ada\n"),
            ("Last name: ", "King\n"),
            ("Email: ", "zoe@example.com\n"),
            ("Arrival (Return: now): ", "tomorow\n"),
            ("cannot be read as an arrival", "yesterday 9:00\n"),
            ("Hint:", f"{zoe['expected_arrival']}\n"),
            ("Visit 1 is for zoe@example.com at that time already", "tomorrow 9:00\n"),
        ):
            terminal.wait_for(question)
            terminal.type(answer)
        assert terminal.end() == 0, terminal.shown
    assert "Registered Ada King at Harbour House." in terminal.shown
    assert terminal.shown.count("Email: ") == 1


def test_an_arrival_far_away_is_confirmed(visited: Nexio) -> None:
    """R20: a "no" asks for another one."""
    day = datetime.now(UTC) + timedelta(days=200)
    words = ("visitor", "register", "--first-name", "A", "--last-name", "L", "--json")
    typed = f"ada@example.com\n{day:%-d %b} 9:00\nn\n{day:%-d %b %Y} 9:00\n"
    ran = visited.done(*words, stdin=Keyboard(typed))
    assert ran.err.index("You gave no year. Do you mean") < ran.err.index("Write it with its year.")
    assert ran.json["expected_arrival"].startswith(f"{day:%Y-%m-%d}T09:00")


@pytest.mark.parametrize("words", ["--walk-in", "--check-in-now", "--arrival +1h"])
def test_an_arrival_that_is_known_is_not_asked_for(words: str, visited: Nexio) -> None:
    """Who stands at the door has arrived."""
    command = f"visitor register --first-name Ada --last-name L {words}"
    ran = visited.done(*command.split(), stdin=Keyboard("ada@example.com\n"))
    assert "Email:" in ran.err
    assert "Arrival" not in ran.err


def test_who_has_one_name_answers_with_return(visited: Nexio) -> None:
    """Many people have no last name."""
    typed = Keyboard("\nSukarno\ns@example.com\n\n")
    ran = visited.done("visitor", "register", stdin=typed)
    assert "Registered Sukarno at Harbour House." in ran.out


def test_an_empty_answer_is_asked_again(visited: Nexio) -> None:
    """Return alone is no name."""
    with Terminal((NEXIO, "token", "extend", "1")) as terminal:
        terminal.wait_for("By: ")
        terminal.type("\n")
        terminal.wait_for("By: \r\nBy: ")
        terminal.type("30m\n")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("words", "given", "bad", "complaint", "good"),
    [
        (
            "visitor register",
            ("Ada\n", "L\n"),
            "ada@\n",
            "is not an e-mail address",
            "ada@example.com\n\n",
        ),
        ("visitor register", ("\n",), "\n", "name are empty", "Ada\nada@example.com\n\n"),
        ("visitor register", (), "R2\n", 'contains "2"', "Ada\nL\nada@example.com\n\n"),
        ("member add", ("Ana\n", "R\n"), "ana\n", "is not an e-mail address", "ana@example.com\n"),
        ("visitor reschedule 1", (), "10/11/2026\n", "11 October 2026", "2099-11-20 9:00\n"),
        ("token extend 1", (), "30\n", "has no unit", "30m\n"),
        ("location add Pier", (), "Atlantis\n", "no time zone", "Europe/London\n"),
    ],
)
def test_an_answer_that_cannot_be_read(
    words: str, given: tuple[str, ...], bad: str, complaint: str, good: str, visited: Nexio
) -> None:
    """The same words as for an option; it is asked for again, and the other answers are kept."""
    ran = visited.done(*words.split(), stdin=Keyboard("".join((*given, bad, good))))
    assert complaint in " ".join(ran.err.split())
    assert all(question.strip() in ran.err for question in MISSING[words])


IN_VAIN = [
    ("visitor register --arrival tomorow", "cannot be read as an arrival"),
    ("visitor register --arrival 3feb2020-9:00", "cannot be read"),
    ("visitor register --duration 8", "8"),
    ("visitor register --walk-in --duration 2h", "get no Wi-Fi"),
    ("visitor register --email ada", "is not an e-mail address"),
    ("visitor register --first-name R2", "contains"),
    ("visitor register --pin 12", "not a PIN"),
    ("visitor register --by nobody@example.com", "nobody@example.com"),
    ("visitor register --location Pier", "Pier"),
    ("visitor reschedule 7", "7"),
    ("token extend 7", "7"),
    ("member add --pin 12", "not a PIN"),
    ("member add --email ana", "is not an e-mail address"),
]


def test_what_is_given_is_looked_at_first(visited: Nexio) -> None:
    """Nobody answers questions for a command that cannot succeed."""
    for words, complaint in IN_VAIN:
        ran = visited(*words.split(), stdin=Keyboard())
        assert ran.exit_code != 0
        assert complaint in " ".join(ran.err.split())
        assert "name: " not in ran.out + ran.err


def test_what_is_given_is_not_asked_for(visited: Nexio) -> None:
    """An option on the command line; questions are talk, the JSON on stdout is alone."""
    words = ("--first-name", "Ada", "--last-name", "L", "--email", "a@example.com", "--json")
    with Terminal((NEXIO, "visitor", "register", *words)) as terminal:
        assert terminal.end() == 0
    assert terminal.shown.lstrip().startswith("{")


@pytest.mark.parametrize(
    ("words", "key"), [*((words, "\x03") for words in MISSING), ("visitor register", "\x04")]
)
def test_leaving_a_question(words: str, key: str, visited: Nexio) -> None:
    """By Ctrl-C or Ctrl-D: 130, and nothing half done."""
    rows = visited.rows()
    with Terminal((NEXIO, *words.split())) as terminal:
        terminal.wait_for(MISSING[words][0])
        terminal.type(key)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert visited.rows() == rows


def test_in_a_pipe_nothing_is_asked(visited: Nexio) -> None:
    """Exit 2, and the option that is missing; a script does not hang."""
    rows = visited.rows()
    for words in MISSING:
        ran = visited(*words.split(), stdin="Ada\nLovelace\nada@example.com\n")
        assert (ran.exit_code, ran.out) == (2, "")
        assert "Missing option" in ran.err
        assert visited.rows() == rows


# What destroys


def test_a_restore_is_confirmed(visited: Nexio) -> None:
    """A "y" does it; what was registered since is gone."""
    file = str(visited.configuration.home / "backup.db")
    visited.done("db", "backup", file)
    visited.register(email="ada@example.com")
    with Terminal((NEXIO, "db", "restore", file)) as terminal:
        terminal.wait_for("Replace everything in the store by this backup? [y/N]: ")
        terminal.type("y\n")
        assert terminal.end() == 0, terminal.shown
    assert visited("visitor", "show", "ada@example.com").exit_code == 3


def test_a_rotation_is_confirmed(visited: Nexio) -> None:
    """A "y" does it."""
    old = load_keys(visited.configuration.key_file).active
    with Terminal((NEXIO, "key", "rotate")) as terminal:
        terminal.wait_for("Seal the store with a new key? [y/N]: ")
        terminal.type("y\n")
        assert terminal.end() == 0, terminal.shown
    assert load_keys(visited.configuration.key_file).active != old


def test_a_copy_shows_how_far_it_is(visited: Nexio, tmp_path: Path) -> None:
    """On a terminal; the bar goes, and the answer stays."""
    with Terminal((NEXIO, "db", "copy", "--to", f"sqlite:///{tmp_path}/new.db")) as terminal:
        assert terminal.end() == 0, terminal.shown
    assert "comparing " in terminal.shown
    assert "and compared each." in terminal.shown


DESTROYING: dict[tuple[str, ...], list[str]] = {
    ("visitor", "delete"): ["1"],
    ("visitor", "reissue"): ["1"],
    ("token", "off"): ["--revoke"],
    ("token", "revoke"): ["1"],
    ("member", "remove"): ["1"],
    ("person", "erase"): ["zoe@example.com"],
    ("nas", "remove"): ["lobby"],
    ("location", "remove"): ["Pier"],
    ("mail", "template", "reset"): ["registered"],
    ("kiosk", "revoke"): ["Harbour House 1"],
    ("desk", "revoke"): ["Harbour House 1"],
    ("session", "disconnect"): ["1"],
    ("session", "close"): ["1"],
    ("guard", "clear"): ["1", "--device", "02:00:00:00:00:01"],
    ("guard", "release"): ["1", "--device", "02:00:00:00:00:01"],
    ("db", "restore"): ["{home}/backup.db"],
    ("key", "rotate"): [],
    ("freeradius", "uninstall"): ["--raddb", "{home}/raddb"],
    ("service", "uninstall"): ["--units", "{home}/units"],
}
"""What it is asked about, for each command that asks."""


@pytest.fixture
def full(freeradius_python: None, visited: Nexio, monkeypatch: pytest.MonkeyPatch) -> Nexio:
    """Harbour House with something for each of them to destroy."""
    home = visited.configuration.home
    ana = ["--first-name", "Ana", "--last-name", "Reyes", "--email", "ana@example.com"]
    visited.done("member", "add", *ana)
    visited.done("nas", "add", "lobby", "127.0.0.1")
    words = visited.done("mail", "template", "show", "registered").out
    visited.done("mail", "template", "edit", "registered", stdin=f"{words}Bye.\n")
    visited.done("db", "backup", str(home / "backup.db"))
    with closing(Store.open(visited.configuration)) as store:
        with store.write() as work:
            zoe = get_visit(work, "1", None)
            pair_at_once(work, get_location(work, None))
            issue_link(work, get_location(work, None))
        tell(store, record(Status.START, zoe))
    copy_raddb(home / "raddb")
    visited.done("freeradius", "install", "--raddb", str(home / "raddb"), "--replace-default")
    (home / "units").mkdir()
    visited.done("service", "install", "--units", str(home / "units"))
    visited.done("location", "add", "Pier", "--timezone", "UTC")
    monkeypatch.setenv("NEXIO_LOCATION", "Harbour House")
    return visited


def test_these_are_all_that_ask() -> None:
    """Each command with --yes is in the table; FreeRADIUS's own site has an option of its own."""
    asking = {words for words, command in every_command() if "--yes" in options_of(command)}
    assert asking - {("freeradius", "install")} == set(DESTROYING)


def test_without_a_terminal_nothing_is_destroyed(full: Nexio) -> None:
    """Exit 4, with what would have been asked; tests of each command do it with --yes."""
    home = full.configuration.home
    rows, before = full.rows(), contents_of(home)
    for words, about in DESTROYING.items():
        for stdin in ("", "y\n"):
            typed = [*words, *(word.format(home=home) for word in about)]
            said = full(*typed, stdin=stdin).refused(4)
            assert "Error: This needs a terminal or --yes: " in said, words
            assert "Hint:  To do it without being asked, add --yes." in said, words
        assert full.rows() == rows, words
        assert contents_of(home) == before, words


def contents_of(home: Path) -> dict[str, bytes]:
    """Every file but the ones that SQLite keeps beside its store."""
    files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    return {str(path): path.read_bytes() for path in files if "nexio.db" not in path.name}


# Shell completion


def completed(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What bash proposes for the last word of a line."""
    monkeypatch.setenv("_NEXIO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    with pytest.raises(SystemExit, match=r"^0$"):
        main([])
    out, err = capsys.readouterr()
    assert err == ""
    return [each.partition(",")[2] for each in out.splitlines()]


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("nexio vis", ["visitor"]),
        ("nexio visitor re", ["register", "reissue", "reschedule", "resend"]),
        ("nexio token e", ["extend"]),
        ("nexio db ", ["backup", "check", "copy", "current", "restore", "upgrade"]),
        ("nexio key ", ["rotate"]),
        ("nexio visitor register --ar", ["--arrival"]),
        ("nexio visitor reschedule 1 --a", ["--arrival"]),
        ("nexio token extend 1 --b", ["--by"]),
        ("nexio token list --state ", ["upcoming", "valid", "expired", "revoked"]),
        ("nexio token list --state re", ["revoked"]),
        ("nexio nas edit lobby --iden", ["--identifier"]),
        ("nexio visitor register --language ", ["en", "de", "fr", "es", "vi", "zh"]),
        ("nexio visitor edit 1 --language f", ["fr"]),
        ("nexio mail template show registered --language v", ["vi"]),
        ("nexio nas add lobby 192.0.2.1 --profile gen", ["generic"]),
        ("nexio nas profiles mik", ["mikrotik"]),
        ("nexio doctor --", ["--port", "--json", "--help"]),
    ],
)
def test_a_word_is_completed(
    line: str,
    proposed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Commands, subcommands, options and choices; no store is needed, and none is made."""
    assert completed(line, monkeypatch, capsys) == proposed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(
    shell: str, programs: None, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script that ``eval`` or a completion folder takes."""
    monkeypatch.setenv("_NEXIO_COMPLETE", f"{shell}_source")
    ran = run("nexio")
    assert ran.returncode == 0, ran
    assert f"_NEXIO_COMPLETE={shell}_complete" in ran.stdout
    assert "nexio" in ran.stdout
    monkeypatch.delenv("_NEXIO_COMPLETE")
    assert run("nexio", "completion", shell).stdout == ran.stdout


def test_the_script_for_bash_is_bash(programs: None, tmp_path: object) -> None:
    """A real bash takes it, and has a completion for nexio then."""
    script = (
        'eval "$(_NEXIO_COMPLETE=bash_source "$1")"; complete -p nexio;'
        ' COMP_WORDS=(nexio vis); COMP_CWORD=1; PATH="$(dirname "$1"):$PATH";'
        ' _nexio_completion nexio; echo "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(
        ["bash", "-c", script, "-", NEXIO], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.splitlines()[-1] == "visitor"


@pytest.mark.parametrize("words", ["nexio visitor register --", "nexio token extend 1 --"])
def test_a_tab_asks_nothing(words: str, visited: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the keyboard is the shell's: a required option is no question then."""
    monkeypatch.setenv("_NEXIO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with Terminal((NEXIO,)) as terminal:
        assert terminal.end() == 0
    assert "plain,--location" in terminal.shown
    assert "First name" not in terminal.shown
    assert "By:" not in terminal.shown
