"""Make a login for a visitor without an e-mail: a name that is unique at the location now."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Container

from sqlalchemy import select

from nexio.input.names import full_name
from nexio.locations.location import Location
from nexio.store.engine import Reading
from nexio.store.tables import VisitRow

_WITHOUT_ACCENT = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "\u0131": "i"}
    | {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
)


def free_login(
    work: Reading, location: Location, names: tuple[str, str], taken: Container[str] = ()
) -> str:
    """A name such as "ada.example", which can be typed on any telephone.

    Args:
        work: the read transaction.
        location: of the visit.
        names: first and last name.
        taken: logins given out in this transaction that are not in the store yet.
    """
    base = _plain(full_name(*names))
    numbered = (base if number == 1 else f"{base}{number}" for number in itertools.count(1))
    return next(
        name for name in numbered if name not in taken and not _is_used(work, location, name)
    )


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_WITHOUT_ACCENT))
    words = re.findall("[a-z]+", re.sub("[^a-z ]+", "", folded))
    return ".".join(words) or "guest"


def _is_used(work: Reading, location: Location, name: str) -> bool:
    used = select(VisitRow.id).where(
        VisitRow.location_id == location.id,
        VisitRow.email_key == name,
        VisitRow.deleted_at.is_(None),
        VisitRow.closes_at > work.now,
    )
    return work.session.scalar(used) is not None
