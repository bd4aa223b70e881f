"""Errors of ``--json``: one object on stderr, with a code that stays, and the exit code as ever."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from nexio.errors import NexioError, Rule
from nexio_cli.main import CODES
from tests.support.cli.running import Nexio


def wrong(ran: Any, exit_code: int) -> dict[str, str]:
    """What the last line of stderr says, where stdout says nothing."""
    assert (ran.exit_code, ran.out) == (exit_code, ""), ran
    said: dict[str, str] = json.loads(ran.err.splitlines()[-1])
    assert list(said) == ["error", "code", "advice"]
    assert all(isinstance(each, str) for each in said.values())
    return said


@pytest.mark.parametrize(
    ("line", "exit_code", "code"),
    [
        ("visitor show 7", 3, "not-found"),
        ("visitor register --first-name R2 --last-name A --email a@example.com", 2, "invalid"),
        ("visitor list --state waiting", 2, "usage"),
        ("visitor list --loud", 2, "usage"),
        ("visitr list", 2, "usage"),
        ("visitor delete 1", 4, "refused"),
        ("visitor list --location Pier", 3, "not-found"),
        ("checkin 9999999", 4, "unknown-code"),
        ("radius test a@example.com 123456 --secret x --port 1 --server 127.0.0.1", 5, ""),
    ],
)
def test_an_error_is_an_object(
    line: str, exit_code: int, code: str, sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same exit code as without ``--json``, and nothing on stdout."""
    sqlite_desk.register_ago(timedelta(0))
    said = wrong(sqlite_desk(*line.split(), "--json"), exit_code)
    assert said["code"] == (code or "unreachable")
    assert said["error"]


def test_a_rule_has_a_code_of_its_own(sqlite_desk: Nexio) -> None:
    """A script can tell a guest who is registered twice from one whose day is over."""
    sqlite_desk.register_ago(timedelta(0))
    zoe = ["--first-name", "Z", "--last-name", "N", "--email", "zoe@example.com", "--json"]
    said = wrong(sqlite_desk("visitor", "register", *zoe), 4)
    assert said["code"] == "twice"
    assert said["advice"] == "If this is another visit, add --again."


def test_the_store_is_not_there(
    sqlite_nexio: Nexio, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Which of all that can be out of reach it is."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere/nexio.db")
    assert wrong(sqlite_nexio("visitor", "list", "--json"), 5)["code"] == "store-unreachable"


def test_a_fault_of_ours(sqlite_desk: Nexio, zoe: object) -> None:
    """Exit 1; the advice names the report."""
    sqlite_desk.sql("UPDATE visit SET registered_at = :text", text="Mars")
    said = wrong(sqlite_desk("visitor", "list", "--all", "--json"), 1)
    assert said["code"] == "fault"
    assert "faults" in said["advice"]


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[31mb", "\u202ea"])
def test_what_was_typed_stays_within_the_object(text: str, sqlite_desk: Nexio) -> None:
    """One line, which steers no terminal."""
    ran = sqlite_desk("visitor", "show", text, "--json")
    assert wrong(ran, 3)["code"] == "not-found"
    assert len(ran.err.splitlines()) == 1
    assert not any(character in ran.err for character in "\x1b\u202e")


def test_codes_are_told_apart() -> None:
    """No two faults share one."""

    def below(error: type[NexioError]) -> list[type[NexioError]]:
        return [error, *(each for sub in error.__subclasses__() for each in below(sub))]

    own = [each.code for each in below(NexioError) if "code" in vars(each)]
    codes = [*own, *CODES, *Rule]
    assert len(codes) == len(set(codes))
