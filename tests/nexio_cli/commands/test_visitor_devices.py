"""``nexio visitor devices``, ``register --devices``, and what ``explain`` says of a limit (R18)."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nexio.clock import utc_now
from nexio.network.accounting_records import Status
from nexio.network.devices import take_slots
from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from nexio_cli.terminal import session_view
from tests.support.accounting import record, tell
from tests.support.cli.running import registration

if TYPE_CHECKING:
    from tests.support.cli.running import Nexio

PHONE, LAPTOP, TABLET = "02:00:00:00:00:01", "f0:de:f1:00:00:02", "02:00:00:00:00:03"
KEYS = ["device", "first_at", "last_at", "randomised", "counts", "freed_at"]


def take(desk: Nexio, *macs: str) -> list[bool]:
    """What a server does at the first login of each device at visit 1."""
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        return list(take_slots(work, [(1, mac) for mac in macs]).values())


def on_wifi(desk: Nexio, mac: str) -> None:
    """A session of visit 1, which began a minute ago."""
    with closing(Store.open(desk.configuration)) as store:
        with store.read() as work:
            visit = get_visit(work, "1", None)
        begun = utc_now() - timedelta(minutes=1)
        tell(store, record(Status.START, visit, device=mac, at=begun))


def listed(desk: Nexio) -> list[dict[str, Any]]:
    """The devices of visit 1."""
    found: list[dict[str, Any]] = desk.done("visitor", "devices", "1", "--json").json["devices"]
    return found


def test_a_limit_and_who_uses_it(desk: Nexio) -> None:
    """As JSON, and for a person; the visit itself says how many it may have."""
    desk.register("--devices", "2")
    shape = desk.done("visitor", "devices", "zoe@example.com", "--json").json
    assert shape == {"visit": 1, "max_devices": 2, "devices": []}
    assert "No device has logged in" in desk.done("visitor", "devices", "1").err
    assert take(desk, PHONE, LAPTOP, TABLET) == [True, True, False]
    phone, laptop = listed(desk)
    assert list(phone) == KEYS
    assert (phone["device"], phone["randomised"], phone["counts"]) == (PHONE, True, True)
    assert (laptop["device"], laptop["randomised"], laptop["freed_at"]) == (LAPTOP, False, None)
    ran = desk.done("visitor", "devices", "1")
    header, first, second = (line.split("\t") for line in ran.out.splitlines())
    assert header == ["device", "first used", "last used", "address", "counts"]
    assert (first[0], first[3:]) == (PHONE, ["randomised", "yes"])
    assert (second[0], second[3:]) == (LAPTOP, ["fixed", "yes"])
    assert ran.err == "Zoë Nguyễn Văn (visit 1) uses 2 of 2 devices.\n"
    assert "devices  at most 2" in desk.done("visitor", "show", "1").out


def test_a_device_is_freed(desk: Nexio) -> None:
    """In any notation, once; its place is free."""
    desk.register("--devices", "1")
    take(desk, PHONE)
    ran = desk.done("visitor", "devices", "1", "--free", "0200.0000.0001")
    assert ran.out == f"Freed {PHONE}. Zoë Nguyễn Văn (visit 1) uses 0 of 1 device.\n"
    assert "no device" in desk("visitor", "devices", "1", "--free", PHONE).refused(3)
    (phone,) = listed(desk)
    assert phone["counts"] is False
    assert phone["freed_at"] is not None
    assert "\tfreed " in desk.done("visitor", "devices", "1").out
    assert take(desk, LAPTOP, PHONE) == [True, False]


@pytest.mark.parametrize("mac", ["", "phone", "02:00:00:00:00", "192.168.100.200", "\udcff"])
def test_a_device_that_cannot_be_read(mac: str, sqlite_desk: Nexio) -> None:
    """Nothing is freed."""
    sqlite_desk.register("--devices", "1")
    sqlite_desk("visitor", "devices", "1", "--free", mac).refused(2)


def test_what_becomes_of_its_session(sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said that it is still on where no server disconnects it; not of another device."""
    monkeypatch.setattr(session_view, "PATIENCE", 0.0)
    sqlite_desk.register("--devices", "2")
    take(sqlite_desk, PHONE, LAPTOP)
    on_wifi(sqlite_desk, PHONE)
    assert sqlite_desk.done("visitor", "devices", "1", "--free", LAPTOP).err == ""
    said = sqlite_desk.done("visitor", "devices", "1", "--free", PHONE).err
    assert said.startswith("1 device is still on the Wi-Fi.")


def test_without_a_limit(desk: Nexio) -> None:
    """Devices are those of accounting and the log, and none counts."""
    desk.done("settings", "set", "max-devices=2")
    desk.register("--devices", "none")
    on_wifi(desk, LAPTOP)
    ran = desk.done("visitor", "devices", "1")
    assert ran.out.splitlines()[1].split("\t")[3:] == ["fixed", "no"]
    assert ran.err == "Zoë Nguyễn Văn (visit 1) has no limit of devices.\n"
    assert "devices" not in desk.done("visitor", "show", "1").out
    desk("visitor", "devices", "1", "--free", LAPTOP).refused(3)
    assert desk.done("visitor", "devices", "1", "--json").json["max_devices"] is None


def test_the_same_key_with_another_limit(sqlite_desk: Nexio) -> None:
    """It is another registration."""
    words = registration("--idempotency-key", "1", "--devices", "2")
    assert sqlite_desk.done(*words, "--json").json == sqlite_desk.done(*words, "--json").json
    sqlite_desk(*registration("--idempotency-key", "1", "--devices", "3")).refused(4)
    sqlite_desk(*registration("--devices", "two")).refused(2)


def test_explain_says_who_uses_a_limit(desk: Nexio) -> None:
    """Without a device the login as such; with one, whether that one gets on."""
    desk.register("--devices", "1")

    def explained(*words: str) -> tuple[str, str]:
        (shape,) = desk.done("explain", "1", *words, "--json").json
        return shape["reason"], shape["sentence"]

    assert explained() == ("valid", explained()[1])
    assert explained()[1].endswith(" Devices: 0 of 1.")
    assert explained("--device", PHONE)[0] == "valid"
    take(desk, PHONE)
    assert explained()[1].endswith(f" Devices: 1 of 1: {PHONE}.")
    assert explained("--device", PHONE.replace(":", "-"))[0] == "valid"
    reason, sentence = explained("--device", LAPTOP)
    assert reason == "too many devices"
    assert "limit of devices is reached" in sentence
    assert sentence.endswith(f" Devices: 1 of 1: {PHONE}.")
    assert explained("--device", "no address")[0] == "no device"
    desk.done("visitor", "devices", "1", "--free", PHONE)
    assert explained("--device", LAPTOP)[0] == "valid"
