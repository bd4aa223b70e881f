"""Saves the table on a server's own disk, and loads it at a start without the store.

A file consists of its mark, its own random name, and parts.  The first part identifies the store;
then comes the whole table, and after that the changes since.  Each part is encrypted with the key
of the store.  Name and number of a part are authenticated with it, so none can be changed, left
out in the middle, or taken from another file.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import secrets
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from datetime import time as time_of_day
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from nexio.clock import utc_now
from nexio.errors import KeyUnusable, NexioError
from nexio.input.durations import words_for
from nexio.input.reply_settings import ReplySetting
from nexio.keys.keyring import ID_OCTETS
from nexio.keys.ownership import load_trusted_keys
from nexio.keys.purposes import SAVED_TABLE
from nexio.locations.location import Location
from nexio.locations.settings import Settings
from nexio.network.following import FollowedVisit, Position
from nexio.network.nas_entry import Nas
from nexio.store.spool_folder import make_folder, put_aside
from radius_auth.replica.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from radius_auth.replica.table import Change

log = logging.getLogger(__name__)

WHAT: Final = "the kept table"

MARK: Final = b"nexio table 1\n"
NAME_OCTETS: Final = 16
AT_ONCE: Final = 500
"""Visits in one part."""

LARGE: Final = 2**20
"""Octets of changes that even a small table may have."""

LONGEST_REST: Final = 0.05
"""Maximum seconds of the pause between two parts, in which other threads of the process run."""

FUTURE: Final = timedelta(minutes=1)
"""How much a clock may have been set back since the table was followed."""

_LENGTH: Final = struct.Struct("!I")


class Part(IntEnum):
    """The kind of a part."""

    STORE = 1
    """The shape of the values that follow, and the store's epoch."""

    PLACES = 2
    """All locations and all NAS, or None for those that have not changed."""

    VISITS = 3
    GONE = 4
    """Numbers of visits."""

    FOLLOWED = 5
    """The store's revision and when it was followed; the first one completes the table."""


class Unusable(Exception):
    """A file that must not be used; its text is the reason, such as "is damaged"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTable:
    """The content of a file."""

    table: Table
    position: Position
    followed_at: datetime

    def age(self, now: datetime) -> timedelta:
        """Time since the store was last followed."""
        return now - self.followed_at


def read_saved_table(path: Path, keyring: Keyring) -> SavedTable | None:
    """The table of a file; None if there is no file.

    Args:
        path: the file.
        keyring: all keys of the key file.

    Raises:
        Unusable: it is damaged, of another key, or of another version of this software.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _read(file, keyring)
    except FileNotFoundError:
        return None


def find_saved_table(
    path: Path, configuration: Configuration, max_staleness: timedelta
) -> SavedTable | None:
    """The table to start with; None if there is none, or it is too old to answer guests by.

    An unusable file is put aside, with a line in the log.
    """
    try:
        saved = read_saved_table(path, load_trusted_keys(configuration))
    except NexioError:
        return None  # without the key; the missing store is reported first
    except Unusable as error:
        put_aside(path, f"{WHAT} {path}", str(error))
        return None
    except OSError as error:
        log.error("%s cannot be read: %s", WHAT, error)  # noqa: TRY400 - that says it all
        return None
    if saved is None:
        return None
    age = saved.age(utc_now())
    if -FUTURE <= age <= max_staleness:
        return saved
    old = f"was followed {words_for(age)} ago" if age > FUTURE else "is of the future"
    log.error("%s %s %s: guests are not answered by it", WHAT, path, old)
    return None


def put_strange_aside(path: Path, keyring: Keyring, epoch: str) -> None:
    """Put a file aside that is of another store, or of a backup of this one, or unusable."""
    try:
        with path.open("rb") as file:
            found = next(_Parts(file, keyring), (0, ""))[1]
    except Unusable as error:
        put_aside(path, f"{WHAT} {path}", str(error))
    except OSError:
        pass  # there is none, or it is another user's: writing will report that
    else:
        if found != epoch:
            put_aside(path, f"{WHAT} {path}", "is of another epoch of the store")


class SavedTableFile:
    """A file with a whole table, to which changes are appended.

    Args:
        path: where it is.
        file: open at its end.
        seal: encrypts the changes.
    """

    def __init__(self, path: Path, file: BinaryIO, seal: _Sealer) -> None:
        self._path = path
        self._file = file
        self._seal = seal
        self._base = file.tell()
        self._size = self._base

    @classmethod
    def write(cls, path: Path, saved: SavedTable, visits: Iterable[FollowedVisit]) -> Self:
        """Write a whole table, slowly, to a new file that is renamed once it is on the disk.

        Args:
            path: where it is to be.
            saved: its table gives locations, NAS and keys.
            visits: the visits of its table at that position.

        Raises:
            OSError: it cannot be written; the previous file stays.
        """
        make_folder(path.parent)
        aside = path.with_suffix(".table-new")
        with suppress(FileNotFoundError):
            aside.unlink()
        seal = _Sealer(secrets.token_bytes(NAME_OCTETS), saved.table.keyring)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        file = os.fdopen(os.open(aside, flags, 0o600), "wb")
        try:
            file.write(MARK + seal.name)
            for octets in _whole(seal, saved, list(visits)):
                file.write(octets)
            file.flush()
            os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            _close(file)
            with suppress(OSError):
                aside.unlink()
            raise
        return cls(path, file, seal)

    @property
    def has_grown(self) -> bool:
        """Whether the changes take more room than the table did."""
        return self._size - self._base > max(self._base, LARGE)

    @property
    def is_in_place(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def add(self, changes: Sequence[Change], position: Position, followed_at: datetime) -> None:
        """Append changes.

        Raises:
            OSError: it cannot be written; the end of the file may be cut off.
        """
        for part in chain.from_iterable(map(_parts_of, changes)):
            self._file.write(self._seal(*part))
        self._file.write(_followed(self._seal, position, followed_at))
        self._file.flush()
        self._size = self._file.tell()

    def close(self) -> None:
        """Close the file."""
        _close(self._file)


def _close(file: BinaryIO) -> None:
    with suppress(OSError):  # the disk is full: the unwritten rest is not needed
        file.close()


def _whole(seal: _Sealer, saved: SavedTable, visits: Sequence[FollowedVisit]) -> Iterator[bytes]:
    table = saved.table
    keys = table.keyring
    yield seal(Part.STORE, SHAPE, saved.position.epoch, keys.active, keys.second)
    yield seal(Part.PLACES, tuple(table.locations.values()), table.nas.entries)
    for some in _in_parts(visits):
        began = time.monotonic()
        yield seal(Part.VISITS, [visit[:] for visit in some])
        time.sleep(min(LONGEST_REST, time.monotonic() - began))
    yield _followed(seal, saved.position, saved.followed_at)


def _followed(seal: _Sealer, position: Position, at: datetime) -> bytes:
    return seal(Part.FOLLOWED, position.number, at.timestamp())


def _parts_of(change: Change) -> Iterator[tuple[Any, ...]]:
    if change.locations is not None or change.nas is not None:
        yield Part.PLACES, change.locations, change.nas
    for values in _in_parts(change.visits):
        yield Part.VISITS, [visit[:] for visit in values]
    if change.gone:
        yield Part.GONE, list(change.gone)


def _in_parts(visits: Sequence[FollowedVisit]) -> Iterator[Sequence[FollowedVisit]]:
    for first in range(0, len(visits), AT_ONCE):
        yield visits[first : first + AT_ONCE]


class _Sealer:
    """Encrypts one part after the other."""

    def __init__(self, name: bytes, keyring: Keyring) -> None:
        self.name = name
        self._keyring = keyring
        self._number = 0

    def __call__(self, kind: Part, *values: Any) -> bytes:
        body = pickle.dumps((int(kind), *values), pickle.HIGHEST_PROTOCOL)
        sealed = self._keyring.seal_octets(body, _purpose(self.name, self._number))
        self._number += 1
        return _LENGTH.pack(len(sealed)) + sealed


def _purpose(name: bytes, number: int) -> str:
    return f"{SAVED_TABLE}.{name.hex()}.{number}"


class _Parts:
    """The parts of a file, one after the other.

    Args:
        file: open at its beginning.
        keyring: all keys of the key file.
    """

    def __init__(self, file: BinaryIO, keyring: Keyring) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._number = 0
        head = file.read(len(MARK) + NAME_OCTETS)
        if not head.startswith(MARK) or len(head) < len(MARK) + NAME_OCTETS:
            raise Unusable("is damaged")
        self._name = head[len(MARK) :]
        key = file.read(_LENGTH.size + ID_OCTETS)[_LENGTH.size :]
        file.seek(len(head))
        if key.hex() not in keyring.keys:
            raise Unusable("is of another key" if len(key) == ID_OCTETS else "is damaged")
        self.keyring = keyring.using(key.hex())  # until the first part names the keys in use

    def __iter__(self) -> Iterator[tuple[int, *tuple[Any, ...]]]:
        return self

    def __next__(self) -> tuple[Any, ...]:
        octets = self._next_octets()
        try:
            part = _load(self.keyring.unseal_octets(octets, _purpose(self._name, self._number)))
        except KeyUnusable:
            raise Unusable("is damaged") from None
        if not self._number:
            kind, shape, epoch, *keys = part
            if kind != Part.STORE or shape != SHAPE:
                raise Unusable("is of another version of this software")
            part = (kind, epoch)
            try:
                self.keyring = self.keyring.using(*keys)
            except KeyUnusable:
                raise Unusable("is of another key") from None
        self._number += 1
        return part

    def _next_octets(self) -> bytes:
        """The octets of the next part; the last part of a file may be incomplete.

        After a power loss it may end in zeros.
        """
        begin = self._file.tell()
        head = self._file.read(_LENGTH.size)
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        if not length:
            self._file.seek(begin)
            if any(self._file.read()) and len(head) == _LENGTH.size:
                raise Unusable("is damaged")
            raise StopIteration
        if begin + _LENGTH.size + length > self._size:
            raise StopIteration
        return self._file.read(length)


def _read(file: BinaryIO, keyring: Keyring) -> SavedTable:
    parts = _Parts(file, keyring)
    epoch = next(parts, (0, ""))[1]
    table, followed = Table(parts.keyring), None
    for kind, *values in parts:
        if kind == Part.PLACES:
            table.set_places(*values)
        elif kind == Part.VISITS:
            table.put(map(FollowedVisit._make, values[0]))
        elif kind == Part.GONE:
            table.drop(values[0])
        else:
            followed = values
    if followed is None:
        raise Unusable("is damaged")
    number, at = followed
    return SavedTable(
        table=table,
        position=Position(epoch=epoch, number=number),
        followed_at=datetime.fromtimestamp(at, UTC),
    )


_CLASSES: Final = (
    *(FollowedVisit, Location, Settings, ReplySetting, Nas),
    *(IPv4Address, IPv6Address, IPv4Network, IPv6Network),
    *(datetime, time_of_day, timedelta, timezone),
)
_BY_NAME: Final = {(each.__module__, each.__qualname__): each for each in _CLASSES}


def _shape() -> str:
    """The shape of the values, which may differ in another version of this software."""
    ours = (FollowedVisit, Location, Settings, ReplySetting, Nas)
    annotations = [
        [f"{name}: {kind}" for name, kind in each.__annotations__.items()] for each in ours
    ]
    return repr((annotations, sorted(_BY_NAME)))


SHAPE: Final = _shape()


class _Unpickler(pickle.Unpickler):
    """Reads only our values, so that nobody who has the key can run code here."""

    def find_class(self, module: str, name: str) -> Any:
        """One of the classes of our values."""
        found = _BY_NAME.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"{module}.{name} is none of our values")
        return found


def _load(octets: bytes) -> tuple[Any, ...]:
    try:
        part: tuple[Any, ...] = _Unpickler(io.BytesIO(octets)).load()
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, EOFError) as error:
        raise Unusable("is of another version of this software") from error
    return part
