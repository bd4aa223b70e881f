"""Keys, sealed values and digests."""

import base64
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.errors import KeyUnusable
from nexio.keys.key_file import create_key_file, load_keys
from nexio.keys.keyring import Keyring

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
OLD_LINE = f"0000aaaa {base64.b64encode(OLD).decode()}\n"
NEW_LINE = f"0000BBBB {base64.b64encode(NEW).decode()}\n"
KEYRING = Keyring.of({"0000aaaa": OLD, "0000bbbb": NEW}, "0000bbbb")


def key_file(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    """A file with that content and mode."""
    path = folder / "key"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


@given(st.text())
def test_what_was_sealed_is_unsealed(value: str) -> None:
    """Any text comes back, and no two seals of it are the same octets."""
    sealed = KEYRING.seal(value, "visit.pin")
    assert KEYRING.unseal(sealed, "visit.pin") == value
    assert KEYRING.seal(value, "visit.pin") != sealed


def test_a_sealed_value_starts_with_the_key_in_use() -> None:
    """So that a rotation can tell old from new."""
    assert KEYRING.seal("123456", "visit.pin")[:4].hex() == "0000bbbb"
    assert KEYRING.using("0000aaaa").seal("123456", "visit.pin")[:4].hex() == "0000aaaa"


def test_a_value_sealed_under_an_older_key_is_unsealed() -> None:
    """The file keeps the old key until everything is sealed anew."""
    sealed = KEYRING.using("0000aaaa").seal("123456", "visit.pin")
    assert KEYRING.unseal(sealed, "visit.pin") == "123456"


def test_a_value_cannot_be_moved_to_another_column() -> None:
    """Table and column are associated data."""
    sealed = KEYRING.seal("123456", "visit.pin")
    with pytest.raises(KeyUnusable, match=r"nas\.secret cannot be opened"):
        KEYRING.unseal(sealed, "nas.secret")


@given(st.data())
def test_a_damaged_value_is_refused(data: st.DataObject) -> None:
    """Cut off anywhere or with one bit turned, and never anything but our error."""
    sealed = KEYRING.seal("123456", "visit.pin")
    cut = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    turned = (int.from_bytes(sealed) ^ 1 << bit).to_bytes(len(sealed))
    for damaged in (sealed[:cut], turned):
        with pytest.raises(KeyUnusable):
            KEYRING.unseal(damaged, "visit.pin")


def test_a_value_of_an_unknown_key_is_refused() -> None:
    """It says so, rather than that the value is damaged."""
    other = Keyring.of({"0000cccc": OLD}, "0000cccc")
    with pytest.raises(KeyUnusable, match="a key that the key file does not hold"):
        KEYRING.unseal(other.seal("123456", "visit.pin"), "visit.pin")
    with pytest.raises(KeyUnusable, match="does not hold the key of this store"):
        KEYRING.using("0000cccc")


def test_a_digest_is_of_one_pin_one_location_and_one_key() -> None:
    """R7: equal PINs of a location are found; nothing else has the same digest."""
    digest = KEYRING.digest(1, "012345")
    assert digest == KEYRING.digest(1, "012345")
    assert len(digest) == 32
    others = {
        KEYRING.digest(1, "12345"),
        KEYRING.digest(2, "012345"),
        KEYRING.digest(10, "12345"),
        KEYRING.using("0000aaaa").digest(1, "012345"),
    }
    assert len(others | {digest}) == 5


def test_a_new_key_file_is_private_and_can_be_used(tmp_path: Path) -> None:
    """Mode 0600, one key, and a comment that says what it is."""
    path = tmp_path / "new" / "folder" / "key"
    create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("# The keys of a nexio store.")
    keyring = load_keys(path)
    assert list(keyring.keys) == [keyring.active]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """It may be the only copy."""
    path = key_file(tmp_path, OLD_LINE)
    create_key_file(path)
    assert path.read_text() == OLD_LINE


def test_a_key_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the place and another way."""
    with pytest.raises(KeyUnusable, match="cannot be written: Not a directory") as caught:
        create_key_file(key_file(tmp_path, "") / "below" / "key")
    assert "NEXIO_KEY_FILE" in caught.value.advice


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_key_file_for_its_owner_or_a_group_is_used(tmp_path: Path, mode: int) -> None:
    """0600, or 0640 for a group that shares it."""
    assert load_keys(key_file(tmp_path, OLD_LINE, mode)).active == "0000aaaa"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o601, 0o660, 0o620, 0o602, 0o777])
def test_a_key_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Readable by others, or writable by anybody but the owner."""
    with pytest.raises(KeyUnusable, match=rf"open to other users \(mode {mode:04o}\)") as caught:
        load_keys(key_file(tmp_path, OLD_LINE, mode))
    assert "chmod 600" in caught.value.advice


def test_several_keys_the_last_one_is_in_use(tmp_path: Path) -> None:
    """Comments and empty lines are skipped; ids are compared in lower case."""
    content = f"# old\n{OLD_LINE}\n  # new, since today\n{NEW_LINE}"
    keyring = load_keys(key_file(tmp_path, content))
    assert keyring.keys == {"0000aaaa": OLD, "0000bbbb": NEW}
    assert keyring.active == "0000bbbb"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# only a comment\n",
        "0000aaaa\n",
        f"0000aaaa {base64.b64encode(OLD[:16]).decode()}\n",
        f"0000aa {base64.b64encode(OLD).decode()}\n",
        f"0000aaaa {base64.b64encode(OLD).decode()} more\n",
        f"zzzzzzzz {base64.b64encode(OLD).decode()}\n",
        "0000aaaa !!!!\n",
        f"{OLD_LINE}nonsense\n",
        b"\x00\xff\xfe",
        "schlüssel\n",
    ],
    ids=[
        "empty",
        "comment",
        "id alone",
        "short key",
        "short id",
        "third word",
        "id not hex",
        "key not base64",
        "one good line",
        "binary",
        "not ASCII",
    ],
)
def test_what_is_no_key_file(tmp_path: Path, content: str | bytes) -> None:
    """All of it must be right; the message shows none of it."""
    path = key_file(tmp_path, content)
    with pytest.raises(KeyUnusable) as caught:
        load_keys(path)
    assert str(caught.value) == f"{path} is not a key file of nexio"
    assert "NEXIO_KEY_FILE" in caught.value.advice


def test_a_missing_key_file(tmp_path: Path) -> None:
    """The path, and both ways out."""
    with pytest.raises(KeyUnusable, match=f"there is no key file at {tmp_path}/key") as caught:
        load_keys(tmp_path / "key")
    assert "nexio init" in caught.value.advice
    assert "NEXIO_KEY_FILE" in caught.value.advice


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    """What the system says about it is passed on."""
    with pytest.raises(KeyUnusable, match="cannot be read: Is a directory"):
        load_keys(tmp_path)


def test_no_key_shows_in_a_repr_or_a_traceback(tmp_path: Path) -> None:
    """Neither octets nor base64, also not in the errors behind the error."""
    path = key_file(tmp_path, OLD_LINE)
    sealed = KEYRING.seal("123456", "visit.pin")
    shown = repr(load_keys(path))
    for attempt in (
        lambda: KEYRING.unseal(sealed, "nas.secret"),
        lambda: load_keys(key_file(tmp_path, OLD_LINE, 0o644)),
        lambda: load_keys(key_file(tmp_path, OLD_LINE + "x y z\n")),
    ):
        with pytest.raises(KeyUnusable) as caught:
            attempt()
        shown += "".join(traceback.format_exception(caught.value))
    encoded = base64.b64encode(OLD).decode()
    assert encoded[:8] not in shown
    assert repr(OLD)[2:20] not in shown
    assert "123456" not in shown
