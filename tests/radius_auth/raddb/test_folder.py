"""Finding raddb and reading its files line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexio.errors import NotFound
from radius_auth.raddb.folder import enabled, find_raddb, find_setting, other_python, read_lines

EXAMPLE = """\
# a comment
log {
	auth_badpass = no   # and one behind a value
	file = "${logdir}/radius.log"
}
server outer {
	authorize {
		filter_username
		if (&User-Name) {
			reject
		} else {
			nexio
		}
		update request {
			&Tmp-String-0 := "x"
		}
	}
}
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A small file of configuration."""
    path = tmp_path / "example"
    path.write_text(EXAMPLE)
    return path


def test_lines(example: Path) -> None:
    """Settings, calls and sections are told apart, and comments left out."""
    lines = [(line.sections, line.name, line.value) for line in read_lines(example)]
    assert lines == [
        ((), "log", None),
        (("log",), "auth_badpass", "no"),
        (("log",), "file", "${logdir}/radius.log"),
        ((), "server outer", None),
        (("server outer",), "authorize", None),
        (("server outer", "authorize"), "filter_username", None),
        (("server outer", "authorize"), "if (&User-Name)", None),
        (("server outer", "authorize", "if (&User-Name)"), "reject", None),
        (("server outer", "authorize"), "else", None),
        (("server outer", "authorize", "else"), "nexio", None),
        (("server outer", "authorize"), "update request", None),
        (("server outer", "authorize", "update request"), "&Tmp-String-0", "x"),
    ]


def test_settings_are_filled_in(tmp_path: Path) -> None:
    """``${…}`` stands for a setting of the main file, which may have one in it."""
    main = "prefix = /usr\nlib = ${prefix}/lib\nlibdir = ${lib}/fr\nx = ${x}\ny = ${nowhere}\n"
    (tmp_path / "radiusd.conf").write_text(main)
    assert find_setting(tmp_path, "libdir") == "/usr/lib/fr"
    assert find_setting(tmp_path, "x") == "${x}"
    assert find_setting(tmp_path, "y") == "${nowhere}"
    assert find_setting(tmp_path, "user", "security") is None


def test_what_is_loaded(tmp_path: Path) -> None:
    """Files that FreeRADIUS passes over are no part of it: backups, hidden ones, dead links."""
    folder = tmp_path / "sites-enabled"
    folder.mkdir()
    for name in ("nexio", "nexio~", ".hidden", "a b"):
        (folder / name).touch()
    (folder / "dead").symlink_to("nowhere")
    assert enabled(tmp_path, "sites-enabled") == [folder / "nexio"]
    assert enabled(tmp_path, "mods-enabled") == []


def test_another_python(raddb: Path) -> None:
    """Wherever it is enabled, and only there; Debian's raddb has none."""
    assert other_python(raddb) == []
    (raddb / "mods-enabled" / "mine").symlink_to("../mods-available/python3")
    assert other_python(raddb) == ["mods-enabled/mine"]
    (raddb / "mods-enabled" / "mine").unlink()
    with (raddb / "radiusd.conf").open("a") as main:
        main.write("modules {\n python3 mine {\n }\n}\n")
    assert other_python(raddb) == ["radiusd.conf"]


def test_no_raddb(tmp_path: Path) -> None:
    """The folder that was named is the only one that is looked at."""
    with pytest.raises(NotFound, match=str(tmp_path)):
        find_raddb(tmp_path)
