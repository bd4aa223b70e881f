"""The table of clock changes: what an arrival means, when a day begins, how long Wi-Fi lasts.

Europe/London changes at 01:00 UTC, America/New_York at 02:00 on the wall, Australia/Lord_Howe by
half an hour, America/Sao_Paulo at midnight (a day begins at 01:00), and Pacific/Apia left out
30 December 2011 altogether.  Each row was registered in a real store.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_arrival
from nexio.input.zones import clock_time, day_end, day_start, iso, local_date, show, show_window
from nexio.locations.locations import add_location, change_settings
from nexio.locations.settings import parse_changes
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import Registration
from nexio.store.tables import PinRow, VisitRow
from tests.support import people
from tests.support.people import look_up, register
from tests.support.stores import row_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

LONDON, NEW_YORK = "Europe/London", "America/New_York"
LORD_HOWE, APIA, SAO_PAULO = "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

WINDOWS = [
    # zone, what is typed, duration
    #     the window as it is shown
    #     check-in opens, check-in closes
    # London, spring: 01:00 is followed by 02:00, and the day has 23 hours.
    (
        *(LONDON, "2027-03-28 00:30", "60m"),
        "Sun 28 Mar 2027 00:30 +00:00 to Sun 28 Mar 2027 02:30 +01:00",
        *("2027-03-28T00:00:00+00:00", "2027-03-29T00:00:00+01:00"),
    ),
    (
        *(LONDON, "28 Mar 2027 9am", "60m"),
        "Sun 28 Mar 2027 09:00 to 10:00 +01:00",
        *("2027-03-28T00:00:00+00:00", "2027-03-29T00:00:00+01:00"),
    ),
    (
        *(LONDON, "2027-03-27 23:30", "3h"),
        "Sat 27 Mar 2027 23:30 +00:00 to Sun 28 Mar 2027 03:30 +01:00",
        *("2027-03-27T00:00:00+00:00", "2027-03-28T03:30:00+01:00"),
    ),
    (
        *(LONDON, "2027-03-27 12:00", "1d"),
        "Sat 27 Mar 2027 12:00 +00:00 to Sun 28 Mar 2027 13:00 +01:00",
        *("2027-03-27T00:00:00+00:00", "2027-03-28T13:00:00+01:00"),
    ),
    (
        *(LONDON, "2027-03-28 01:30 +00:00", "30m"),
        "Sun 28 Mar 2027 02:30 to 03:00 +01:00",
        *("2027-03-28T00:00:00+00:00", "2027-03-29T00:00:00+01:00"),
    ),
    # London, autumn: the hour from 01:00 occurs twice, and the day has 25 hours.
    (
        *(LONDON, "2027-10-31 00:30", "2h"),
        "Sun 31 Oct 2027 00:30 +01:00 to Sun 31 Oct 2027 01:30 +00:00",
        *("2027-10-31T00:00:00+01:00", "2027-11-01T00:00:00+00:00"),
    ),
    (
        *(LONDON, "2027-10-31T01:30+01:00", "60m"),
        "Sun 31 Oct 2027 01:30 +01:00 to Sun 31 Oct 2027 01:30 +00:00",
        *("2027-10-31T00:00:00+01:00", "2027-11-01T00:00:00+00:00"),
    ),
    (
        *(LONDON, "2027-10-31T01:30Z", "60m"),
        "Sun 31 Oct 2027 01:30 to 02:30 +00:00",
        *("2027-10-31T00:00:00+01:00", "2027-11-01T00:00:00+00:00"),
    ),
    (
        *(LONDON, "2027-10-30 23:30", "60m"),
        "Sat 30 Oct 2027 23:30 to Sun 31 Oct 2027 00:30 +01:00",
        *("2027-10-30T00:00:00+01:00", "2027-10-31T00:30:00+01:00"),
    ),
    # New York: spring and autumn at 02:00 on the wall.
    (
        *(NEW_YORK, "Mar 14 2027 1:30am", "60m"),
        "Sun 14 Mar 2027 01:30 -05:00 to Sun 14 Mar 2027 03:30 -04:00",
        *("2027-03-14T00:00:00-05:00", "2027-03-15T00:00:00-04:00"),
    ),
    (
        *(NEW_YORK, "2027-03-13 23:00", "4h"),
        "Sat 13 Mar 2027 23:00 -05:00 to Sun 14 Mar 2027 04:00 -04:00",
        *("2027-03-13T00:00:00-05:00", "2027-03-14T04:00:00-04:00"),
    ),
    (
        *(NEW_YORK, "2027-11-07T01:59-04:00", "60m"),
        "Sun 7 Nov 2027 01:59 -04:00 to Sun 7 Nov 2027 01:59 -05:00",
        *("2027-11-07T00:00:00-04:00", "2027-11-08T00:00:00-05:00"),
    ),
    (
        *(NEW_YORK, "Nov 7 2027 2:00am", "60m"),
        "Sun 7 Nov 2027 02:00 to 03:00 -05:00",
        *("2027-11-07T00:00:00-04:00", "2027-11-08T00:00:00-05:00"),
    ),
    # Lord Howe: half an hour of summer time, so days of 24 and a half and 23 and a half hours.
    (
        *(LORD_HOWE, "2027-04-04 01:00", "60m"),
        "Sun 4 Apr 2027 01:00 +11:00 to Sun 4 Apr 2027 01:30 +10:30",
        *("2027-04-04T00:00:00+11:00", "2027-04-05T00:00:00+10:30"),
    ),
    (
        *(LORD_HOWE, "2027-04-04T01:45+11:00", "30m"),
        "Sun 4 Apr 2027 01:45 +11:00 to Sun 4 Apr 2027 01:45 +10:30",
        *("2027-04-04T00:00:00+11:00", "2027-04-05T00:00:00+10:30"),
    ),
    (
        *(LORD_HOWE, "2027-10-03 01:45", "60m"),
        "Sun 3 Oct 2027 01:45 +10:30 to Sun 3 Oct 2027 03:15 +11:00",
        *("2027-10-03T00:00:00+10:30", "2027-10-04T00:00:00+11:00"),
    ),
    # São Paulo, spring: Saturday ends at midnight, Sunday begins at 01:00.
    (
        *(SAO_PAULO, "2018-11-03 23:30", "60m"),
        "Sat 3 Nov 2018 23:30 -03:00 to Sun 4 Nov 2018 01:30 -02:00",
        *("2018-11-03T00:00:00-03:00", "2018-11-04T01:30:00-02:00"),
    ),
    (
        *(SAO_PAULO, "2018-11-03 14:00", "60m"),
        "Sat 3 Nov 2018 14:00 to 15:00 -03:00",
        *("2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00"),
    ),
    (
        *(SAO_PAULO, "2018-11-04 01:00", "60m"),
        "Sun 4 Nov 2018 01:00 to 02:00 -02:00",
        *("2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"),
    ),
    # São Paulo, autumn: the hour before midnight occurs twice; Saturday has 25 hours.
    (
        *(SAO_PAULO, "2019-02-16T23:30-02:00", "2h"),
        "Sat 16 Feb 2019 23:30 -02:00 to Sun 17 Feb 2019 00:30 -03:00",
        *("2019-02-16T00:00:00-02:00", "2019-02-17T00:30:00-03:00"),
    ),
    (
        *(SAO_PAULO, "2019-02-16T23:30-03:00", "30m"),
        "Sat 16 Feb 2019 23:30 to Sun 17 Feb 2019 00:00 -03:00",
        *("2019-02-16T00:00:00-02:00", "2019-02-17T00:00:00-03:00"),
    ),
    # Apia: Thursday 29 December 2011 was followed by Saturday the 31st.
    (
        *(APIA, "2011-12-29 23:30", "60m"),
        "Thu 29 Dec 2011 23:30 -10:00 to Sat 31 Dec 2011 00:30 +14:00",
        *("2011-12-29T00:00:00-10:00", "2011-12-31T00:30:00+14:00"),
    ),
    (
        *(APIA, "29 Dec 2011 14:00", "60m"),
        "Thu 29 Dec 2011 14:00 to 15:00 -10:00",
        *("2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"),
    ),
    (
        *(APIA, "31 Dec 2011 00:00", "60m"),
        "Sat 31 Dec 2011 00:00 to 01:00 +14:00",
        *("2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"),
    ),
    # Apia, April 2011 and 2012: from 04:00 back to 03:00.
    (
        *(APIA, "2012-04-01T03:30+14:00", "60m"),
        "Sun 1 Apr 2012 03:30 +14:00 to Sun 1 Apr 2012 03:30 +13:00",
        *("2012-04-01T00:00:00+14:00", "2012-04-02T00:00:00+13:00"),
    ),
]

REFUSED = [
    # zone, what is typed, why, the one reading and the other
    (LONDON, "2027-03-28 01:00", "does not exist", *("00:00 +00:00", "02:00 +01:00")),
    (LONDON, "28 Mar 2027 1:59am", "does not exist", *("00:59 +00:00", "02:59 +01:00")),
    (LONDON, "2027-10-31 01:00", "occurs twice", *("01:00 +01:00", "01:00 +00:00")),
    (LONDON, "31 Oct 2027 01:59", "occurs twice", *("01:59 +01:00", "01:59 +00:00")),
    (NEW_YORK, "Mar 14 2027 2:00am", "does not exist", *("01:00 -05:00", "03:00 -04:00")),
    (NEW_YORK, "2027-03-14T02:59", "does not exist", *("01:59 -05:00", "03:59 -04:00")),
    (NEW_YORK, "2027-11-07 01:30", "occurs twice", *("01:30 -04:00", "01:30 -05:00")),
    (LORD_HOWE, "2027-10-03 02:15", "does not exist", *("01:45 +10:30", "02:45 +11:00")),
    (LORD_HOWE, "2027-04-04 01:30", "occurs twice", *("01:30 +11:00", "01:30 +10:30")),
    (SAO_PAULO, "2018-11-04 00:00", "does not exist", *("23:00 -03:00", "01:00 -02:00")),
    (SAO_PAULO, "4 Nov 2018 0:59", "does not exist", *("23:59 -03:00", "01:59 -02:00")),
    (SAO_PAULO, "2019-02-16 23:30", "occurs twice", *("23:30 -02:00", "23:30 -03:00")),
    (APIA, "2011-12-30 00:00", "does not exist", *("00:00 -10:00", "00:00 +14:00")),
    (APIA, "30 Dec 2011 23:59", "does not exist", *("23:59 -10:00", "23:59 +14:00")),
    (APIA, "2012-04-01 03:30", "occurs twice", *("03:30 +14:00", "03:30 +13:00")),
]

ORDINARY = [
    # The last minute before each of those hours, and the first one after it.
    (LONDON, "2027-03-28 00:59", "2027-03-28T00:59:00+00:00"),
    (LONDON, "2027-03-28 02:00", "2027-03-28T02:00:00+01:00"),
    (LONDON, "2027-10-31 00:59", "2027-10-31T00:59:00+01:00"),
    (LONDON, "2027-10-31 02:00", "2027-10-31T02:00:00+00:00"),
    (NEW_YORK, "2027-03-14 01:59", "2027-03-14T01:59:00-05:00"),
    (NEW_YORK, "2027-03-14 03:00", "2027-03-14T03:00:00-04:00"),
    (NEW_YORK, "2027-11-07 00:59", "2027-11-07T00:59:00-04:00"),
    (LORD_HOWE, "2027-10-03 01:59", "2027-10-03T01:59:00+10:30"),
    (LORD_HOWE, "2027-10-03 02:30", "2027-10-03T02:30:00+11:00"),
    (LORD_HOWE, "2027-04-04 01:29", "2027-04-04T01:29:00+11:00"),
    (LORD_HOWE, "2027-04-04 02:00", "2027-04-04T02:00:00+10:30"),
    (SAO_PAULO, "2018-11-03 23:59", "2018-11-03T23:59:00-03:00"),
    (SAO_PAULO, "2018-11-04 01:00", "2018-11-04T01:00:00-02:00"),
    (SAO_PAULO, "2019-02-16 22:59", "2019-02-16T22:59:00-02:00"),
    (SAO_PAULO, "2019-02-17 00:00", "2019-02-17T00:00:00-03:00"),
    (APIA, "2011-12-29 23:59", "2011-12-29T23:59:00-10:00"),
    (APIA, "2011-12-31 00:00", "2011-12-31T00:00:00+14:00"),
]


def window(visit: Visit) -> tuple[datetime, datetime]:
    """Both ends of a visit's token."""
    assert visit.token is not None
    assert visit.token.valid_from is not None
    assert visit.token.valid_until is not None
    return visit.token.valid_from, visit.token.valid_until


def check_in_times(store: Store, visit: Visit) -> tuple[datetime, datetime]:
    """When check-in opens and closes; the PIN lives as long."""
    with store.read() as work:
        row = work.session.get_one(VisitRow, visit.id)
        free_at = work.session.scalar(select(PinRow.free_at).where(PinRow.visit_id == visit.id))
        assert free_at == row.closes_at
        return row.opens_at, row.closes_at


def a_week_before(text: str) -> datetime:
    """Long enough before what the texts here mean; each of them has a year."""
    return datetime.fromisoformat(text) - 7 * DAY


@pytest.mark.parametrize(("zone", "said", "duration", "shown", "opens", "closes"), WINDOWS)
def test_a_window_about_a_clock_change(
    zone: str,
    said: str,
    duration: str,
    shown: str,
    opens: str,
    closes: str,
    sqlite_store: Store,
    clock: Clock,
) -> None:
    """R1, R15, R20: real time counts for the Wi-Fi, the day on the wall for the check-in."""
    there = ZoneInfo(zone)
    clock.now = a_week_before(opens)
    place = people.add_location(
        sqlite_store, "Harbour House", zone, "visitor-tokens=on", f"token-duration={duration}"
    )
    visit = look_up(sqlite_store, register(sqlite_store, place, arrival=said))

    begin, end = window(visit)
    assert end - begin == place.settings.token_duration
    assert begin == visit.expected_arrival
    assert show_window(begin, end, there) == shown
    assert [iso(each, there) for each in check_in_times(sqlite_store, visit)] == [opens, closes]


@pytest.mark.parametrize(("zone", "said", "why", "first", "second"), REFUSED)
def test_a_time_that_a_clock_change_leaves_open_is_refused(
    zone: str, said: str, why: str, first: str, second: str, sqlite_store: Store, clock: Clock
) -> None:
    """R20: with both readings; nothing is registered; each reading as it is shown is taken."""
    place = people.add_location(sqlite_store, "Harbour House", zone, "visitor-tokens=on")
    clock.now = datetime(2011 if zone == APIA else 2018, 1, 1, tzinfo=UTC)
    before = row_counts(sqlite_store)
    with pytest.raises(InvalidValue, match=f"{why} in {zone}, where the clocks change") as caught:
        register(sqlite_store, place, arrival=said)
    assert row_counts(sqlite_store) == before

    one, _, other = str(caught.value).partition("clocks change: ")[2].partition(" or ")
    assert (one.split(" ", 4)[4], other.split(" ", 4)[4]) == (first, second)
    earlier, later = (register(sqlite_store, place, arrival=reading) for reading in (one, other))
    assert earlier.expected_arrival < later.expected_arrival
    proposed = caught.value.advice.removeprefix("Give the offset: ").removesuffix(".")
    assert [datetime.fromisoformat(each) for each in proposed.split(" or ")] == [
        earlier.expected_arrival,
        later.expected_arrival,
    ]


@pytest.mark.parametrize(("zone", "said", "arrival"), ORDINARY)
def test_the_minutes_beside_a_clock_change_mean_one_instant(
    zone: str, said: str, arrival: str
) -> None:
    """R20: nothing is refused that the clock on the wall shows once."""
    now = a_week_before(arrival)
    assert iso(parse_arrival(said, now, ZoneInfo(zone)), ZoneInfo(zone)) == arrival


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (LONDON, "2027-03-28", 23),
        (LONDON, "2027-10-31", 25),
        (NEW_YORK, "2027-03-14", 23),
        (NEW_YORK, "2027-11-07", 25),
        (LORD_HOWE, "2027-10-03", 23.5),
        (LORD_HOWE, "2027-04-04", 24.5),
        (SAO_PAULO, "2018-11-03", 24),
        (SAO_PAULO, "2018-11-04", 23),
        (SAO_PAULO, "2019-02-16", 25),
        (APIA, "2011-12-29", 24),
        (APIA, "2011-12-31", 24),
    ],
)
def test_check_in_is_open_for_as_long_as_the_day_lasts(
    zone: str, day: str, hours: float, sqlite_store: Store, clock: Clock
) -> None:
    """R15: from the day's first instant to the next day's, for an arrival at noon."""
    clock.now = datetime.fromisoformat(f"{day}T00:00Z") - 7 * DAY
    place = people.add_location(sqlite_store, "Harbour House", zone)
    opens, closes = check_in_times(
        sqlite_store, register(sqlite_store, place, arrival=f"{day} 12:00")
    )
    assert closes - opens == timedelta(hours=hours)


def test_from_now_counts_real_time(store: Store, clock: Clock) -> None:
    """R20: "+2h" in the night in which the clocks go back is two hours, and 01:30 on the wall."""
    clock.now = datetime.fromisoformat("2027-10-31T00:30+01:00")
    place = people.add_location(store, "Harbour House", LONDON, "visitor-tokens=on")
    visit = register(store, place, arrival="+2h")
    assert iso(visit.expected_arrival, place.zone) == "2027-10-31T01:30:00+00:00"


@pytest.mark.parametrize(
    ("zone", "now", "instant", "words"),
    [
        # The second 01:30 of the night; the guest is told what the wall shows.
        (LONDON, "2027-10-31T01:00+01:00", "2027-10-31T01:30+00:00", "01:30"),
        # Tomorrow is Saturday in Apia, whatever the calendar in between.
        (APIA, "2011-12-29T23:00-10:00", "2011-12-31T00:30+14:00", "00:30 on Saturday 31 December"),
        (SAO_PAULO, "2018-11-03T23:59-03:00", "2018-11-04T01:00-02:00", "01:00 on Sunday 4 Nov"),
    ],
)
def test_a_guest_is_told_the_time_on_the_wall(
    zone: str, now: str, instant: str, words: str
) -> None:
    """R11: "Your Wi-Fi access ended at 01:30."."""
    told = clock_time(datetime.fromisoformat(instant), ZoneInfo(zone), datetime.fromisoformat(now))
    assert told.startswith(words)


# Every zone that there is


@cache
def every_zone() -> list[str]:
    """The zones of the tzdata package; of those with the same data under several names, one."""
    package = resources.files("tzdata")
    names = sorted(package.joinpath("zones").read_text("utf-8").split(), reverse=True)
    by_data = {package.joinpath("zoneinfo", name).read_bytes(): name for name in names}
    return sorted(set(by_data.values()) & zoneinfo.available_timezones() - {"Factory"})


def next_change(zone: ZoneInfo, after: datetime) -> datetime | None:
    """The minute from which the zone has another offset, within a year; None where it keeps it."""

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(zone).utcoffset()

    day = next((day for n in range(366) if offset(day := after + n * DAY) != offset(after)), None)
    if day is None:
        return None
    minutes = (day - DAY + n * MINUTE for n in range(24 * 60 + 1))
    return next(minute for minute in minutes if offset(minute) == offset(day))


def assert_holds(zone: ZoneInfo, row: VisitRow, duration: timedelta) -> None:
    """R1 and R15 for a visit with a token."""
    assert row.token is not None
    assert row.token.valid_from is not None
    assert row.token.valid_until is not None
    arrival, day = row.expected_arrival, local_date(row.expected_arrival, zone)
    where = f"{zone.key} {iso(arrival, zone)}"
    assert row.token.valid_from == arrival, where
    assert row.token.valid_until - row.token.valid_from == duration, where
    assert row.opens_at <= arrival < row.closes_at, where
    assert row.token.valid_until <= row.closes_at, where
    assert local_date(row.opens_at, zone) == day, where
    assert local_date(row.opens_at - timedelta(seconds=1), zone) < day, where
    assert row.closes_at == max(day_end(day, zone), row.token.valid_until), where


def test_every_zone_registers_about_its_next_clock_change(
    sqlite_store: Store, clock: Clock
) -> None:
    """R1, R15, R20: an hour before and at the change; where the zone has none, tomorrow."""
    duration, hour = timedelta(hours=2), timedelta(hours=1)
    texts: dict[str, Any] = {
        "first_name": "Zoë",
        "last_name": "Nguyễn",
        "email": "zoe@example.com",
    }
    expected: list[tuple[int, str]] = []
    with sqlite_store.write() as work:
        for name in every_zone():
            place = add_location(work, name, name)
            changes = parse_changes(["visitor-tokens=on", "token-duration=2h", "pin-length=10"])
            place = change_settings(work, place, changes)
            change = next_change(place.zone, clock.now)
            for arrival in (change - hour, change) if change else (clock.now + DAY,):
                assert parse_arrival(show(arrival, place.zone), work.now, place.zone) == arrival
                registration = Registration(expected_arrival=arrival, **texts)
                expected.append((register_visitor(work, place, registration).id, name))
    with sqlite_store.read() as work:
        for number, name in expected:
            assert_holds(ZoneInfo(name), work.session.get_one(VisitRow, number), duration)
    assert len(expected) > 400


INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001 (hypothesis wants the zone apart)
    max_value=datetime(2100, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda instant: instant.replace(second=0, microsecond=0))


@settings(max_examples=300)
@given(zone=st.sampled_from(every_zone()).map(ZoneInfo), instant=INSTANTS)
def test_what_is_shown_is_read_back(zone: ZoneInfo, instant: datetime) -> None:
    """R1, R20: any minute of any zone, with or without a day of the week, and as ISO 8601."""
    for text in (show(instant, zone), show(instant, zone).partition(" ")[2], iso(instant, zone)):
        assert parse_arrival(text, instant - DAY, zone) == instant


@settings(max_examples=300)
@given(zone=st.sampled_from(every_zone()).map(ZoneInfo), instant=INSTANTS)
def test_a_day_holds_its_instants(zone: ZoneInfo, instant: datetime) -> None:
    """R15: an instant lies in its own local day, which begins at the first instant of that date."""
    day = local_date(instant, zone)
    start = day_start(day, zone)
    assert start <= instant
    assert local_date(start, zone) == day
    assert local_date(start - timedelta(seconds=1), zone) < day
    assert day_start(day + DAY, zone) == day_end(day, zone) > start


@settings(max_examples=200)
@given(
    zone=st.sampled_from(every_zone()).map(ZoneInfo),
    instant=INSTANTS,
    minutes=st.integers(1, 43200),
)
def test_a_window_is_shown_with_what_is_needed_to_read_it(
    zone: ZoneInfo, instant: datetime, minutes: int
) -> None:
    """R1: both instants can be read back from the words, across any clock change."""
    end = instant + minutes * MINUTE
    first, _, last = show_window(instant, end, zone).partition(" to ")
    offset = last.rsplit(" ", 1)[1]
    first = first if first.count(":") == 2 else f"{first} {offset}"
    last = last if last.count(" ") > 1 else f"{first.rsplit(' ', 2)[0]} {last}"
    assert parse_arrival(first, instant - DAY, zone) == instant
    assert parse_arrival(last, instant - DAY, zone) == end


@pytest.mark.parametrize("reading", [show, iso])
def test_the_two_equal_times_are_shown_apart(reading: Callable[[datetime, ZoneInfo], str]) -> None:
    """R1: the offset tells the first 01:30 from the second."""
    zone = ZoneInfo(LONDON)
    first = datetime.combine(datetime(2027, 10, 31, tzinfo=UTC), time(0, 30), UTC)
    assert reading(first, zone) != reading(first + timedelta(hours=1), zone)
