"""What it is all for, with the real programs: registered, on the Wi-Fi, deleted, off it again."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli.programs import free_port, program, run, serving, until

PIN = f"{secrets.randbelow(10**10):010}"
"""Ten digits: in no file by chance."""

WRONG = f"{secrets.randbelow(10**10):010}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that does not exist; its key is elsewhere."""
    monkeypatch.setenv("NEXIO_KEY_FILE", str(tmp_path / "etc" / "key"))
    monkeypatch.setenv("NEXIO_HOME", str(tmp_path / "nexio"))
    return tmp_path / "nexio"


def nexio(*words: str, stdin: str = "") -> str:
    """Run ``nexio`` as a process of its own, which must succeed; what it says on stdout."""
    ran = run("nexio", *words, stdin=stdin)
    assert ran.returncode == 0, ran
    return ran.stdout


def register(email: str, *words: str, stdin: str = "") -> Any:
    """Register a visitor for now."""
    named = ["--first-name", "Zoë", "--last-name", "Nguyễn Văn", "--email", email]
    return json.loads(nexio("visitor", "register", *named, "--json", *words, stdin=stdin))


def radclient(port: int, secret: str, email: str, pin: str) -> str:
    """Ask with FreeRADIUS's own client."""
    attributes = f'User-Name = "{email}", User-Password = "{pin}", Message-Authenticator = 0x00'
    asked = subprocess.run(
        ["radclient", "-x", "-r", "1", f"127.0.0.1:{port}", "auth", secret],
        input=attributes,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return asked.stdout


def found_in(folder: Path, words: list[str]) -> list[tuple[str, str]]:
    """Which of the words stand in which file, in clear."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "nexio.db" for path in files)
    contents = [(path.name, path.read_bytes()) for path in files]
    return [(name, word) for name, octets in contents for word in words if word.encode() in octets]


def test_the_main_job(programs: None, home: Path) -> None:
    """From ``nexio init`` to a deleted visitor who is refused, with what the log says of it."""
    nexio("init", "--location", "Harbour House", "--timezone", "Europe/London")
    nexio("settings", "set", "pin-length=10")
    nexio("token", "on", "--duration", "60m")
    secret = json.loads(nexio("nas", "add", "this-machine", "127.0.0.1", "--json"))["secret"]
    drawn = register("ada@example.com")["pin"]
    port = free_port()
    words = ["--listen", "127.0.0.1", "--auth-port", str(port), "--reject-delay", "0"]
    log_in = ["radius", "test", "--port", str(port), "ada@example.com"]
    with serving(program("nexio-radiusd"), *words) as lines:
        answer = json.loads(nexio(*log_in, "-", "--json", stdin=drawn + "\n"))
        assert answer["outcome"] == "accept"
        assert 3400 < answer["session_timeout"] <= 3600

        wrong = run("nexio", *log_in, WRONG, "--json")
        assert (wrong.returncode, json.loads(wrong.stdout)["outcome"]) == (4, "reject")
        assert json.loads(wrong.stdout)["reply_message"] is None

        # Registered while the server runs, with a PIN that was sent by somebody else.
        assert register("zoe@example.com", "--pin", "-", stdin=PIN + "\n")["pin"] == PIN
        until(lambda: "Access-Accept" in radclient(port, secret, "zoe@example.com", PIN))
        said = radclient(port, secret, "zoe@example.com", PIN)
        assert "Session-Timeout = 3" in said
        assert "Access-Reject" in radclient(port, secret, PIN, "zoe@example.com")

        nexio("visitor", "delete", "ada@example.com", "--yes")
        until(lambda: "Access-Reject" in radclient(port, secret, "ada@example.com", drawn))
        refused = run("nexio", *log_in, drawn)
        assert refused.returncode == 4
        assert "This visit was cancelled." in refused.stdout

    decisions = json.loads(nexio("log", "--json"))
    told = [(event["user_name"], event["outcome"], event["reason"]) for event in decisions]
    assert told[:2] == [
        ("ada@example.com", "accept", "valid"),
        ("ada@example.com", "reject", "wrong PIN"),
    ]
    assert ("zoe@example.com", "accept", "valid") in told
    assert ("******", "reject", "unknown user") in told
    assert told[-1] == ("ada@example.com", "reject", "deleted")
    assert {event["nas"] for event in decisions} == {"this-machine"}
    assert found_in(home, [PIN, WRONG, drawn, secret]) == []
    assert not any(word in line for line in lines for word in (PIN, WRONG, drawn, secret))
