"""A session of the store while records are merged into it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from nexio.store.tables import WifiSessionRow

_ALL: Final = tuple(column.name for column in WifiSessionRow.__table__.columns)
ABOUT_DISCONNECTS: Final = tuple(
    name for name in _ALL if name == "error_cause" or name.startswith("disconnect_")
)
COLUMNS: Final = tuple(name for name in _ALL if name != "id" and name not in ABOUT_DISCONNECTS)
"""What accounting tells of a session."""


class KeptSession:
    """The columns of one row of ``wifi_session``.

    Not an object of the ORM: its notice of each change costs more than everything else that is
    done with a record (``python -m benchmarks.recording``).
    """

    __slots__ = (*COLUMNS, "is_new")

    def __init__(self, values: Iterable[Any], *, is_new: bool) -> None:
        for name, value in zip(COLUMNS, values, strict=True):
            setattr(self, name, value)
        self.is_new: bool = is_new

    if TYPE_CHECKING:  # the types are those of the table
        started_at: datetime
        heard_at: datetime
        interval: int | None
        ended_at: datetime | None
        ended_by: str | None
        counted_at: datetime | None
        last_seconds: int
        token_id: int | None

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...


values_of: Final = attrgetter(*COLUMNS)
"""Of a session, in the order of the columns."""
