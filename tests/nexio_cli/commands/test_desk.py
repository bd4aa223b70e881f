"""``nexio desk``: a link is printed, desks are listed and turned away."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.desks import open_link
from nexio.store.engine import Store
from tests.support.web.house import WRONG_ADDRESSES

if TYPE_CHECKING:
    from tests.support.cli.running import Nexio


def test_a_desk_is_linked_listed_and_turned_away(desk: Nexio) -> None:
    """The link is the answer, alone on stdout; a link that nobody opened is no desk."""
    url = "https://desk.example.com/"
    linked = desk.done("desk", "link", "--name", "Front desk", "--url", url)
    address, _, secret = linked.out.strip().partition("#")
    assert address == "https://desk.example.com/desk"
    assert "It logs one browser in as the desk Front desk of Harbour House, within 10" in linked.err
    assert "No desk is logged in" in desk.done("desk", "list").err
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        assert open_link(work, secret, "192.0.2.7") is not None

    assert "already" in desk("desk", "link", "--name", "front DESK").refused(4)
    listed = desk.done("desk", "list", "--json").json
    assert [(each["name"], each["seen_from"]) for each in listed] == [("Front desk", "192.0.2.7")]
    assert desk.done("desk", "list").out.splitlines()[1].startswith("Front desk\tHarbour House\t")
    assert "--yes" in desk("desk", "revoke", "Front desk").refused(4)
    done = desk.done("desk", "revoke", "FRONT desk", "--yes")
    assert done.out == "Front desk is turned away.\n"
    assert desk.done("desk", "list", "--json").json == []
    assert "There is no desk" in desk("desk", "revoke", "Front desk", "--yes").refused(3)


@pytest.mark.parametrize(("url", "words"), WRONG_ADDRESSES)
def test_a_link_past_tls_or_nowhere(sqlite_desk: Nexio, url: str, words: str) -> None:
    """As for a pass: what it logs in would go in clear, or nowhere. No password is shown."""
    said = sqlite_desk("desk", "link", "--url", url).refused(2)
    assert words in said
    assert "pw" not in said


def test_the_link_as_json(sqlite_desk: Nexio) -> None:
    """With the name that it got."""
    shape = sqlite_desk.done("desk", "link", "--json").json
    assert (shape["name"], shape["location"]) == ("Harbour House 1", "Harbour House")
    assert shape["link"].startswith("http://127.0.0.1:8080/desk#")
