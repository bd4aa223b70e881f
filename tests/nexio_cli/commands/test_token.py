"""``nexio token``: the toggle, the list, the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.cli.running import Nexio
from tests.support.cli.visits import LISTED_KEYS, window


def tokens(desk: Nexio, *words: str) -> list[tuple[int, str]]:
    """The visits and the states of the listed tokens."""
    listed = desk.done("token", "list", "--json", *words).json
    return [(token["visit"], token["state"]) for token in listed]


def test_off_at_first(sqlite_nexio: Nexio) -> None:
    """R3: a new location gives nobody a token, and registering says how to turn it on."""
    sqlite_nexio.done("location", "add", "Harbour House", "--timezone", "Europe/London")
    assert sqlite_nexio.register()["token"] is None
    assert (
        "nexio token on"
        in sqlite_nexio.done(
            "visitor",
            "register",
            "--first-name",
            "Ada",
            "--last-name",
            "L",
            "--email",
            "a@example.com",
        ).err
    )


def test_on_with_a_duration(sqlite_desk: Nexio) -> None:
    """R2: the duration is copied into the token; a change counts from then on."""
    assert window(sqlite_desk.register()) == timedelta(hours=1)
    assert "8 hours" in sqlite_desk.done("token", "on", "--duration", "8h").out
    assert window(sqlite_desk.register(email="ada@example.com")) == timedelta(hours=8)
    assert window(sqlite_desk.done("visitor", "show", "1", "--json").json) == timedelta(hours=1)
    assert sqlite_desk.done("settings", "show", "--json").json["token-duration"] == "8h"


@pytest.mark.parametrize("duration", ["60", "1.5h", "0m", "31d", "soon", "-5m"])
def test_a_duration_that_cannot_be_read(duration: str, sqlite_desk: Nexio) -> None:
    """Exit 2, and nothing is turned on either."""
    sqlite_desk.done("token", "off")
    sqlite_desk("token", "on", "--duration", duration).refused(2)
    assert not sqlite_desk.done("settings", "show", "--json").json["visitor-tokens"]


def test_off_leaves_issued_tokens(desk: Nexio, zoe: object) -> None:
    """R4: who has a token keeps it; who is registered later gets none; on again gives none."""
    desk.done("token", "off")
    assert desk.register(email="ada@example.com")["token"] is None
    assert (
        "1 registered visitor has no Wi-Fi yet: nexio visitor reissue --without-token"
        in desk.done("token", "on").err
    )
    assert tokens(desk) == [(1, "valid")]


def test_off_and_revoke(desk: Nexio, zoe: object) -> None:
    """R4: with --revoke the issued ones end too, the upcoming ones as well."""
    desk.register("--arrival", "+2h", email="ada@example.com")
    ran = desk.done("token", "off", "--revoke", "--yes")
    assert "Tokens revoked: 2." in ran.err
    assert tokens(desk) == [(1, "revoked"), (2, "revoked")]
    assert "Tokens revoked: 0." in desk.done("token", "off", "--revoke", "--yes").err


def test_revoke_at_one_location_only(desk: Nexio) -> None:
    """The guests of another location keep theirs."""
    desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    desk.done("token", "on", "--location", "Annex")
    for place in ("Annex", "Harbour House"):
        desk.register("--location", place)
    desk.done("token", "off", "--revoke", "--yes", "--location", "Annex")
    assert tokens(desk, "--location", "Harbour House") == [(2, "valid")]


def test_the_list_by_state(desk: Nexio) -> None:
    """Each state alone, and all together; the JSON names its holder."""
    desk.register_ago(timedelta(hours=3))
    desk.register(email="ada@example.com")
    desk.register("--arrival", "+2h", email="bob@example.com")
    desk.register(email="eve@example.com")
    desk.done("token", "revoke", "--yes", "eve@example.com")
    for number, state in enumerate(["expired", "valid", "upcoming", "revoked"], 1):
        assert tokens(desk, "--state", state) == [(number, state)]
    assert sorted(number for number, _ in tokens(desk)) == [1, 2, 3, 4]
    listed = desk.done("token", "list", "--json").json
    assert [list(token) for token in listed] == [LISTED_KEYS] * 4
    assert len(desk.done("token", "list").out.splitlines()) == 5


def test_an_empty_list(sqlite_desk: Nexio) -> None:
    """A script reads an empty array; a person is told how to turn tokens on."""
    assert sqlite_desk.done("token", "list", "--json").json == []
    assert "nexio token on" in sqlite_desk.done("token", "list").err


def test_revoke_one(desk: Nexio, zoe: object) -> None:
    """The Wi-Fi ends, the visit stays; a second time there is nothing to do: exit 4."""
    revoked = desk.done("token", "revoke", "--yes", "ZOE@example.com", "--json").json
    assert list(revoked) == LISTED_KEYS
    assert revoked["state"] == "revoked"
    assert desk.done("visitor", "show", "1", "--json").json["state"] == "expected"
    desk("token", "revoke", "--yes", "1").refused(4)


def test_revoke_without_a_token(sqlite_desk: Nexio) -> None:
    """Exit 4, and the store is as before; nobody: exit 3."""
    sqlite_desk.done("token", "off")
    sqlite_desk.register()
    rows = sqlite_desk.rows()
    assert "no access token" in sqlite_desk("token", "revoke", "--yes", "1").refused(4)
    sqlite_desk("token", "revoke", "--yes", "99").refused(3)
    assert sqlite_desk.rows() == rows
