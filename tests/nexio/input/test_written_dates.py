"""Dates with the month by name, and dates in numbers alone: R20."""

from datetime import date

import pytest

from nexio.input.written_dates import find_named_date, find_numeric_dates

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("23 nov 2026", "2026-11-23"),
        ("november 23", "2026-11-23"),
        ("nov 23, 2026", "2026-11-23"),
        ("nov. 23rd, 2026", "2026-11-23"),
        ("23rd of november 2026", "2026-11-23"),
        ("23-nov-2026", "2026-11-23"),
        ("23. november 2026", "2026-11-23"),
        ("2026 nov 23", "2026-11-23"),
        ("2026-nov-23", "2026-11-23"),
        ("3 sept 2027", "2027-09-03"),
        ("1 may 1999", "1999-05-01"),
    ],
)
def test_a_date_with_the_month_by_name(words: str, day: str) -> None:
    """R20: in the orders that people use, with the names that python-dateutil knows."""
    found = find_named_date(words)
    assert found is not None
    assert found.first_from(TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("21 nov", "2026-11-21"),
        ("20 nov", "2026-11-20"),
        ("19 nov", "2027-11-19"),
        ("29 feb", "2028-02-29"),
    ],
)
def test_a_missing_year_is_the_next_such_date(words: str, day: str) -> None:
    """R20: from today on."""
    found = find_named_date(words)
    assert found is not None
    assert found.first_from(TODAY) == date.fromisoformat(day)


def test_a_leap_day_is_found_across_the_century() -> None:
    """R20: 2100 is no leap year; the next 29 February is eight years away."""
    found = find_named_date("29 feb")
    assert found is not None
    assert found.first_from(date(2096, 3, 1)) == date(2104, 2, 29)


@pytest.mark.parametrize(
    "words", ["31 sep 2026", "29 feb 2027", "0 nov 2026", "20 nov 0026", "20 nov 0000", "31 feb"]
)
def test_a_date_in_no_calendar(words: str) -> None:
    """R20: none of these is moved to a day that exists."""
    found = find_named_date(words)
    assert found is not None
    assert found.first_from(TODAY) is None


@pytest.mark.parametrize(
    "words",
    [
        "",
        "10",
        "2026",
        "nov dec 20",
        "20 nov 26",
        "20 smarch 2026",
        "20 nov 21 2026",
        "cet",
        "٣ nov",
    ],
)
def test_an_odd_string_is_no_date(words: str) -> None:
    """R20: dateutil would find a date in many of these."""
    assert find_named_date(words) is None


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("10/11/2026", ["2026-11-10", "2026-10-11"]),
        ("10.11.2026", ["2026-11-10", "2026-10-11"]),
        ("10-11-26", ["2026-11-10", "2026-10-11"]),
        ("26-11-27", ["2027-11-26", "2026-11-27"]),
        ("20/11/2026", ["2026-11-20"]),
        ("11/20/2026", ["2026-11-20"]),
        ("11/11/2026", ["2026-11-11"]),
        ("2026/11/20", ["2026-11-20"]),
        ("2026-1-5", ["2026-01-05"]),
        ("1/12", ["2026-12-01", "2027-01-12"]),
        ("20.11.", ["2026-11-20"]),
        ("29/2", ["2028-02-29"]),
        ("99/99/2026", []),
        ("30/2", []),
        ("2026/11", []),
        ("20", None),
        ("20 nov", None),
    ],
)
def test_the_readings_of_a_date_in_numbers(words: str, days: list[str] | None) -> None:
    """R20: day first, each once; the year where it has four digits."""
    expected = None if days is None else [date.fromisoformat(day) for day in days]
    assert find_numeric_dates(words, TODAY) == expected
