"""What comes of a PIN or a code at the tablet, sentence by sentence, with a clock that is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio.checkin.taps import Direction
from nexio.checkin.wrong_codes import WrongCodes
from nexio.mail.qr_pictures import wifi_qr_text
from nexio.outbox.outbox import list_mail
from nexio.store.audit_entries import AuditFilter, list_entries
from nexio_web import door as doors
from nexio_web.door import Door, TapRequest
from nexio_web.postman import Postman
from tests.support.mail.outgoing import outgoing_to
from tests.support.people import add_location, delete, register, set_up
from tests.support.radius.radiusd import wait_until
from tests.support.reception import reissue
from tests.support.web.doors import member, paired, qr_of

if TYPE_CHECKING:
    from nexio.checkin.tablets import Tablet
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from nexio_web.words import Screen
    from tests.support.clocks import Clock
    from tests.support.mail_server import MailServer

UNKNOWN = "This PIN is not known here."
ASKED = "Your e-mail address, please"


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """What a tap asks of PostgreSQL is held in tests/nexio/checkin and by ``test_deliveries``."""
    return sqlite_store


@pytest.fixture
def location(sqlite_location: Location) -> Location:
    """Harbour House in it."""
    return sqlite_location


@pytest.fixture
def door(store: Store) -> Door:
    """The door of the store."""
    return Door(store)


@pytest.fixture
def tablet(store: Store, location: Location) -> Tablet:
    """A tablet of Harbour House."""
    return paired(store, location)


def use(
    door: Door, tablet: Tablet, code: str, way: Direction | None = None, email: str | None = None
) -> Screen:
    """Type or scan something."""
    return door.use(tablet, TapRequest(code=code, way=way, email=email))[0]


def text(screen: Screen) -> str:
    """All that is said."""
    return " ".join((screen.title, *screen.lines))


def test_r14_a_visitor_comes_and_goes(
    door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock
) -> None:
    """In, the same again, too soon, out, and no third time; with the Wi-Fi, and nobody told."""
    pin = register(store, location).pin
    first = use(door, tablet, pin)
    assert (first.kind, text(first)) == ("in", "Welcome, Zoë. Your Wi-Fi works until 09:30.")
    clock.advance(seconds=9)
    assert text(use(door, tablet, pin)) == text(first)
    clock.advance(minutes=3)
    asked = use(door, tablet, pin)
    assert asked.kind == "leaving"
    assert text(asked) == "Leaving already? You checked in 3 minutes ago."
    left = use(door, tablet, pin, way=Direction.OUT)
    assert (left.kind, text(left)) == ("out", "Goodbye, Zoë. Your Wi-Fi works until 09:30.")
    with store.read() as work:
        entries = list_entries(work, AuditFilter(operator=f"tablet {tablet.name}"))
    assert [each.action for each in entries] == ["check-in", "check-out"]
    clock.advance(minutes=6)
    ended = "Your visit has ended for today. To come in again: please ask at reception."
    assert text(use(door, tablet, pin)) == ended


def test_r14_a_pin_whose_answer_was_lost_is_typed_again(
    door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock
) -> None:
    """At another tablet: who came in is asked, and stays in; a visitor stays out."""
    visit, host = register(store, location), member(store, location)
    for pin, again in ((host.pin, "Goodbye, Bo."), (visit.pin, "Goodbye, Zoë.")):
        assert use(door, tablet, pin).kind == "in"
        clock.advance(seconds=16)
        assert use(door, tablet, pin).kind == "leaving"
        clock.advance(minutes=5)
        assert use(door, tablet, pin).title == again
    clock.advance(seconds=16)
    assert text(use(door, tablet, visit.pin)).startswith("Your visit has ended for today.")


def test_r14_a_member_whose_goodbye_was_lost_stays_out(
    door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock
) -> None:
    """The tablet says that it got no answer: the same PIN within a minute is the same tap."""
    pin = member(store, location).pin
    again = TapRequest(code=pin, after_silence=True)
    assert use(door, tablet, pin).title == "Welcome, Bo."
    clock.advance(seconds=75)
    assert door.use(tablet, again)[0].title == "Welcome, Bo."
    clock.advance(minutes=6)
    assert use(door, tablet, pin).title == "Goodbye, Bo."
    clock.advance(seconds=75)
    assert door.use(tablet, again)[0].title == "Goodbye, Bo."
    clock.advance(seconds=75)
    assert door.use(tablet, again)[0].title == "Welcome, Bo."


def test_r14_members_come_and_go_as_often_as_they_like(
    door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock
) -> None:
    """No word about a Wi-Fi or a host."""
    pin = member(store, location).pin
    for title in ("Welcome, Bo.", "Goodbye, Bo.") * 2:
        assert text(use(door, tablet, pin)) == title
        clock.advance(minutes=6)


def test_the_host_is_told_once_a_mail_is_queued(
    door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock
) -> None:
    """Only at the first check-in, and only where the host is a member."""
    host = member(store, location)
    visit = register(store, location, host=host.email)
    screen, has_mail = door.use(tablet, TapRequest(code=visit.pin))
    assert has_mail
    assert screen.lines == ("Your host has been told.", "Your Wi-Fi works until 09:30.")
    clock.advance(minutes=6)
    assert "host" not in text(use(door, tablet, visit.pin))
    stranger = register(store, location, host="Somebody Else")
    assert "host" not in text(use(door, tablet, stranger.pin))


def test_the_mail_goes_out_when_nobody_can_take_it_back(
    door: Door,
    tablet: Tablet,
    store: Store,
    location: Location,
    mail_server: MailServer,
) -> None:
    """By a thread, so that nobody waits for it before the tablet."""
    postman = Postman(store, outgoing_to(mail_server.url), waits=0.0)
    postman.start()
    host = member(store, location)
    _, has_mail = door.use(tablet, TapRequest(code=register(store, location, host=host.email).pin))
    assert has_mail
    postman.wake()

    def is_sent() -> bool:
        with store.read() as work:
            return any(mail.sent_at for mail in list_mail(work, location))

    wait_until(is_sent)
    postman.end()


def test_undo(door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock) -> None:
    """Of a check-in and of a check-out, of visitors and members; once, and by this tablet only."""
    other = paired(store, location)
    for pin in (register(store, location).pin, member(store, location).pin):
        came = use(door, tablet, pin)
        assert text(door.undo(other, came.undo or "")) == "This cannot be taken back any more."
        assert text(door.undo(tablet, came.undo or "")) == "Taken back. You are not checked in."
        assert text(door.undo(tablet, came.undo or "")) == "This cannot be taken back any more."
        assert use(door, tablet, pin).title.startswith("Welcome")
        clock.advance(minutes=6)
        left = use(door, tablet, pin)
        clock.advance(seconds=14)
        assert text(door.undo(tablet, left.undo or "")) == "Taken back. You are checked in."
        late = use(door, tablet, pin)
        clock.advance(seconds=16)
        assert text(door.undo(tablet, late.undo or "")) == "This cannot be taken back any more."


def test_undo_takes_back_nothing_that_came_after(
    door: Door, tablet: Tablet, store: Store, location: Location
) -> None:
    """Checked out within ten seconds: the check-in is no more the last."""
    pin = register(store, location).pin
    came = use(door, tablet, pin)
    assert use(door, tablet, pin, way=Direction.OUT).kind == "out"
    assert text(door.undo(tablet, came.undo or "")) == "This cannot be taken back any more."


def test_undo_of_a_visit_that_was_deleted_meanwhile(
    door: Door, tablet: Tablet, store: Store, location: Location
) -> None:
    """Reception has cancelled it: the stay is kept as it was."""
    visit = register(store, location)
    came = use(door, tablet, visit.pin)
    delete(store, visit)
    assert text(door.undo(tablet, came.undo or "")) == "This cannot be taken back any more."


@pytest.mark.parametrize("ticket", ["", "x", "1.in.9999999999.", "1.in.9999999999.00", "é.ü"])
def test_a_forged_undo(door: Door, tablet: Tablet, ticket: str) -> None:
    """Nothing happens."""
    assert text(door.undo(tablet, ticket)) == "This cannot be taken back any more."


def test_r15_too_early_and_too_late(
    door: Door, tablet: Tablet, store: Store, location: Location, clock: Clock
) -> None:
    """With the day and the time; a code of a visit that is over says since when."""
    early = register(store, location, arrival="tomorrow 09:00")
    assert text(use(door, tablet, early.pin)) == (
        "Your visit is tomorrow at 09:00. Please come back then, or ask at reception."
    )
    later = register(store, location, arrival="monday 14:00")
    assert "Your visit is on Monday 23 November at 14:00." in text(use(door, tablet, later.pin))
    visit = register(store, location)
    clock.advance(days=1)
    assert text(use(door, tablet, qr_of(store, visit))) == (
        "Your visit is over. It ended on Friday 20 November. Please ask at reception."
    )
    assert text(use(door, tablet, visit.pin)).startswith(UNKNOWN)


def test_codes(door: Door, tablet: Tablet, store: Store, location: Location) -> None:
    """A visitor's code checks in; any other says what to do, and nothing of anybody else."""
    visit = register(store, location)
    code = qr_of(store, visit)
    assert use(door, tablet, f"]Q1{code}\r").title == "Welcome, Zoë."
    gone = register(store, location)
    delete(store, gone)
    old = register(store, location)
    new = reissue(store, old)
    elsewhere = register(store, add_location(store, "Pier House"))
    other = "Y" if code[9] == "X" else "X"
    for said, title in (
        (qr_of(store, gone), "This visit was cancelled."),
        (qr_of(store, old), "You were sent a newer mail."),
        (qr_of(store, elsewhere), "Your visit is at another location."),
        (code[:-1], "This is not a visitor's code."),
        (f"{code[:9]}{other}{code[10:]}", "This is not a visitor's code."),
        ("NEXIO1:99999999999999999999:A", "This is not a visitor's code."),
        ("NEXIO1", "This is not a visitor's code."),
        (wifi_qr_text("Guests; all"), "This is the code for the Wi-Fi."),
        (qr_of(store, new), "Welcome, Zoë."),
    ):
        assert use(door, tablet, said).title == title


@pytest.mark.parametrize("typed", ["", "1", "letters", "12345678901", "<b>1</b>", "9" * 5000])
def test_what_is_no_pin(door: Door, tablet: Tablet, typed: str) -> None:
    """It says what a PIN is."""
    assert use(door, tablet, typed).title == "This is not a PIN."


def test_a_scanner_with_another_keyboard(door: Door, tablet: Tablet) -> None:
    """The guest types the PIN; reception sees to the scanner."""
    assert text(use(door, tablet, "nexio&Mè")) == (
        "The scanner and this tablet do not fit. Please type the PIN, and tell reception."
    )


def test_names_are_text(door: Door, tablet: Tablet, store: Store, location: Location) -> None:
    """Whoever has no first name is greeted by the last one."""
    visit = register(store, location, first_name="", last_name="Nguyễn")
    assert use(door, tablet, visit.pin).title == "Welcome, Nguyễn."


def wrong_pins(pin: str) -> list[str]:
    """PINs of the same length that nobody has who is registered here."""
    return [f"{(int(pin) + n) % 10 ** len(pin):0{len(pin)}}" for n in range(1, 40)]


@pytest.fixture
def busy_house(store: Store, location: Location, monkeypatch: pytest.MonkeyPatch) -> Location:
    """A house in which each PIN of 6 digits is found with a chance of 1 in 15,000."""
    monkeypatch.setattr(doors, "chance_at_door", lambda _, __, ___, email: 1e-6 if email else 66e-6)
    monkeypatch.setattr(WrongCodes, "wait_after", lambda _, __: 0.0)
    return location


def test_guessing_and_an_honest_guest(
    door: Door, tablet: Tablet, store: Store, busy_house: Location
) -> None:
    """After six wrong PINs the right one needs the e-mail beside it; a code needs nothing."""
    visit = register(store, busy_house)
    titles = [use(door, tablet, pin).title for pin in wrong_pins(visit.pin)[:8]]
    assert titles == [UNKNOWN] * 6 + [ASKED] * 2
    asked = use(door, tablet, visit.pin)
    assert (asked.kind, asked.title) == ("email", ASKED)
    stranger = use(door, tablet, visit.pin, email="bo@example.com")
    assert stranger.title == "This PIN and this e-mail do not go together."
    wrong = use(door, tablet, wrong_pins(visit.pin)[0], email=visit.email)
    assert wrong.title == stranger.title
    assert use(door, tablet, visit.pin, email=f" {visit.email.upper()} ").title == "Welcome, Zoë."
    other = register(store, busy_house)
    assert use(door, tablet, qr_of(store, other)).title == "Welcome, Zoë."


def test_the_same_wrong_pin_again(
    door: Door, tablet: Tablet, store: Store, busy_house: Location
) -> None:
    """It tells nothing new, so it takes nothing."""
    visit = register(store, busy_house)
    (wrong, *others) = wrong_pins(visit.pin)
    assert [use(door, tablet, wrong).title for _ in range(9)] == [UNKNOWN] * 9
    assert [use(door, tablet, pin).title for pin in others[:6]] == [UNKNOWN] * 5 + [ASKED]


def test_whoever_tries_pins_waits(
    door: Door, tablet: Tablet, store: Store, location: Location
) -> None:
    """After five wrong ones in a row the tablet pauses; for a code it does not."""
    visit = register(store, location)
    titles = [use(door, tablet, pin).title for pin in wrong_pins(visit.pin)[:8]]
    assert titles[:6] == [UNKNOWN] * 6
    assert "Please wait a moment." in titles[6:]
    assert use(door, tablet, qr_of(store, visit)).title == "Welcome, Zoë."


def test_nothing_is_left(
    door: Door, tablet: Tablet, store: Store, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has used up even what is kept for those with an e-mail."""
    monkeypatch.setattr(doors, "chance_at_door", lambda *_: 1e-4)
    monkeypatch.setattr(WrongCodes, "wait_after", lambda _, __: 0.0)
    visit = register(store, location)
    for pin in wrong_pins(visit.pin)[:6]:
        use(door, tablet, pin, email="bo@example.com")
    closed = use(door, tablet, visit.pin, email=visit.email)
    assert closed.title == "No more PINs can be taken here for now."


def test_another_length_tells_nothing_and_takes_nothing(
    door: Door, tablet: Tablet, store: Store, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digit too few is a slip: nobody's PIN has so many."""
    monkeypatch.setattr(WrongCodes, "wait_after", lambda _, __: 0.0)
    set_up(store, location, "pin-length=7")
    visit = register(store, location)
    for number in range(40):
        assert use(door, tablet, f"{number:06}").title == UNKNOWN
    assert use(door, tablet, visit.pin).title == "Welcome, Zoë."


def test_no_pin_in_a_traceback() -> None:
    """What was typed has a masked repr."""
    assert "482913" not in repr(TapRequest(code="482913", email="zoe@example.com"))
