"""The entry for the visitor's calendar: RFC 5545, RFC 5546."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from icalendar import Calendar, Event

from nexio.locations.locations import Location
from nexio.outbox.outbox import Template
from nexio.reception.changing import extend_token, reschedule
from nexio.reception.reissue import reissue
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import attached, queue, rendered, text_of
from tests.support.people import add_location, delete, register, set_up
from tests.support.stores import run_sql


def entry(store: Store, number: int | None = None, method: str = "PUBLISH") -> Event:
    """The one event that a mail carries, read back by a library for calendars, and valid."""
    part = attached(rendered(store, number), "text/calendar")
    assert part.get_param("method") == method
    assert part.get_filename() == "visit.ics"
    calendar = Calendar.from_ical(part.get_content())
    assert (calendar["version"], calendar["method"]) == ("2.0", method)
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, Event)
    on_the_wire = message_from_bytes(rendered(store, number).as_bytes(), policy=SMTP)
    check_rfc_5545(attached(on_the_wire, "text/calendar"))
    check_rfc_5546(event, method)
    return event


def check_rfc_5545(part: EmailMessage) -> None:
    """Sections 3.1 and 3.6: lines, what a calendar must have, and what an event may have once."""
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    lines = octets.split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    assert lines[0] == b"BEGIN:VCALENDAR"
    names = [line.partition(b":")[0].partition(b";")[0] for line in lines if line[:1] != b" "]
    assert all(names.count(name) == 1 for name in (b"PRODID", b"VERSION", b"METHOD"))
    assert all(names.count(name) == 1 for name in (b"UID", b"DTSTAMP", b"DTSTART", b"DTEND"))
    assert b"DURATION" not in names  # section 3.6.1: not beside DTEND
    instants = [line for line in lines if line.startswith(b"DT")]
    assert all(line.endswith(b"Z") for line in instants)  # so there is no need of a VTIMEZONE


def check_rfc_5546(event: Event, method: str) -> None:
    """Sections 3.2.1 and 3.2.5: the tables of what must, may and must not be there."""
    assert {"dtstamp", "dtstart", "organizer", "summary", "uid", "sequence"} <= {
        name.lower() for name in event
    }
    assert not {"attendee", "request-status"} & {name.lower() for name in event}
    assert str(event["organizer"]) == "mailto:desk@example.com"
    assert event.get("status") == ("CANCELLED" if method == "CANCEL" else None)


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
def test_the_right_instants(
    sqlite_store: Store, zone: str, arrival: str, start: str, end: str
) -> None:
    """An hour from the expected arrival, where nobody has said when the visit ends."""
    place = add_location(sqlite_store, "Annex", zone, "visitor-tokens=on")
    register(sqlite_store, place, arrival=arrival)
    event = entry(sqlite_store)
    assert (event.start, event.end) == (at(start), at(end))
    assert (event["summary"], event["location"]) == ("Visit to Annex", "Annex")


@pytest.mark.parametrize(
    ("setting", "arrival", "more", "end"),
    [
        ("token-duration=8h", "14:00", {}, "15:00"),
        ("token-duration=2d", "14:00", {}, "15:00"),
        ("visitor-tokens=off", "14:00", {}, "15:00"),
        ("early-minutes=30", "14:00", {"duration": "3h"}, "15:00"),
        ("early-minutes=30", "14:00-16:30", {}, "16:30"),
        ("token-duration=8h", "14:00", {"until": "17:00"}, "17:00"),
        ("token-duration=8h", "14:00", {"until": "sunday 17:00"}, "15:00"),
    ],
)
def test_the_visit_is_blocked_and_not_its_wifi(
    sqlite_store: Store,
    sqlite_location: Location,
    setting: str,
    arrival: str,
    more: dict[str, str],
    end: str,
) -> None:
    """Until its end, if somebody has named one; else for an hour, however long the Wi-Fi lasts."""
    set_up(sqlite_store, sqlite_location, setting)
    register(sqlite_store, sqlite_location, arrival=arrival, **more)
    event = entry(sqlite_store)
    assert (event.start, event.end) == (at("2026-11-20 14:00"), at(f"2026-11-20 {end}"))
    assert event["transp"] == "OPAQUE"


def test_what_the_calendar_does_not_hold(sqlite_store: Store, sqlite_location: Location) -> None:
    """The PIN: people share their calendars; and nothing that a host's name could add."""
    visit = register(sqlite_store, sqlite_location, host="Ana\\nDTEND:19700101T000000Z; x, y")
    part = attached(rendered(sqlite_store), "text/calendar").get_payload(decode=True)
    assert isinstance(part, bytes)
    assert visit.pin.encode() not in part
    assert b"NEXIO1" not in part
    event = entry(sqlite_store)
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


def test_a_longer_wifi_makes_the_visit_longer(store: Store, location: Location) -> None:
    """An update of the same entry; before, nobody had said when the visit ends."""
    visit = register(store, location, arrival="14:00")
    before = entry(store)
    with store.write() as work:
        extend_token(work, visit.id, timedelta(hours=2))
    after = entry(store)
    assert (after["uid"], after["sequence"]) == (before["uid"], 1)
    assert (before.end, after.end) == (at("2026-11-20 15:00"), at("2026-11-20 17:00"))


def test_a_visit_that_moves_keeps_its_end(store: Store, location: Location) -> None:
    """As long as before, or until the end that is named now."""
    visit = register(store, location, arrival="14:00-16:30")
    for arrival, until, end in (
        ("2026-11-21 10:00", None, "2026-11-21 12:30"),
        ("2026-11-22 10:00", "2026-11-22 10:45", "2026-11-22 10:45"),
    ):
        with store.write() as work:
            reschedule(work, visit.id, at(arrival), None if until is None else at(until))
        event = entry(store)
        assert (event.start, event.end) == (at(arrival), at(end))


def test_a_cancelled_visit_leaves_the_calendar(store: Store, location: Location) -> None:
    """RFC 5546 section 3.2.5: the same UID, a higher SEQUENCE, and nothing that lets anybody in."""
    visit = register(store, location, arrival="14:00", host="Ana Reyes")
    before = entry(store)
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at")
    delete(store, visit)
    after = entry(store, method="CANCEL")
    assert (after["uid"], after["sequence"]) == (before["uid"], 1)
    assert (after.start, after.end) == (before.start, before.end)
    whole = rendered(store).as_string() + text_of(rendered(store))
    assert visit.pin not in whole
    assert "NEXIO1" not in whole


def test_the_calendar_says_where(sqlite_store: Store, sqlite_location: Location) -> None:
    """With the address, in the language of the visitor."""
    set_up(sqlite_store, sqlite_location, "address=1 Quay Street, Bristol; 2nd floor")
    register(sqlite_store, sqlite_location, host="Ana Reyes", language="de")
    event = entry(sqlite_store)
    assert event["location"] == "Harbour House, 1 Quay Street, Bristol; 2nd floor"
    assert event["summary"] == "Besuch bei Harbour House"
    assert "Ihr Gastgeber: Ana Reyes" in str(event["description"])
