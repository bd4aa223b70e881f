"""``nexio mail template``: a location's own texts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nexio.mail.texts import NAMES
from nexio_cli.commands import mail_template
from tests.support.cli.programs import Terminal, program
from tests.support.cli.running import Keyboard, Nexio, registration
from tests.support.mail_server import MailServer

OWN = "Subject: Come in, {visitorname}\n\nYour code is {visitorcode}.\nFor the tablet: {qrcode}\n"


def test_its_names() -> None:
    """The command line knows them without loading what is slow."""
    assert tuple(NAMES) == mail_template.NAMES


def test_what_is_shown_can_be_taken_as_it_is(sqlite_desk: Nexio) -> None:
    """It is no change, so there is no text of the location's own."""
    for name in NAMES:
        text = sqlite_desk.done("mail", "template", "show", name, "--language", "zh").out
        edit = ["mail", "template", "edit", name, "--language", "zh"]
        assert sqlite_desk.done(*edit, stdin=text).out == "Nothing was changed.\n"
        assert not sqlite_desk.done("mail", "template", "show", name, "--json").json["own"]


def test_a_text_of_ones_own_is_sent(
    desk: Nexio, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In its language and of its mail only, until it is reset."""
    monkeypatch.setenv("NEXIO_SMTP_URL", mail_server.url)
    monkeypatch.setenv("NEXIO_MAIL_FROM", "desk@example.com")
    file = tmp_path / "own.txt"
    file.write_text("\ufeff" + OWN.replace("\n", "\r\n"), "utf-8")
    edited = desk.done("mail", "template", "edit", "registered", str(file), "--json").json
    assert edited == {"template": "registered", "language": "en", "own": True, "text": OWN}
    assert desk.done("mail", "template", "show", "registered").out == OWN
    rows = [row.split("\t") for row in desk.done("mail", "template", "show").out.splitlines()]
    assert [(row[0], row[2]) for row in rows[1:]] == [
        (name, "en" if name == "registered" else "no") for name in NAMES
    ]
    pin = desk.register()["pin"]
    desk.done(*registration("--language", "de", "--again"))
    desk.done("mail", "template", "reset", "registered", "--yes")
    desk.register()
    own, german, reset = [each.message for each in mail_server.received]
    assert str(own["Subject"]) == "Come in, Zoë Nguyễn Văn"
    plain, html = own.get_body(("plain",)), own.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().startswith(f"Your code is {pin}.\nFor the tablet: NEXIO1:1:")
    assert "<img" in html.get_content()
    assert str(german["Subject"]).startswith("Ihr Besuch")
    assert str(reset["Subject"]).startswith("Your visit")


REFUSED = [
    ("registered", OWN + "{pin}", "{pin}", "{visitorcode}, {visitorname}, {hostname}"),
    ("arrived", OWN, "{visitorcode}, {qrcode}", "{arrivedat}"),
    ("cancelled", OWN, "{visitorcode}, {qrcode}", "{visitdate}"),
    ("registered", OWN.replace("{visitorname}", "{x}"), "{x}", "{visitorcode}"),
    ("registered", "Hello\n", "has no subject", "Subject: "),
    ("registered", "", "has no subject", "Subject: "),
    ("registered", "Subject: \n\nHello", "subject is empty", "reset"),
    ("registered", "Subject: Hello\n\n \n", "text below the subject is empty", "reset"),
    ("registered", OWN + "\x1b[2J", "control character U+001B", "Take it out"),
    ("registered", OWN + "\u202e", "control character U+202E", "Take it out"),
    ("registered", OWN + "x" * 20_000, "too long", "20000"),
]


def test_a_text_that_is_refused(sqlite_desk: Nexio) -> None:
    """Nothing is changed, and the hint says what may be there."""
    for name, text, wrong, advice in REFUSED:
        said = sqlite_desk("mail", "template", "edit", name, "-", stdin=text).refused(2)
        assert wrong in said.splitlines()[0]
        assert advice in said.splitlines()[1]
        assert not sqlite_desk.done("mail", "template", "show", name, "--json").json["own"]


def test_a_file_that_is_not_there_or_no_text(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Nothing is changed."""
    picture = tmp_path / "picture"
    picture.write_bytes(b"\x89PNG\xff")
    edit = ["mail", "template", "edit", "moved"]
    assert "there is no file" in sqlite_desk(*edit, str(tmp_path / "none")).refused(3).lower()
    assert "UTF-8" in sqlite_desk(*edit, str(picture)).refused(2)


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let $EDITOR be a program that runs some Python on its ``file``."""
    program = tmp_path / "editor.py"
    program.write_text(f"import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{code}\n", "utf-8")
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")


@pytest.mark.parametrize("stray", ["{visitorname", "{ visitorname }", "{{visitorname}}"])
def test_a_brace_that_is_left_over(sqlite_desk: Nexio, tmp_path: Path, stray: str) -> None:
    """It is refused: a guest would read it."""
    own = tmp_path / "own"
    own.write_text(f"Subject: Longer Wi-Fi\n\nHi {stray}, it is longer now.\n")
    said = sqlite_desk("mail", "template", "edit", "extended", str(own)).refused(2)
    assert "brace belongs to no placeholder" in said


def test_in_an_editor(sqlite_desk: Nexio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake is named, and what was typed is there when it is edited again."""
    edit = ["mail", "template", "edit", "extended", "--language", "fr"]
    editor(
        tmp_path,
        monkeypatch,
        "text = file.read_text('utf-8')\n"
        "file.write_text(text.replace('{pin}', '') if '{pin}' in text else text + 'À {pin}',"
        " 'utf-8')",
    )
    ran = sqlite_desk.done(*edit, stdin=Keyboard("\n"))
    assert "Nothing is known of {pin} in this mail" in ran.err
    assert "has a text of its own now (Français)" in ran.out
    text = sqlite_desk.done("mail", "template", "show", "extended", "--language", "fr").out
    assert text.endswith("\nÀ\n")


def test_an_editor_that_saves_nothing(
    sqlite_desk: Nexio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed."""
    editor(tmp_path, monkeypatch, "pass")
    ran = sqlite_desk.done("mail", "template", "edit", "moved", stdin=Keyboard())
    assert ran.out == "Nothing was changed.\n"


def test_a_preview(sqlite_desk: Nexio) -> None:
    """As text, as HTML that needs nothing else, and as JSON; nobody gets in with it."""
    sqlite_desk.done("settings", "set", "visitor-tokens=on", "ssid=Guests")
    for name in NAMES:
        shown = ["mail", "template", "preview", name]
        text, page = sqlite_desk.done(*shown).out, sqlite_desk.done(*shown, "--html").out
        assert text.startswith("Subject: ")
        assert "Ada Example" in text
        assert "{" not in text
        assert page.startswith("<!DOCTYPE html>")
        assert "cid:" not in page
        both = 2 if name in {"registered", "moved", "extended"} else 0
        assert page.count('src="data:image/png;base64,') == both
        as_json = sqlite_desk.done(*shown, "--json").json
        assert list(as_json) == ["template", "language", "subject", "text", "html"]
        assert text == f"Subject: {as_json['subject']}\n\n{as_json['text']}"


@pytest.mark.parametrize("has_browser", [True, False])
def test_a_preview_on_a_terminal(
    sqlite_desk: Nexio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_browser: bool
) -> None:
    """The browser of the machine shows it; where there is none, nexio says which file it is."""
    programs = tmp_path / "programs"
    programs.mkdir()
    if has_browser:
        opener = programs / "xdg-open"
        opener.write_text(
            f'#!/bin/sh\n/bin/cp "$1" {tmp_path}/seen.part\n'
            f"/bin/mv {tmp_path}/seen.part {tmp_path}/seen.html\n"
        )
        opener.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = f"PATH={programs} {program('nexio')} mail template preview moved --html"
    if has_browser:  # it is there after the command, as below the shell of a person
        command += f"; while ! [ -e {tmp_path}/seen.html ]; do sleep 0.05; done"
    with Terminal(("/bin/sh", "-c", command)) as terminal:
        assert terminal.end() == 0, terminal.shown
    said = "Your browser shows" if has_browser else "Open this page in a browser"
    assert said in terminal.shown
    (page,) = tmp_path.glob("tmp*.html")
    assert (
        page.read_text("utf-8")
        == sqlite_desk.done("mail", "template", "preview", "moved", "--html").out
    )
    if has_browser:
        assert (tmp_path / "seen.html").read_text("utf-8") == page.read_text("utf-8")


def test_a_reset_asks(sqlite_desk: Nexio) -> None:
    """A script says --yes; where there is nothing to drop, nobody is asked."""
    reset = ["mail", "template", "reset", "moved"]
    assert "had no text of its own" in sqlite_desk.done(*reset).out
    sqlite_desk.done("mail", "template", "edit", "moved", stdin=OWN)
    assert "--yes" in sqlite_desk(*reset).refused(4)
    assert "says what it says everywhere" in sqlite_desk.done(*reset, stdin=Keyboard("y\n")).out


def test_who_did_it(sqlite_desk: Nexio) -> None:
    """It is in the audit, without the text."""
    sqlite_desk.done("mail", "template", "edit", "moved", stdin=OWN)
    sqlite_desk.done("mail", "template", "reset", "moved", "--yes")
    done = sqlite_desk.done("audit", "--json").out
    assert "edit mail text" in done
    assert "reset mail text" in done
    assert "Come in" not in done
