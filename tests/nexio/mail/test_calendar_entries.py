"""The entry for the visitor's calendar: RFC 5545, RFC 5546."""

from datetime import UTC, datetime

import pytest
from icalendar import Calendar, Event

from nexio.locations.locations import Location
from nexio.outbox.outbox import Template
from nexio.reception.reissue import reissue
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import attached, queue, rendered
from tests.support.people import add_location, register, set_up
from tests.support.stores import run_sql


def entry(store: Store, number: int | None = None) -> Event:
    """The one event that a mail carries, read back by a library for calendars."""
    part = attached(rendered(store, number), "text/calendar")
    assert part.get_param("method") == "PUBLISH"
    assert part.get_filename() == "visit.ics"
    calendar = Calendar.from_ical(part.get_content())
    assert (calendar["version"], calendar["method"]) == ("2.0", "PUBLISH")
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, Event)
    return event


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "arrival", "start", "end"),
    [
        ("Europe/London", "2026-11-20 14:00", "2026-11-20 14:00", "2026-11-20 15:00"),
        ("Asia/Kolkata", "2026-11-21 09:00", "2026-11-21 03:30", "2026-11-21 04:30"),
        # An hour over the change of clocks: forward in spring, and back in autumn.
        ("Europe/Berlin", "2027-03-28 01:30", "2027-03-28 00:30", "2027-03-28 01:30"),
        ("Europe/Berlin", "2027-10-31T02:30+02:00", "2027-10-31 00:30", "2027-10-31 01:30"),
        ("Europe/Berlin", "2027-10-31T02:30+01:00", "2027-10-31 01:30", "2027-10-31 02:30"),
    ],
)
def test_the_right_instants(store: Store, zone: str, arrival: str, start: str, end: str) -> None:
    """From the expected arrival to the end of the Wi-Fi."""
    place = add_location(store, "Annex", zone, "visitor-tokens=on")
    register(store, place, arrival=arrival)
    event = entry(store)
    assert (event.start, event.end) == (at(start), at(end))
    assert (event["summary"], event["location"]) == ("Visit to Annex", "Annex")


def test_without_wifi_and_with_wifi_for_days_no_end_is_known(
    store: Store, location: Location
) -> None:
    """Nobody said how long the visit is: the calendar is not filled."""
    set_up(store, location, "token-duration=2d")
    register(store, location, arrival="14:00")
    assert "dtend" not in entry(store)
    set_up(store, location, "visitor-tokens=off")
    register(store, location, arrival="14:00", email="ada@example.com")
    event = entry(store)
    assert "dtend" not in event
    assert event.start == at("2026-11-20 14:00")


def test_what_the_calendar_does_not_hold(store: Store, location: Location) -> None:
    """The PIN: people share their calendars; and nothing that a host's name could add."""
    visit = register(store, location, host="Ana\\nDTEND:19700101T000000Z; x, y")
    part = attached(rendered(store), "text/calendar").get_payload(decode=True)
    assert isinstance(part, bytes)
    assert visit.pin.encode() not in part
    assert b"NEXIO1" not in part
    event = entry(store)
    assert event.end == at("2026-11-20 09:30")
    assert "Your host: Ana" in str(event["description"])


def test_one_entry_for_all_mails_of_a_visit(store: Store, location: Location, clock: Clock) -> None:
    """The same UID with a higher SEQUENCE takes the place of what was there."""
    visit = register(store, location, arrival="14:00")
    queue(store, Template.VISITOR_UPDATED, visit)
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at")
    queue(store, Template.VISITOR_UPDATED, visit)
    entries = [entry(store, number) for number in (1, 2, 3)]
    assert len({str(each["uid"]) for each in entries}) == 1
    assert [each["sequence"] for each in entries] == [0, 1, 2]
    other = register(store, location, arrival="14:00", email="ada@example.com")
    assert other.id != visit.id
    assert entry(store)["uid"] != entries[0]["uid"]
    assert entry(store)["sequence"] == 0


def test_r5_a_reissued_visit_takes_the_place_of_its_original(
    store: Store, location: Location
) -> None:
    """The visitor's calendar shows one visit."""
    visit = register(store, location, arrival="14:00")
    before = entry(store)
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at")
    with store.write() as work:
        reissue(work, visit.id)
    after = entry(store)
    assert after["uid"] == before["uid"]
    assert (before["sequence"], after["sequence"]) == (0, 1)
