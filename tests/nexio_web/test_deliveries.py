"""What becomes of a tap that a tablet delivers, reason by reason, with a clock that is set."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete as delete_rows

from nexio.checkin.check_ins import tap_visit
from nexio.checkin.offline_taps import (
    MOST_WAITING,
    Delivery,
    forget_delivered,
    is_known,
    list_offline_taps,
    mark_settled,
    public_key,
)
from nexio.checkin.taps import Direction, list_taps
from nexio.errors import NotFound
from nexio.reception.tokens import revoke_token
from nexio.store.tables import OfflineTapRow
from nexio_web.door import Door, TapRequest
from tests.support.people import add_location, delete, register
from tests.support.web.doors import member, paired, qr_of
from tests.support.web.letters import letter

if TYPE_CHECKING:
    from nexio.checkin.taps import Tap
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock


class Desk:
    """A tablet that noted codes, and what reception sees of it."""

    def __init__(self, store: Store, location: Location, clock: Clock) -> None:
        self.store, self.location, self.clock = store, location, clock
        self.door, self.tablet = Door(store), paired(store, location)

    def delivery(self, code: str, ago: timedelta = timedelta(0), **changed: Any) -> Delivery:
        """What the tablet sends now about a code that was held up some time ago."""
        wrong = changed.pop("clock", timedelta(0))
        tap_id = secrets.token_hex(16)
        sent = self.clock.now + wrong
        content = {
            "code": code,
            "way": "",
            "at": (sent - ago).timestamp() * 1000,
            "offset": -wrong.total_seconds() * 1000,
            "tablet": self.tablet.id,
            **changed,
        }
        with self.store.read() as work:
            key = public_key(work)
        return Delivery(id=tap_id, letter=letter(key, content, tap_id), sent_at=sent)

    def deliver(self, code: str, ago: timedelta = timedelta(0), **changed: Any) -> str | None:
        """Deliver it; why it was not applied, None where it was."""
        delivery = self.delivery(code, ago, **changed)
        assert self.door.deliver(self.tablet, delivery)[0] == 0
        shown = self.shown()
        return shown[-1].why if shown else None

    def shown(self) -> list[Any]:
        """What waits for reception, the newest last."""
        with self.store.read() as work:
            return sorted(list_offline_taps(work), key=lambda tap: tap.id)

    def taps(self) -> list[Tap]:
        """Who went in and out."""
        with self.store.read() as work:
            return list_taps(work, self.location, open_only=False)


@pytest.fixture
def desk(store: Store, location: Location, clock: Clock) -> Desk:
    """A tablet of Harbour House, and its reception."""
    return Desk(store, location, clock)


HOUR = timedelta(hours=1)


def test_in_and_out_at_their_own_times(desk: Desk) -> None:
    """The Wi-Fi and all else as if the server had been there."""
    code = qr_of(desk.store, register(desk.store, desk.location))
    desk.clock.advance(hours=2)
    assert desk.deliver(code, 2 * HOUR) is None
    assert desk.deliver(code, HOUR) is None
    now = desk.clock.now
    assert [(tap.direction, tap.at) for tap in desk.taps()] == [
        (Direction.IN, now - 2 * HOUR),
        (Direction.OUT, now - HOUR),
    ]


def test_a_tablet_whose_clock_is_wrong_all_the_time(desk: Desk) -> None:
    """Ours counts: the tap has the time at which it was."""
    code = qr_of(desk.store, register(desk.store, desk.location))
    desk.clock.advance(hours=1)
    assert desk.deliver(code, HOUR, clock=timedelta(days=-400)) is None
    assert desk.taps()[0].at == desk.clock.now - HOUR


def test_the_same_delivery_again(desk: Desk) -> None:
    """Taken, and nothing is done; also of one that was shown, and was put aside."""
    visit = register(desk.store, desk.location)
    first = desk.delivery(qr_of(desk.store, visit))
    wrong = desk.delivery("NEXIO1:1:AAAA")
    for _ in range(3):
        for each in (first, wrong):
            assert desk.door.deliver(desk.tablet, each) == (0, False)
        desk.clock.advance(minutes=6)
    assert len(desk.taps()) == 1
    (shown,) = desk.shown()
    with desk.store.write() as work:
        mark_settled(work, [shown.id])
    desk.door.deliver(desk.tablet, wrong)
    assert desk.shown() == []
    with pytest.raises(NotFound), desk.store.write() as work:
        mark_settled(work, [shown.id])


def test_what_is_not_applied(desk: Desk) -> None:
    """Forged, a PIN, foreign, old, of the future, another tablet's, and cut; each with its why."""
    visit = register(desk.store, desk.location)
    code = qr_of(desk.store, visit)
    assert desk.deliver(f"{code[:-4]}AAAA") == "no-code"
    assert desk.deliver(visit.pin) == "no-code"
    assert desk.deliver(code, 13 * HOUR) == "old"
    assert desk.deliver(code, -HOUR) == "clock"
    assert desk.deliver(code, offset=3_600_000) == "clock"
    assert desk.deliver(code, at=1e300) in {"clock", "unreadable"}
    assert desk.deliver(code, tablet=99) == "tablet"
    elsewhere = add_location(desk.store, "Annex")
    theirs = qr_of(desk.store, register(desk.store, elsewhere))
    assert desk.deliver(theirs) == "elsewhere"
    assert desk.taps() == []
    shown = desk.shown()[-1]
    assert (shown.words, shown.tablet) == ("the visit is at another location", desk.tablet.name)


@pytest.mark.parametrize(
    "content",
    [None, 3, [], {}, {"way": "up"}, {"tablet": "x"}, {"at": "x"}, {"at": None}],
)
def test_what_no_tablet_writes(desk: Desk, content: Any) -> None:
    """It is shown as unreadable, and keeps nothing behind it waiting."""
    changed = content if isinstance(content, dict) and content else None
    delivery = desk.delivery("NEXIO1:1:A", **(changed or {}))
    if changed is None:
        with desk.store.read() as work:
            written = letter(public_key(work), content, delivery.id)
        delivery = Delivery(id=delivery.id, letter=written, sent_at=delivery.sent_at)
    assert desk.door.deliver(desk.tablet, delivery) == (0, False)
    assert [tap.why for tap in desk.shown()] == ["unreadable"]


def test_a_request_that_hung_until_its_tap_was_delivered(desk: Desk) -> None:
    """One id is one tap, however late its first request comes."""
    code = qr_of(desk.store, register(desk.store, desk.location))
    delivery = desk.delivery(code)
    assert desk.door.deliver(desk.tablet, delivery)[0] == 0
    desk.clock.advance(minutes=6)
    screen, has_mail = desk.door.use(desk.tablet, TapRequest(code=code, id=delivery.id))
    assert (screen.kind, screen.title, has_mail) == ("noted", "This was noted already.", False)
    assert len(desk.taps()) == 1


def test_a_letter_under_another_id(desk: Desk) -> None:
    """A tap cannot be repeated by giving it another id; nor can a letter be changed."""
    delivery = desk.delivery(qr_of(desk.store, register(desk.store, desk.location)))
    for text in (delivery.letter, "", "€", "AAAA", delivery.letter[:-8], "A" * 300):
        other = Delivery(id=secrets.token_hex(16), letter=text, sent_at=delivery.sent_at)
        desk.door.deliver(desk.tablet, other)
        desk.door = Door(desk.store)  # without the wait
    assert {tap.why for tap in desk.shown()} == {"unreadable"}
    assert desk.taps() == []


def test_what_the_desk_did_after_the_tap(desk: Desk) -> None:
    """In or out by hand, Wi-Fi revoked, deleted: it is shown, with the visit."""
    visits = [register(desk.store, desk.location, email=f"g{n}@example.com") for n in range(4)]
    codes = [qr_of(desk.store, visit) for visit in visits]
    desk.clock.advance(minutes=20)
    by_hand, revoked, deleted, undisturbed = visits
    with desk.store.write() as work:
        tap_visit(work, by_hand.id)
    with desk.store.write() as work:
        revoke_token(work, revoked.id)
    delete(desk.store, deleted)
    assert [desk.deliver(code, HOUR / 6) for code in codes[:3]] == ["desk"] * 3
    assert [tap.visit for tap in desk.shown()] == [visit.id for visit in visits[:3]]
    desk.deliver(codes[3], HOUR / 6)
    assert len(desk.shown()) == 3
    assert undisturbed.id in {tap.id for tap in desk.taps()}


def test_too_soon_after_the_check_in(desk: Desk) -> None:
    """Nobody could be asked whether they leave: reception asks."""
    code = qr_of(desk.store, register(desk.store, desk.location))
    desk.clock.advance(hours=1)
    assert desk.deliver(code, HOUR) is None
    assert desk.deliver(code, HOUR - timedelta(seconds=5)) is None
    assert desk.deliver(code, HOUR - timedelta(minutes=3)) == "leaving"
    assert len(desk.taps()) == 1


def test_guesses_at_codes_wait_longer_and_longer(desk: Desk) -> None:
    """What was made up counts as a wrong code; an honest tap waits, and is not lost."""
    for number in range(6):
        assert desk.deliver(f"NEXIO1:1:{number:024}") == "no-code"
    honest = desk.delivery(qr_of(desk.store, register(desk.store, desk.location)))
    wait, _ = desk.door.deliver(desk.tablet, honest)
    assert 0 < wait <= 60
    assert desk.taps() == []
    desk.door = Door(desk.store)
    assert desk.door.deliver(desk.tablet, honest)[0] == 0
    assert len(desk.taps()) == 1


def test_no_more_than_reception_can_look_at(desk: Desk) -> None:
    """Beyond that the tablet keeps them."""
    with desk.store.write() as work:
        work.session.add_all(
            OfflineTapRow(
                tap_id=f"{number:032x}",
                tablet="x",
                location_id=desk.location.id,
                delivered_at=work.now,
                why="old",
            )
            for number in range(MOST_WAITING)
        )
    assert desk.door.deliver(desk.tablet, desk.delivery("NEXIO1:1:A"))[0] > 0
    with desk.store.write() as work:
        work.session.execute(delete_rows(OfflineTapRow))
    assert desk.deliver("NEXIO1:1:A") == "no-code"


def test_ids_are_forgotten_when_they_are_of_no_use(desk: Desk) -> None:
    """A repetition after that is too old; what waits for reception stays."""
    delivery = desk.delivery(qr_of(desk.store, register(desk.store, desk.location)))
    desk.door.deliver(desk.tablet, delivery)
    desk.deliver("NEXIO1:1:A")
    desk.clock.advance(days=31)
    with desk.store.write() as work:
        forget_delivered(work)
        assert not is_known(work, delivery.id)
    assert len(desk.shown()) == 1
    assert member(desk.store, desk.location).pin  # the store is in order
