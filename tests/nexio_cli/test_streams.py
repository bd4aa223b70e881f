"""Streams that are closed, full or gone: the work is done, and nobody is told a lie."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nexio.reception.visits import Visit
from tests.support.cli.forking import for_shells
from tests.support.cli.programs import LIMIT, free_port, program, run, until
from tests.support.cli.running import Nexio, registration

CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]


def typed(
    streams: str, *command: str | Path, pass_fds: tuple[int, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command with redirections of the shell; whoever could read from number 9 has gone."""
    return subprocess.run(
        ["bash", "-c", f'exec 9> >(:); wait $!; "$@" {streams}', "-", *command],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        pass_fds=pass_fds,
    )


def loaded_anew(streams: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``nexio`` by an interpreter that starts with these streams."""
    return typed(streams, program("nexio"), *words)


Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shell(programs: None, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Runs ``nexio`` as a fork with these streams: where the work counts, not the start."""
    nexio, asking = for_shells(tmp_path_factory.mktemp("shell"))
    return lambda streams, *words: typed(streams, nexio, *words, pass_fds=(asking,))


@pytest.mark.parametrize("streams", CLOSED)
def test_a_closed_stream_is_like_dev_null(sqlite_desk: Nexio, shell: Shell, streams: str) -> None:
    """The same output, exit code and rows; cron and supervisors close what they do not need."""
    closed = streams.split()
    ran = loaded_anew(streams, *registration("--json"))
    assert ran.returncode == 0, ran
    assert "Traceback" not in ran.stderr
    assert bool(ran.stdout) == (">&-" not in closed)
    shown = shell(streams, "visitor", "show", "99")
    assert (shown.returncode, shown.stdout) == (3, "")
    assert bool(shown.stderr) == ("2>&-" not in closed)
    assert len(sqlite_desk.done("visitor", "list", "--json").json) == 1
    assert not (sqlite_desk.configuration.home / "faults").exists()


@pytest.mark.parametrize(
    "words", [["visitor", "delete", "1"], ["checkin", "-"], ["checkin", "--reader"]]
)
def test_nothing_is_read_from_a_closed_stdin(
    sqlite_desk: Nexio, zoe: object, shell: Shell, words: list[str]
) -> None:
    """Nobody can be asked, and no code comes."""
    closed, null = shell("<&-", *words), shell("</dev/null", *words)
    assert (closed.returncode, closed.stdout, closed.stderr) == (
        null.returncode,
        null.stdout,
        null.stderr,
    )
    assert closed.returncode in {0, 2, 4}


@pytest.mark.parametrize("streams", ["2>&-", "<&- >&- 2>&-"])
def test_a_server_without_streams(sqlite_desk: Nexio, zoe: Visit, streams: str) -> None:
    """nexio-radiusd answers, and writes its log into no file of the store."""
    sqlite_desk.done("nas", "add", "here", "127.0.0.1")
    port = free_port()
    words = [program("nexio-radiusd"), "--listen", "127.0.0.1", "--auth-port", str(port)]
    words += ["--workers", "1"]
    with subprocess.Popen(["bash", "-c", f'exec "$@" {streams}', "-", *words]) as server:
        try:
            test = ["radius", "test", zoe.email, zoe.pin, "--port", str(port)]
            until(lambda: sqlite_desk(*test).exit_code == 0)
        finally:
            server.terminate()
            server.wait(LIMIT)
    assert server.returncode == 0
    assert sqlite_desk.done("db", "check").err == "The store is sound.\n"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_was_registered_is_said_where_it_cannot_be_printed(
    sqlite_desk: Nexio, shell: Shell, form: list[str]
) -> None:
    """Exit 5 and the number on stderr, so that nobody registers twice."""
    ran = shell(">/dev/full", *registration(*form))
    assert ran.returncode == 5
    wrong = "he output cannot be written: the disk is full"
    advice = "It is done all the same, so do not do it again: register visit 1."
    if form:
        said = {"error": f"t{wrong}", "code": "unwritten", "advice": advice}
        assert json.loads(ran.stderr) == said
    else:
        assert ran.stderr == f"Error: T{wrong}\nHint:  {advice}\n"
    assert len(sqlite_desk.done("visitor", "list", "--json").json) == 1


@pytest.mark.parametrize(
    ("words", "done", "stream"),
    [
        (["visitor", "edit", "1", "--notes", "ramp"], "edit visit 1", ">/dev/full"),
        (["visitor", "edit", "1", "--notes", "ramp"], "edit visit 1", ">&9"),
        (["visitor", "edit", "1", "--notes", "ramp"], "edit visit 1", "1</dev/null"),
        (["visitor", "delete", "1", "--yes"], "delete visit 1", ">/dev/full"),
        (["token", "extend", "1", "--by", "5m"], "extend visit 1", ">&9"),
        (["checkin", "--visit", "1"], "check-in visit 1", "1</dev/null"),
        (["nas", "add", "lobby", "192.0.2.7"], "add nas 1", ">/dev/full"),
        (["key", "rotate", "--yes"], "rotate key 1", ">&9"),
    ],
)
def test_every_change_is_said(
    sqlite_desk: Nexio, zoe: object, shell: Shell, words: list[str], done: str, stream: str
) -> None:
    """A full disk, a reader that has gone, a stream that is open for reading only."""
    ran = shell(stream, *words)
    assert (ran.returncode, ran.stdout) == (5, ""), ran
    error, hint, *rest = [line for line in ran.stderr.splitlines() if "Warning" not in line]
    assert error.startswith("Error: The output cannot be written: ")
    assert hint == f"Hint:  It is done all the same, so do not do it again: {done}."
    assert not any("Exception" in line or "Traceback" in line for line in rest)
    assert not (sqlite_desk.configuration.home / "faults").exists()


def test_where_nothing_was_changed_nothing_is_claimed(
    sqlite_desk: Nexio, zoe: object, shell: Shell
) -> None:
    """A list into a full disk: exit 5 and one line; into a reader that has gone: nothing."""
    ran = shell(">/dev/full", "visitor", "list")
    assert (ran.returncode, ran.stderr) == (
        5,
        "Error: The output cannot be written: the disk is full\n",
    )
    ran = shell(">&9", "visitor", "list")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&9 >/dev/null"])
def test_talk_that_nobody_can_read_stops_nothing(
    sqlite_desk: Nexio, shell: Shell, stream: str
) -> None:
    """What is said on stderr is beside the result."""
    ran = shell(stream, "settings", "set", "pin-length=8")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert sqlite_desk.done("settings", "show", "--json").json["pin-length"] == 8
    if "9" not in stream:
        ran = shell(stream, *registration("--json"))
        assert ran.returncode == 0
        assert json.loads(ran.stdout)["id"] == 1
        assert shell(stream, "visitor", "show", "9").returncode == 3


def test_init_makes_all_of_it_without_streams(
    programs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Store, key and location, although its first words cannot be written."""
    monkeypatch.setenv("NEXIO_HOME", str(tmp_path / "made"))
    for streams in ("2>/dev/full", ">&- 2>&-"):
        ran = loaded_anew(streams, "init", "--location", "Harbour", "--timezone", "Etc/UTC")
        assert ran.returncode == 0, ran
    listed = json.loads(run("nexio", "location", "list", "--json").stdout)
    assert [each["name"] for each in listed] == ["Harbour"]
