"""``nexio kiosk``: tablets are paired, listed and turned away."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.offline_taps import Delivery, Shown, Why, show_to_reception
from nexio.checkin.tablets import (
    answer,
    code_of,
    find_tablet,
    new_secret,
    note_seen,
    pair_at_once,
)
from nexio.locations.locations import get_location
from nexio.store.engine import Store
from nexio_cli.commands import kiosk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cli.running import Nexio


@contextmanager
def asking(desk: Nexio) -> Iterator[str]:
    """A tablet that shows a code, and asks until somebody has typed it."""
    secret, ends = new_secret(), threading.Event()
    with closing(Store.open(desk.configuration)) as store:
        with store.read() as work:
            code = code_of(work, secret)

        def ask() -> None:
            credential = None
            while credential is None and not ends.wait(0.05):
                with store.write() as work:
                    credential = answer(work, secret)
            if credential is not None:
                with store.write() as work:
                    tablet = find_tablet(work, credential)
                    assert tablet is not None
                    note_seen(work, tablet.id, "192.0.2.40")

        tablet = threading.Thread(target=ask)
        tablet.start()
        try:
            yield code
        finally:
            ends.set()
            tablet.join()


def test_a_tablet_is_paired_listed_and_turned_away(desk: Nexio) -> None:
    """By its code in any case; a name is made where none is given, and is taken once."""
    with asking(desk) as code:
        paired = desk.done("kiosk", "pair", code.lower().replace("-", ""), "--json").json
    assert (paired["name"], paired["location"]) == ("Harbour House 1", "Harbour House")
    with asking(desk) as code:
        done = desk.done("kiosk", "pair", code, "--name", "Front door")
    assert done.out == "Front door is paired: it checks people in and out at Harbour House.\n"

    listed = desk.done("kiosk", "list", "--json").json
    assert [each["name"] for each in listed] == ["Front door", "Harbour House 1"]
    assert [each["seen_from"] for each in listed] == ["192.0.2.40"] * 2
    assert desk.done("kiosk", "list").out.splitlines()[1].startswith("Front door\tHarbour House\t")

    refused = desk("kiosk", "pair", "BCDF-GHJK", "--name", "front DOOR").refused(4)
    assert "there is a tablet 'front DOOR' already" in refused.replace("There", "there")
    assert "--yes" in desk("kiosk", "revoke", "Front door").refused(4)
    done = desk.done("kiosk", "revoke", "FRONT door", "--yes")
    assert done.out == "Front door is turned away.\n"
    assert "There is no tablet" in desk("kiosk", "revoke", "Front door", "--yes").refused(3)
    assert [each["id"] for each in desk.done("kiosk", "list", "--json").json] == [paired["id"]]


def test_nobody_shows_the_code(sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and the offer is taken back."""
    monkeypatch.setattr(kiosk, "PATIENCE", 0.3)
    refused = sqlite_desk("kiosk", "pair", "WDJB-MJHT").refused(3)
    assert "No tablet has answered that shows this code" in refused
    assert sqlite_desk.done("kiosk", "list", "--json").json == []
    assert "Open /kiosk of nexio-webd" in sqlite_desk.done("kiosk", "list").err


@pytest.mark.parametrize("code", ["123456", "WDJB", "AEIO-UAEI", ""])
def test_what_is_no_code(sqlite_desk: Nexio, code: str) -> None:
    """Letters that no code has, or too few."""
    assert "This is not the code of a tablet" in sqlite_desk("kiosk", "pair", code).refused(2)


def test_taps_that_reception_looks_at(desk: Nexio) -> None:
    """Listed with the reason, until they are put aside."""
    assert desk.done("kiosk", "taps", "--json").json == []
    with closing(Store.open(desk.configuration)) as store:
        with store.write() as work:
            tablet = find_tablet(work, pair_at_once(work, get_location(work, None)))
        assert tablet is not None
        with store.write() as work:
            delivery = Delivery(id="0" * 32, letter="", sent_at=work.now)
            show_to_reception(work, tablet, delivery, Shown(Why.OLD))
    (listed,) = desk.done("kiosk", "taps", "--json").json
    assert (listed["why"], listed["visit"], listed["at"]) == ("old", None, None)
    assert "older than 12 hours" in desk.done("kiosk", "taps").out
    assert desk.done("kiosk", "settle", str(listed["id"])).out == "1 tap put aside.\n"
    assert desk.done("kiosk", "taps", "--json").json == []
    assert "No tap" in desk("kiosk", "settle", "1").refused(3)
