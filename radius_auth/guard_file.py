"""What the processes of one host tell each other about guesses, and keep over a restart.

A small SQLite file to which each process appends what it did; the others read it from there.
It holds e-mails and devices, which are in the store in clear as well; no password, and nothing
that was made of one.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nexio.errors import StoreUnreachable
from radius_auth.budgets import DAY
from radius_auth.guesses import Act, Cleared, Guess, LetIn, Pool, Reservation, Returned
from radius_auth.spool_folder import make_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

BUSY_SECONDS = 5

GUESSES_KEPT = 2 * DAY
"""No budget looks further back."""

DEVICES_KEPT = 31 * DAY
"""No token is valid for longer."""

_KINDS: dict[str, type[Act]] = {
    "guess": Reservation,
    "returned": Returned,
    "let in": LetIn,
    "cleared": Cleared,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class GuardFile:
    """The file; it is made when something is written first.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = secrets.token_hex(8)
        self._read = 0

    def exists(self) -> bool:
        """Whether anything was ever written.

        Raises:
            StoreUnreachable: its folder is closed to us.
        """
        try:
            return self._path.exists()
        except OSError as error:
            raise self._unusable(error) from error

    def exchange(self, acts: Sequence[Act] = ()) -> list[Act]:
        """Append acts, and read what others have appended since the last call, in their order.

        Raises:
            StoreUnreachable: the file cannot be read or written; nothing was appended.
        """
        self._make()
        try:
            return self._exchange(acts)
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError as error:
            self._put_aside()
            raise self._unusable(error) from error

    def forget_old(self, now: float) -> None:
        """Remove what no budget looks at any more.

        Args:
            now: seconds since 1970.

        Raises:
            StoreUnreachable: the file cannot be written.
        """
        try:
            with self._opened() as connection, connection:
                connection.execute(
                    "DELETE FROM act WHERE at < ? AND kind <> 'let in'", (now - GUESSES_KEPT,)
                )
                connection.execute("DELETE FROM act WHERE at < ?", (now - DEVICES_KEPT,))
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def _exchange(self, acts: Sequence[Act]) -> list[Act]:
        with self._opened() as connection, connection:
            # One transaction, also to read: nothing is added between the rows and their end.
            connection.execute("BEGIN IMMEDIATE" if acts else "BEGIN")
            if acts:
                connection.executemany(
                    "INSERT INTO act (writer, kind, at, body) VALUES (?, ?, ?, ?)",
                    [(self._writer, *_row(act)) for act in acts],
                )
            rows = connection.execute(
                "SELECT number, kind, body FROM act WHERE number > ? AND writer <> ?"
                " ORDER BY number",
                (self._read, self._writer),
            ).fetchall()
            (last,) = connection.execute("SELECT max(number) FROM act").fetchone()
        # Lower than before: another file took the place of this one.
        self._read = last or 0
        return [act for _, kind, body in rows if (act := _act(kind, body)) is not None]

    def _make(self) -> None:
        try:
            make_file(self._path)
        except OSError as error:
            raise self._unusable(error) from error

    def _put_aside(self) -> None:
        """Guests come first: whoever wants to look finds what was in it."""
        aside = self._path.with_suffix(f".damaged-{secrets.token_hex(4)}")
        with suppress(OSError):
            self._path.rename(aside)
            log.error("the guard's file is damaged and is put aside as %s", aside)
        self._read = 0

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        uri = f"file:{quote(str(self._path))}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS act (number INTEGER PRIMARY KEY AUTOINCREMENT,"
                " writer TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL)"
            )
            yield connection

    def _unusable(self, error: Exception) -> StoreUnreachable:
        return StoreUnreachable(
            f"the guard's file {self._path} cannot be used: {error}",
            "Look at the rights on its folder and at the space on its disk.",
        )


def _row(act: Act) -> tuple[str, float, str]:
    at = act.reservation.at if isinstance(act, Returned) else act.at
    return _NAMES[type(act)], at, json.dumps(asdict(act))


def _act(kind: str, body: str) -> Act | None:
    """Read a row back; None where it is damaged, or of another version."""
    try:
        fields = json.loads(body)
        if kind == "guess":
            return _reservation(fields)
        if kind == "returned":
            return Returned(reservation=_reservation(fields["reservation"]))
        return _KINDS[kind](**fields)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _reservation(fields: dict[str, Any]) -> Reservation:
    guess = fields["guess"]
    return Reservation(
        guess=Guess(**{**guess, "tokens": tuple(guess["tokens"])}),
        at=float(fields["at"]),
        pool=Pool(fields["pool"]),
        tokens=tuple(fields["tokens"]),
    )
