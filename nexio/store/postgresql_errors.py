"""What an error of PostgreSQL's means to whoever has to mend it."""

from __future__ import annotations

import psycopg
from psycopg import errors
from sqlalchemy import URL


def advice_for(error: BaseException | None, url: URL) -> str:
    """What to do about an error of psycopg's."""
    shown = url.difference_update_query(["password", "sslpassword"])
    place = shown.render_as_string(hide_password=True)
    for kind, advice in _ADVICE:
        if isinstance(error, kind):
            names = {"place": place, "user": url.username or "USER"}
            return advice.format(
                **names, database=url.database or "DATABASE", schema=_schema(str(error))
            )
    if "FATAL" in str(error):
        return f"PostgreSQL answers: look at user, password and database in {place}."
    return f"Is PostgreSQL answering at {place}?"


_GRANT = (
    'As its owner: psql {database} -c \'GRANT USAGE, CREATE ON SCHEMA {schema} TO "{user}";'
    ' GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO "{user}";'
    ' GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO "{user}"\''
)
_DRIFT = "The tables are not as they should be: nexio db check says how."
_ADVICE: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.InsufficientPrivilege, _GRANT),
    (errors.InvalidSchemaName, _GRANT),  # it may not see the schema that is there
    (errors.ReadOnlySqlTransaction, "{place} is a standby, which only reads: name the primary."),
    (errors.LockNotAvailable, "Somebody else changes the store at this moment: try again soon."),
    (errors.UndefinedTable, _DRIFT),
    (errors.UndefinedColumn, _DRIFT),
    (errors.DiskFull, "Make room on the disk of {place}."),
)


def _schema(message: str) -> str:
    """The last word of "permission denied for schema public", in any language; else "public"."""
    words = message.strip().splitlines()[0].split()
    is_named = "schema" in [word.lower() for word in words[-2:]]
    return words[-1].strip("»«\"'.") if is_named else "public"
