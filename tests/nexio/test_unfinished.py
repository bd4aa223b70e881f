"""Files that are written temporary_folder: nothing of a writer that was killed stays."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nexio.keys.key_file import add_key, create_key_file
from nexio.unfinished import PREFIX, temporary_folder
from tests.support.cli.programs import run

HOLDS = """
import sys, time
from pathlib import Path
from nexio.unfinished import temporary_folder
with temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "backup.db").write_text("half")
    print(folder, flush=True)
    time.sleep(600)
"""


def start_one(place: Path) -> subprocess.Popen[str]:
    """A writer that is in the middle of it."""
    writer = subprocess.Popen(
        [sys.executable, "-c", HOLDS, place], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert PREFIX in writer.stdout.readline()
    return writer


def names(place: Path) -> list[str]:
    """What is there."""
    return sorted(path.name for path in place.iterdir())


def test_what_is_written_aside_is_gone_at_the_end(tmp_path: Path) -> None:
    """Whole or not at all, also after a fault; closed to others meanwhile."""
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("is_gone", [True, False], ids=["removed", "about to be removed"])
def test_somebody_who_tidies_up_finds_a_folder_that_nobody_holds_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_gone: bool
) -> None:
    """Then another one is made: whoever writes into it keeps it."""
    made: list[str] = []
    make = tempfile.mkdtemp
    with ExitStack() as stack:

        def lose_the_first(**options: Any) -> str:
            made.append(make(**options))
            if len(made) == 1 and is_gone:
                Path(made[0]).rmdir()
            elif len(made) == 1:
                held = os.open(made[0], os.O_RDONLY)
                stack.callback(os.close, held)
                fcntl.flock(held, fcntl.LOCK_EX)
            return made[-1]

        monkeypatch.setattr(tempfile, "mkdtemp", lose_the_first)
        with temporary_folder(tmp_path) as folder:
            assert [str(folder)] == made[1:]
            assert folder.is_dir()


def write_half(place: Path) -> None:
    """Begin, and fail."""
    with temporary_folder(place) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "backup.db").write_text("half")
        (folder / "backup.db-wal").write_text("half")
        raise ZeroDivisionError


def test_the_next_writer_removes_what_a_killed_one_has_left(programs: None, tmp_path: Path) -> None:
    """SIGKILL leaves no time to tidy up."""
    with start_one(tmp_path) as writer:
        writer.kill()
        assert writer.wait() == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    with temporary_folder(tmp_path) as folder:
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == []


def test_a_writer_that_lives_is_left_alone(programs: None, tmp_path: Path) -> None:
    """Two backups at once into one folder."""
    with start_one(tmp_path) as writer:
        with temporary_folder(tmp_path):
            pass
        (left,) = tmp_path.iterdir()
        assert (left / "backup.db").read_text() == "half"
        writer.kill()


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    """A name of ours that leads elsewhere is somebody else's trick."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("precious")
    (tmp_path / f"{PREFIX}link").symlink_to(precious)
    with temporary_folder(tmp_path):
        pass
    assert (precious / "file").read_text() == "precious"


def test_a_killed_backup_leaves_nothing_for_long(
    sqlite_environment: dict[str, str], tmp_path: Path
) -> None:
    """The real command: killed in the middle, then run once more."""
    place = tmp_path / "backups"
    place.mkdir()
    stopped = (
        "import os, signal, sys; from nexio_cli.main import main;"
        "import nexio.operations.backups as b; copy = b.copy_rows;"
        "b.copy_rows = lambda *args: (copy(*args), os.kill(os.getpid(), signal.SIGKILL));"
        "main(['db', 'backup', sys.argv[1]])"
    )
    command = [sys.executable, "-c", stopped, str(place / "a.db")]
    killed = subprocess.run(command, env=os.environ | sqlite_environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [name.startswith(PREFIX) for name in names(place)] == [True]
    assert run("nexio", "db", "backup", str(place / "b.db")).returncode == 0
    assert names(place) == ["b.db"]


def test_a_killed_change_of_keys_leaves_no_key_beside_the_key_file(
    programs: None, tmp_path: Path
) -> None:
    """What is left holds keys: the next change removes it."""
    create_key_file(tmp_path / "key")
    with start_one(tmp_path) as writer:
        writer.kill()
    add_key(tmp_path / "key")
    assert names(tmp_path) == ["key"]
