"""What the desk does is as quick after years: every query goes by an index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listens_for, remove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cli.running import Nexio

GROWING = "visit|access_token|pin|check_in|outbox|audit|auth_event|wifi_session|device"
"""Tables with rows of years."""

WHOLE = re.compile(
    rf"SCAN ({GROWING})(?! USING (COVERING )?INDEX)(?!.*ORDER BY outbox.id DESC\s+LIMIT)", re.DOTALL
)
"""A scan that is no walk along an index, nor from the newest mail back to the end of the page."""

COMMANDS = [
    "visitor register --first-name Ada --last-name L --email ada@example.com --arrival now",
    "visitor list",
    "visitor list --search zoe",
    "visitor show zoe@example.com",
    "visitor edit 1 --notes ramp",
    "visitor reschedule 1 --arrival +1h",
    "visitor resend 1",
    "visitor reissue 1 --yes",
    "visitor delete 1 --yes",
    "token on",
    "token off --revoke --yes",
    "token list",
    "token extend 1 --by 5m",
    "token revoke 1 --yes",
    "checkin --visit 1",
    "checkin list",
    "checkout --visit 1",
    "today",
    "explain zoe@example.com",
    "log",
    "log --email zoe@example.com",
    "session list",
    "mail list",
]


@pytest.fixture
def plans(sqlite_desk: Nexio) -> Iterator[list[str]]:
    """How SQLite finds the rows of each statement from now on."""
    found: list[str] = []
    sqlite_desk.register()

    @listens_for(Engine, "before_cursor_execute")
    def explain(_: object, cursor: Any, statement: str, values: Any, *__: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            each = values[0] if isinstance(values, list) else values
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", each)
            found.extend(f"{row[3]}: {statement}" for row in rows)

    yield found
    remove(Engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_reads_no_whole_table(words: str, sqlite_desk: Nexio, plans: list[str]) -> None:
    """Nor does what it does beside."""
    if words.startswith("checkout"):
        sqlite_desk.done("checkin", "--visit", "1")
    ran = sqlite_desk(*words.split())
    assert ran.exit_code == 0, ran
    assert plans
    assert [plan for plan in plans if WHOLE.match(plan)] == []
