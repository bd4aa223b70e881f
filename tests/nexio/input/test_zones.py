"""Time zones: where a day begins (R15), and how an instant is shown (R1)."""

import locale
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.zones import (
    clock_time,
    day_end,
    day_start,
    get_zone,
    instants_of,
    iso,
    local_date,
    show,
)

LONDON = ZoneInfo("Europe/London")
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Europe/London", "Europe/London"),
        ("europe/london", "Europe/London"),
        (" AMERICA/NEW_YORK ", "America/New_York"),
        ("America/Port-au-Prince", "America/Port-au-Prince"),
        ("utc", "UTC"),
    ],
)
def test_finds_a_zone_in_any_case(name: str, key: str) -> None:
    """The zone carries its proper name, which is what is stored."""
    assert get_zone(name).key == key


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("London", "Did you mean Europe/London?"),
        ("New York", "Did you mean America/New_York?"),
        ("Berln", "Did you mean Europe/Berlin?"),
        ("Europe/Lodon", "Did you mean Europe/London or Europe/Lisbon?"),
        ("", "Give an IANA name like Europe/London."),
        ("../x", "Give an IANA name like Europe/London."),
        ("/etc/localtime", "Give an IANA name like Europe/London."),
        ("localtime", "Give an IANA name like Europe/London."),
        ("x\0", "Give an IANA name like Europe/London."),
        ("x" * 5000, "Give an IANA name like Europe/London."),
    ],
)
def test_refuses_an_unknown_zone(name: str, advice: str) -> None:
    """A path, a folder and a misspelling are no zones; close names are proposed."""
    with pytest.raises(InvalidValue, match="There is no time zone") as caught:
        get_zone(name)
    assert caught.value.advice == advice


@pytest.mark.parametrize(
    "name", ["Europe", "Etc", "Factory", "posixrules", "tzdata.zi", "zone.tab"]
)
def test_a_folder_and_a_file_of_the_zone_data_are_no_zones(name: str) -> None:
    """They lie beside the zones; what is proposed depends on the data."""
    with pytest.raises(InvalidValue, match="There is no time zone"):
        get_zone(name)


@settings(max_examples=30, deadline=None)  # the first one walks the zone data
@given(st.text(max_size=30))
def test_any_text_is_a_zone_or_an_invalid_value(name: str) -> None:
    """No name reaches the file system, and none raises anything else."""
    try:
        zone = get_zone(name)
    except InvalidValue:
        return
    assert zone.key in zoneinfo.available_timezones()


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        # Ordinary days, before and after the clocks change at 01:00.
        ("Europe/London", "2026-11-20", "2026-11-20T00:00+00:00"),
        ("Europe/London", "2026-10-25", "2026-10-25T00:00+01:00"),
        ("Europe/London", "2026-10-26", "2026-10-26T00:00+00:00"),
        ("America/New_York", "2026-03-08", "2026-03-08T00:00-05:00"),
        ("America/New_York", "2026-03-09", "2026-03-09T00:00-04:00"),
        # Half an hour of summer time.
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00+10:30"),
        ("Australia/Lord_Howe", "2026-10-05", "2026-10-05T00:00+11:00"),
        # Days without midnight: clocks went from 00:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00-02:00"),
        ("Asia/Beirut", "2024-03-31", "2024-03-31T01:00+03:00"),
        # The hour before midnight occurred twice, midnight itself once.
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T00:00-03:00"),
        # From 00:01 the clocks went back to 23:01: midnight occurred twice.
        ("America/St_Johns", "2010-11-07", "2010-11-07T00:00-02:30"),
        # From 23:30 on they went forward by an hour: 00:30 was the first that existed.
        ("America/Toronto", "1919-03-31", "1919-03-31T00:30-04:00"),
        # 30 December 2011 was left out; so was 31 December 1994 in Kiribati.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T00:00-10:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00+14:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-31T00:00+14:00"),
        ("Pacific/Kiritimati", "1994-12-31", "1995-01-01T00:00+14:00"),
    ],
)
def test_a_day_starts_at_its_first_existing_instant(zone: str, day: str, start: str) -> None:
    """R15: also where midnight is left out or occurs twice."""
    instant = day_start(date.fromisoformat(day), ZoneInfo(zone))
    assert instant == datetime.fromisoformat(start)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", "2026-11-20", 24),
        ("Europe/London", "2026-03-29", 23),
        ("Europe/London", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
    ],
)
def test_a_day_ends_where_the_next_one_starts(zone: str, day: str, hours: float) -> None:
    """R15: a day is as long as the clocks make it; one that was left out is empty."""
    there, that = ZoneInfo(zone), date.fromisoformat(day)
    assert day_end(that, there) - day_start(that, there) == timedelta(hours=hours)


def changes(zone: ZoneInfo) -> list[date]:
    """Return the dates from 1990 to 2040 about which the zone changes its offset."""
    days = [date(1990, 1, 1) + timedelta(days=7 * week) for week in range(51 * 52)]
    offsets = [datetime.combine(day, time(12), zone).utcoffset() for day in days]
    pairs = zip(days, offsets, offsets[1:], strict=False)
    return [day for day, offset, later in pairs if offset != later]


@pytest.mark.parametrize(
    "name",
    [
        "Europe/London",
        "America/New_York",
        "America/Sao_Paulo",
        "America/St_Johns",
        "America/Havana",
        "Africa/Cairo",
        "Asia/Amman",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kwajalein",
        "Antarctica/Troll",
    ],
)
def test_days_follow_each_other_about_every_clock_change(name: str) -> None:
    """R15: every day within a week of every change of the offset, 1990 to 2040."""
    zone = ZoneInfo(name)
    for change in changes(zone):
        for number in range(8):
            assert_begins(change + timedelta(days=number), zone)


@settings(max_examples=300, deadline=None)  # a zone is loaded on its first use
@given(
    st.sampled_from(sorted(zoneinfo.available_timezones())),
    st.dates(min_value=date(1990, 1, 1), max_value=date(2040, 12, 31)),
)
def test_days_follow_each_other_in_every_zone(name: str, day: date) -> None:
    """R15: any day of any zone that there is."""
    assert_begins(day, ZoneInfo(name))


def assert_begins(day: date, zone: ZoneInfo) -> None:
    """Assert that this is the first instant of the day, or of the next one that exists."""
    start = day_start(day, zone)
    assert local_date(start - SECOND, zone) < day
    assert day <= local_date(start, zone)
    assert start <= day_end(day, zone)
    noon, again = instants_of(datetime.combine(day, time(12)), zone)
    if local_date(noon, zone) == day:
        assert local_date(start, zone) == day
        assert start < noon < day_end(day, zone)
    else:
        assert noon != again, "noon is left out only together with its day"
        assert start == day_end(day, zone)


@pytest.mark.parametrize(
    ("zone", "local", "readings"),
    [
        ("Europe/London", "2026-11-20T09:00", ["2026-11-20T09:00Z", "2026-11-20T09:00Z"]),
        ("Europe/London", "2026-10-25T01:30", ["2026-10-25T00:30Z", "2026-10-25T01:30Z"]),
        ("Europe/London", "2026-03-29T01:30", ["2026-03-29T01:30Z", "2026-03-29T00:30Z"]),
    ],
)
def test_the_instants_of_a_local_time(zone: str, local: str, readings: list[str]) -> None:
    """Equal, or in order where it occurs twice, or against it where it does not exist."""
    instants = instants_of(datetime.fromisoformat(local), ZoneInfo(zone))
    assert list(instants) == [datetime.fromisoformat(reading) for reading in readings]


@pytest.mark.parametrize(
    ("zone", "shown", "standard"),
    [
        ("Europe/London", "Fri 20 Nov 2026 09:00 +00:00", "2026-11-20T09:00:59+00:00"),
        ("America/New_York", "Fri 20 Nov 2026 04:00 -05:00", "2026-11-20T04:00:59-05:00"),
        ("Asia/Kathmandu", "Fri 20 Nov 2026 14:45 +05:45", "2026-11-20T14:45:59+05:45"),
        ("Pacific/Kiritimati", "Fri 20 Nov 2026 23:00 +14:00", "2026-11-20T23:00:59+14:00"),
    ],
)
def test_instants_are_shown_in_the_zone_with_the_offset(
    zone: str, shown: str, standard: str
) -> None:
    """R1: for people to the minute, for scripts to the whole second."""
    instant = datetime(2026, 11, 20, 9, 0, 59, 999_999, tzinfo=UTC)
    assert show(instant, ZoneInfo(zone)) == shown
    assert iso(instant, ZoneInfo(zone)) == standard


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2026-11-20T00:00Z", "00:00"),
        ("2026-11-20T23:59Z", "23:59"),
        ("2026-11-19T23:59Z", "23:59 on Thursday 19 November"),
        ("2026-11-23T09:00Z", "09:00 on Monday 23 November"),
        ("2027-01-01T09:00Z", "09:00 on Friday 1 January"),
    ],
)
def test_guests_are_told_the_day_only_if_it_is_another(instant: str, words: str) -> None:
    """R11: "Your Wi-Fi access starts at 09:00 on Monday 23 November."."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert clock_time(datetime.fromisoformat(instant), LONDON, now) == words


def test_the_day_of_a_guest_is_the_local_one() -> None:
    """R11: 23:30 UTC is already tomorrow in Kathmandu."""
    instant = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert clock_time(instant, ZoneInfo("Asia/Kathmandu"), now) == "05:15 on Saturday 21 November"


def test_names_are_english_under_any_locale() -> None:
    """R1: the process may run under another locale."""
    before = locale.setlocale(locale.LC_TIME)
    try:
        for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_TIME, name)
                break
            except locale.Error:
                continue
        assert show(datetime(2026, 12, 1, 9, tzinfo=UTC), LONDON) == "Tue 1 Dec 2026 09:00 +00:00"
    finally:
        locale.setlocale(locale.LC_TIME, before)
