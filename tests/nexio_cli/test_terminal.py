"""What is different on a terminal: questions, tables, Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from nexio.network.accounting_records import Status
from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from nexio.store.tables import DeviceRow
from tests.support.accounting import record, tell
from tests.support.cli.forking import start
from tests.support.cli.programs import COLUMNS, Terminal, program, until
from tests.support.cli.running import Keyboard, Nexio, registration
from tests.support.stores import engine_of

NEXIO = program("nexio")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def visited(sqlite_desk: Nexio) -> Nexio:
    """Harbour House with Zoë, and a NAS."""
    sqlite_desk.register_ago(timedelta(0), host="Ada Lovelace [bold]")
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10")
    return sqlite_desk


@pytest.mark.parametrize(
    "words",
    [
        *("visitor delete 1", "token revoke 1", "token off --revoke", "nas remove lobby"),
        *("key rotate", "db restore backup.db"),
    ],
)
def test_no_means_no(words: str, visited: Nexio) -> None:
    """What destroys is asked for; "n" ends with 130 and nothing is changed."""
    rows, key = visited.rows(), visited.configuration.key_file.read_bytes()
    shown = visited.done("visitor", "list").out
    ran = visited(*words.split(), stdin=Keyboard("n\n"))
    assert ran.exit_code == 130
    assert "[y/N]: " in ran.err
    assert (visited.rows(), visited.done("visitor", "list").out) == (rows, shown)
    assert visited.configuration.key_file.read_bytes() == key


MOMENT = re.compile(r"\b\w{3} \d{1,2} \w{3} \d{4} \d\d:\d\d\b")
TABLES = {
    "visitor list": 1,
    "token list": 2,
    "checkin list": 1,
    "mail list": 1,
    "session list": 1,
    "visitor devices 1": 1,
    "member list": 0,
    "nas list": 0,
    "location list": 0,
    "config show": 0,
}
"""How many times a row of each has on a terminal of 80 columns."""


@pytest.mark.parametrize("words", TABLES)
def test_a_table_fits_the_terminal(words: str, visited: Nexio) -> None:
    """No line is wider, no time is broken, and the offset is said once."""
    visited.done("checkin", "--visit", "1")
    with closing(Store.open(visited.configuration)) as store:
        with store.write() as work:
            visit = get_visit(work, "1", None)
            work.session.add(DeviceRow(visit_id=1, mac="02:00:00:00:00:01", first_at=work.now))
        tell(store, record(Status.START, visit))
    with Terminal((NEXIO, *words.split())) as terminal:
        assert terminal.end() == 0, terminal.shown
    lines = COLOURS.sub("", terminal.shown).splitlines()
    assert max(map(len, lines)) <= COLUMNS
    rows = [len(MOMENT.findall(line)) for line in lines]
    assert max(rows) == TABLES[words], lines
    said = [line for line in lines if re.search(r"[+-]\d\d:\d\d", line)]
    assert len(said) == (1 if TABLES[words] else 0), said
    assert all(line.startswith("Times are ") for line in said)


def test_a_narrow_terminal(visited: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of the columns stay whole; what is in them is broken."""
    monkeypatch.setenv("COLUMNS", "60")
    with Terminal((NEXIO, "nas", "list")) as terminal:
        assert terminal.end() == 0, terminal.shown
    lines = [line for line in COLOURS.sub("", terminal.shown).splitlines() if line.strip()]
    assert max(map(len, lines)) <= 60
    header = ["NAS", "address", "location", "SSID", "Message-Authenticator"]
    assert lines[0].split() == header


def test_yes_means_yes(visited: Nexio) -> None:
    """The question names the visit; "y" does it."""
    with Terminal((NEXIO, "visitor", "delete", "zoe@example.com")) as terminal:
        terminal.wait_for("Delete visit 1 of Zoë Nguyễn Văn? [y/N]: ")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert visited.done("visitor", "show", "1", "--json").json["state"] == "deleted"


def test_a_scanner_at_a_terminal(visited: Nexio) -> None:
    """R14: each code is answered when its line ends, by CR as a keyboard sends it."""
    pin = visited.done("visitor", "show", "1", "--json").json["pin"]
    with Terminal((NEXIO, "checkin", "--reader")) as terminal:
        terminal.type(f"{pin}\r")
        terminal.wait_for("is checked in: ")
        terminal.type(f"]Q0{pin}\r")
        terminal.wait_for("is checked in already, just now: ")
        terminal.type("junk\r\x04")
        assert terminal.end() == 0
    assert "Refused: this is not a PIN" in terminal.shown


def test_who_is_on_as_it_changes(visited: Nexio) -> None:
    """Shown anew every two seconds, until Ctrl-C; not into a pipe."""
    with Terminal((NEXIO, "session", "list", "--open", "--watch")) as terminal:
        terminal.wait_for("Nobody is on the Wi-Fi")
        with closing(Store.open(visited.configuration)) as store:
            tell(store, record(at=store.clock()))
        terminal.wait_for("S1")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert "Error" not in terminal.shown
    visited("session", "list", "--watch").refused(2)


def test_a_slip_is_for_a_browser(visited: Nexio) -> None:
    """A page of HTML, with its PIN, is not poured over a terminal; what to type is said."""
    with Terminal((NEXIO, "visitor", "slip", "1")) as terminal:
        assert terminal.end() == 2
    assert "--output slip.html" in terminal.shown
    assert "<" not in terminal.shown


def test_what_is_missing_is_asked_for(visited: Nexio) -> None:
    """On a terminal; in a script it is an error (see ``test_main.py``)."""
    with Terminal((NEXIO, "visitor", "register", "--last-name", "L", "--arrival", "now")) as screen:
        screen.wait_for("First name: ")
        screen.type("Ada\n")
        screen.wait_for("Email: ")
        screen.type("ada@example.com\n")
        assert screen.end() == 0
    assert visited.done("visitor", "show", "ada@example.com", "--json").json["first_name"] == "Ada"


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_leaving_the_question(key: str, visited: Nexio) -> None:
    """Neither is a yes."""
    with Terminal((NEXIO, "visitor", "delete", "1")) as terminal:
        terminal.wait_for("[y/N]: ")
        terminal.type(key)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert visited.done("visitor", "show", "1", "--json").json["state"] == "expected"


def test_no_question(visited: Nexio) -> None:
    """``--yes`` answers before it is asked."""
    ran = visited.done("visitor", "delete", "1", "--yes", stdin=Keyboard())
    assert "[y/N]" not in ran.out + ran.err


def test_a_table(visited: Nexio) -> None:
    """In 80 columns on a terminal, drawn; what looks like markup is text; tabs in a pipe."""
    with Terminal((NEXIO, "visitor", "list")) as terminal:
        assert terminal.end() == 0
    lines = COLOURS.sub("", terminal.shown).splitlines()
    assert all(len(line) <= COLUMNS for line in lines), lines
    assert "\t" not in terminal.shown
    drawn = [line.split() for line in lines if line.strip()]
    assert drawn[0][:3] == ["visit", "arrival", "visitor"]
    assert set(lines[2].strip()) == {"─"}
    piped = visited.done("visitor", "list").out
    assert "\x1b" not in piped
    assert "Ada Lovelace [bold]" in piped
    assert all(line.count("\t") == 7 for line in piped.splitlines())


def test_the_settings_as_a_table(visited: Nexio) -> None:
    """Each setting stands on a line of its own."""
    with Terminal((NEXIO, "settings", "show")) as terminal:
        assert terminal.end() == 0
    lines = [line.split() for line in COLOURS.sub("", terminal.shown).splitlines()]
    assert ["visitor-tokens", "on"] in lines
    assert ["end-wifi-at-checkout", "off"] in lines


@contextmanager
def holding_the_store(desk: Nexio) -> Iterator[None]:
    """Be another desk in the middle of a write."""
    with engine_of(desk.configuration.database_url) as engine, engine.connect() as connection:
        connection.execute(text("UPDATE store_revision SET number = number"))
        yield
        connection.rollback()


def opens(pid: int, path: Path) -> bool:
    """Whether a process has a file open (Linux)."""
    for held in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed since
            if held.readlink() == path:
                return True
    return False


def test_ctrl_c_while_another_desk_writes(visited: Nexio) -> None:
    """130, one line, and nothing half done: the visitor is not there, nor anything of it."""
    rows = visited.rows()
    store = visited.configuration.home / "nexio.db"
    with start(NEXIO, *registration(), stderr=subprocess.PIPE) as child:
        with holding_the_store(visited):
            until(lambda: opens(child.pid, store))
            child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=60)[1].splitlines()[-1].startswith("Error: ")
    assert child.returncode == 130
    assert visited.rows() == rows


def test_reading_does_not_wait_for_a_writer(visited: Nexio) -> None:
    """A list shows what is there although somebody else is in the middle of a change."""
    with holding_the_store(visited):
        assert "Zoë" in visited.done("visitor", "list").out
