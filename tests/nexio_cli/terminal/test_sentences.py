"""Sentences that a person reads, whatever names and numbers are in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio_cli.terminal import options

if TYPE_CHECKING:
    from tests.support.cli.running import Nexio

DAY = """
visitor edit 1 --host Ann
visitor reschedule 1 --arrival now
visitor resend 1
token extend 1 --by 30m
checkin --visit 1
checkin --visit 1 --in
checkin undo 1
checkout --visit 1
token on
token off
explain zoe@example.com
settings show
visitor reissue 1 --yes
token revoke 2 --yes
visitor delete 2 --yes
visitor delete 2 --yes
member add --first-name Ana --last-name King,\u00a0Jr. --email ana@example.com
member remove 1 --yes
location add Pier\u00a0Ltd. --timezone Europe/London
nas add lobby\u00a0Inc. 192.0.2.1
doctor
""".strip().splitlines()
"""Commands that name a visitor, a member, a NAS or the location."""


def test_a_name_with_a_dot_ends_a_sentence(sqlite_desk: Nexio) -> None:
    """After "King, Jr." and "Harbour Ltd." there is one dot."""
    sqlite_desk.done("location", "edit", "Harbour House", "--name", "Harbour Ltd.")
    sqlite_desk.register(last_name="King, Jr.")
    said = [
        sqlite_desk(*(word.replace("\u00a0", " ") for word in typed.split(" "))) for typed in DAY
    ]
    text = "\n".join(ran.out + ran.err for ran in said)
    assert [line for line in text.splitlines() if ".." in line.replace("...", "")] == []
    assert "King, Jr." in text
    assert "Harbour Ltd." in text


def test_one_is_not_many(sqlite_desk: Nexio, zoe: object) -> None:
    """One PIN, one token."""
    for words in ("doctor", "settings show"):
        ran = sqlite_desk(*words.split())
        assert "1 PINs" not in ran.out + ran.err
        assert "with 1 PIN)" in ran.out + ran.err


def test_what_was_done_is_named_once(sqlite_desk: Nexio, zoe: object) -> None:
    """A deletion ends the Wi-Fi, too: that is no act of its own for who reads of it."""
    sqlite_desk.done("visitor", "delete", "1", "--yes")
    assert options.done == ["delete visit 1"]


def test_a_backup_into_no_folder(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """The hint makes the folder, and the same command works then."""
    typed = ("db", "backup", str(tmp_path / "no" / "such" / "backup.db"))
    hint = sqlite_desk(*typed).refused(5).partition("Hint:")[2].strip()
    assert hint == f"There is no folder {tmp_path}/no/such. Make it: mkdir -p {tmp_path}/no/such"
    Path(hint.rpartition(" ")[2]).mkdir(parents=True)
    sqlite_desk.done(*typed)


def test_the_mail_of_a_deleted_visit(sqlite_desk: Nexio, zoe: object) -> None:
    """R13: it waits in the outbox and does not go out; who looks is told so."""
    sqlite_desk.done("visitor", "delete", "1", "--yes")
    assert "does not go out: the visit was deleted" in sqlite_desk.done("mail", "list").out


@pytest.mark.parametrize("words", [["--search", "nobody"], ["--state", "deleted"]])
def test_no_visit_matches(sqlite_desk: Nexio, words: list[str]) -> None:
    """In plain words."""
    assert "No visit matches." in sqlite_desk.done("visitor", "list", *words).err
