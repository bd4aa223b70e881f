"""``nexio visitor import`` and ``export``, and groups."""

from __future__ import annotations

import csv
import io
import signal
import sqlite3
import stat
import subprocess
import tracemalloc
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from nexio.reception import visits
from nexio.reception.importing import COLUMNS
from nexio.store.engine import Store
from nexio.store.tables import LocationRow
from tests.support.cli.forking import start
from tests.support.cli.programs import Terminal, program, until
from tests.support.contents import contents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.cli.running import Nexio

BOARD = """first name;last name;email;arrival;notes
Ada;Example;ada@example.com;now;"two
lines"
Bob;;bob@example.com;+1h;
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two visitors."""
    path = tmp_path / "board.csv"
    path.write_text(BOARD)
    return path


def test_a_file_is_registered(desk: Nexio, file: Path) -> None:
    """The answer first; a second time, nobody."""
    assert desk.done("visitor", "import", str(file)).out == (
        "Registered 2 visitors at Harbour House.\n"
    )
    desk.done("visitor", "reschedule", "bob@example.com", "--arrival", "now")
    rows = desk.rows()
    fixed = file.read_text().replace("+1h", "now")
    arrival = desk.done("visitor", "show", "bob@example.com", "--json").json["expected_arrival"]
    again = desk("visitor", "import", "-", stdin=fixed.replace("now", arrival))
    assert again.exit_code == 2
    assert "line 4: visit" in again.err
    assert "nobody was registered" in again.err
    assert desk.rows() == rows
    skipped = desk("visitor", "import", "-", "--duplicates", "skip", stdin=fixed)
    assert skipped.exit_code == 0


def test_every_bad_row_is_listed(sqlite_desk: Nexio) -> None:
    """On stderr, line by line; in JSON, too."""
    sheet = "email,arrival,first name\nx,soon,Ada\ny@example.com,now,\n"
    before = sqlite_desk.rows()
    ran = sqlite_desk("visitor", "import", "-", stdin=sheet)
    assert ran.exit_code == 2
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == [
        *("line 2", "line 2", "line 3"),
        *("Error", "Hint"),
    ]
    told = sqlite_desk("visitor", "import", "-", "--json", stdin=sheet)
    assert told.exit_code == 2
    assert [fault["line"] for fault in told.json["faults"]] == [2, 2, 3]
    assert sqlite_desk.rows() == before


def test_a_trial(sqlite_desk: Nexio, file: Path) -> None:
    """Nothing changes."""
    before = sqlite_desk.rows()
    said = sqlite_desk.done("visitor", "import", str(file), "--dry-run").out
    assert said == "2 visitors can be registered at Harbour House.\n"
    assert sqlite_desk.rows() == before


@pytest.mark.parametrize(
    ("sheet", "words"),
    [("", "the file is empty"), ("shoe size\n44\n", "no column"), ("email,mail\n", "twice")],
)
def test_an_odd_file(sqlite_desk: Nexio, sheet: str, words: str) -> None:
    """Exit 2, with what to do."""
    assert words in sqlite_desk("visitor", "import", "-", stdin=sheet).refused(2).lower()


def test_a_file_that_is_not_there(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Exit 3; a folder is no file."""
    sqlite_desk("visitor", "import", str(tmp_path / "none.csv")).refused(3)
    sqlite_desk("visitor", "import", str(tmp_path)).refused(5)


def test_the_help_names_the_columns(sqlite_desk: Nexio) -> None:
    """Each of them can be read as it stands there."""
    said = " ".join(sqlite_desk.done("visitor", "import", "--help").out.split())
    for name in set(COLUMNS.values()):
        assert f'"{name.replace("_", " ")}"' in said


def test_export_writes_what_import_reads(desk: Nexio, file: Path, tmp_path: Path) -> None:
    """A file of one's own, with a mark for Excel; stdout without."""
    desk.done("visitor", "import", str(file), "--group", "Board")
    desk.register(email="zoe@example.com", company="=1+1")
    path = tmp_path / "out.csv"
    desk.done("visitor", "export", str(path), "--group", "board")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8-sig").count("Board") == 2
    desk("visitor", "export", str(path)).refused(2)
    out = desk.done("visitor", "export").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sorted(row["company"] for row in rows) == ["", "", "'=1+1"]
    desk.done("location", "add", "Annex", "--timezone", "UTC")
    desk.done("visitor", "import", "-", "--location", "Annex", stdin=out)
    there = desk.done("visitor", "list", "--location", "Annex", "--json").json
    here = desk.done("visitor", "list", "--location", "Harbour House", "--json").json
    same = ("first_name", "email", "pin", "group", "login")
    assert [[visit[name] for name in same] for visit in there] == [
        [visit[name] for name in same] for visit in here
    ]


def test_an_export_holds_few_visits_at_a_time(
    sqlite_desk: Nexio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times as many need no more memory, and all of them are there."""
    monkeypatch.setattr(visits, "LARGEST_GROUP", 20)
    peaks = []
    for number in (20, 130, 450):
        names = "".join(
            f"V,N,v{each}of{number}@example.com,tomorrow 9am\n" for each in range(number)
        )
        sqlite_desk.done(
            "visitor", "import", "-", stdin=f"first name,last name,email,arrival\n{names}"
        )
        tracemalloc.start()
        sqlite_desk.done("visitor", "export", str(tmp_path / f"{number}.csv"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] * 2, peaks  # of three and a half times as many
    assert (tmp_path / "450.csv").read_text("utf-8-sig").count("\n") == 1 + 600


def test_no_half_export_stays(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """A file that would become too large is removed, so that its name is free for the next one."""
    notes = "n" * 1000
    rows = "".join(f"V,N,v{each}@example.com,tomorrow 9am,{notes}\n" for each in range(200))
    rows = f"first name,last name,email,arrival,notes\n{rows}"
    sqlite_desk.done("visitor", "import", "-", stdin=rows)
    path = tmp_path / "half.csv"
    limited = f"ulimit -f 200; exec {program('nexio')} visitor export {path}"  # 100 kB
    ran = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, check=False)
    assert (ran.returncode, path.exists()) == (5, False), ran.stderr
    sqlite_desk.done("visitor", "export", str(path))


def test_a_group_is_treated_as_one(desk: Nexio, file: Path) -> None:
    """Listed, checked in and out, mailed and deleted."""
    desk.register(email="zoe@example.com")
    desk.done("visitor", "import", str(file), "--group", "Board")
    assert len(desk.done("visitor", "list", "--group", "BOARD", "--json").json) == 2
    taps = desk.done("checkin", "--group", "Board", "--json").json
    assert [tap["outcome"] for tap in taps] == ["checked_in"] * 2
    taps = desk.done("checkin", "--group", "board", "--json").json
    assert [tap["outcome"] for tap in taps] == ["already_in"] * 2
    taps = desk.done("checkout", "--group", "board", "--json").json
    assert [tap["outcome"] for tap in taps] == ["checked_out"] * 2
    said = desk.done("visitor", "resend", "--group", "Board").out
    assert said.count("The mail to") == 2
    desk("visitor", "delete", "--group", "Board").refused(4)
    assert len(desk.done("visitor", "delete", "--group", "Board", "--yes", "--json").json) == 2
    assert len(desk.done("visitor", "list", "--json").json) == 1
    desk("checkin", "--group", "Board").refused(3)


def test_a_group_or_a_visit(sqlite_desk: Nexio) -> None:
    """Not both, and not neither."""
    sqlite_desk.register(email="zoe@example.com", group="Board")
    for command in ("delete", "resend"):
        sqlite_desk("visitor", command, "zoe@example.com", "--group", "Board").refused(2)
        sqlite_desk("visitor", command).refused(2)
    sqlite_desk("checkin", "--group", "Board", "--visit", "1").refused(2)


def test_a_bar_on_a_terminal(
    sqlite_desk: Nexio, sqlite_environment: dict[str, str], file: Path
) -> None:
    """It goes when it is done; the answer stays."""
    del sqlite_desk, sqlite_environment
    with Terminal((program("nexio"), "visitor", "import", str(file))) as terminal:
        assert terminal.end() == 0
        assert "Registered 2 visitors" in terminal.shown
        assert "reading" in terminal.shown


SLOW = """
CREATE TRIGGER slow BEFORE INSERT ON audit WHEN new.action = 'register' BEGIN
  SELECT count(*) FROM (
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 3000000) SELECT x FROM c
  );
END
"""
"""Lets the last table take its time."""


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_import_leaves_nothing(desk: Nexio, file: Path, by: signal.Signals) -> None:
    """Ctrl-C or SIGKILL, while it stores: the next one finds the store as it was."""
    before = everything(desk.configuration)
    with storing(desk, file) as process:
        process.send_signal(by)
        code = process.wait(60)
    assert code == (130 if by is signal.SIGINT else -signal.SIGKILL)
    assert everything(desk.configuration) == before
    desk.done("visitor", "import", str(file))


@contextmanager
def storing(desk: Nexio, file: Path) -> Iterator[subprocess.Popen[str]]:
    """An import that has stored most of its rows, and is held up at the rest."""
    command = [program("nexio"), "visitor", "import", str(file)]
    if desk.configuration.database_url.startswith("sqlite"):
        desk.sql(SLOW)
        path = desk.configuration.home / "nexio.db"
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
            start(*command, stderr=subprocess.DEVNULL) as process,
        ):
            until(lambda: is_locked(other))
            yield process
        desk.sql("DROP TRIGGER slow")
        return
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        work.session.execute(select(LocationRow.id).with_for_update(key_share=True))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        with (
            store.engine.connect() as other,
            start(*command, stderr=subprocess.DEVNULL) as process,
        ):
            until(lambda: bool(other.execute(waiting).scalar()))
            yield process


def everything(configuration: Configuration) -> dict[str, Any]:
    """All that the store holds."""
    with closing(Store.open(configuration)) as store:
        return contents(store)


def is_locked(other: sqlite3.Connection) -> bool:
    """Whether somebody writes."""
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    other.execute("ROLLBACK")
    return False
