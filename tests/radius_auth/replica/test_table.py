"""The table that requests are decided by."""

from datetime import timedelta
from typing import Any

from nexio.network.following import FollowedVisit, Horizon, News, Position
from radius_auth.replica.table import Table
from tests.support.radius.guests import (
    ANNEX,
    EMAIL,
    HOUR,
    HOUSE,
    KEYRING,
    NINE,
    OTHER_PIN,
    PIN,
    nas,
    table_of,
    visit,
)

HORIZON = Horizon()


def news(*visits: FollowedVisit, **changes: Any) -> News:
    """What a reader hands over."""
    made: dict[str, Any] = {
        "position": Position(epoch="tests", number=1),
        "complete": False,
        "visits": visits,
        "locations": None,
        "nas": None,
        "removed_visits": [],
    }
    return News(**made | changes)


def numbers(visits: tuple[FollowedVisit, ...]) -> list[int]:
    """Which visits they are."""
    return sorted(held.id for held in visits)


def test_a_visit_is_found_by_e_mail_and_by_pin() -> None:
    """R9 and R10: by e-mail at every location, by PIN at one."""
    table = table_of(visit(1), visit(2, pin=OTHER_PIN), visit(3, location=2))

    assert numbers(table.visits_of(EMAIL)) == [1, 2, 3]
    assert numbers(table.visits_with(1, PIN)) == [1]
    assert numbers(table.visits_with(2, PIN)) == [3]
    assert numbers(table.visits_with(2, OTHER_PIN)) == []
    assert table.visits_of("nobody@example.com") == ()
    assert len(table) == 3


def test_a_visit_is_replaced_by_its_newer_self() -> None:
    """R4: a revoked token is the same visit, known once."""
    table = table_of(visit(1), visit(2))
    revoked = visit(1, revoked_at=NINE)

    table.put([revoked])

    assert numbers(table.visits_of(EMAIL)) == [1, 2]
    assert revoked in table.visits_of(EMAIL)
    assert revoked in table.visits_with(1, PIN)
    assert len(table) == 2


def test_a_changed_pin_or_e_mail_moves_the_visit() -> None:
    """R8: the former PIN and the former address find nothing any more."""
    table = table_of(visit(1), visit(2))

    table.put([visit(1, pin=OTHER_PIN)])
    assert numbers(table.visits_with(1, PIN)) == [2]
    assert numbers(table.visits_with(1, OTHER_PIN)) == [1]

    table.put([visit(1, email="jo@example.com", pin=OTHER_PIN)])
    assert numbers(table.visits_of(EMAIL)) == [2]
    assert numbers(table.visits_of("jo@example.com")) == [1]
    assert len(table) == 2


def test_news_bring_and_take_visits() -> None:
    """R13: what was removed is gone; what is not mentioned stays."""
    table = table_of(visit(1), visit(2))

    table.apply(news(visit(3), removed_visits=[1, 99]), HORIZON, NINE)

    assert numbers(table.visits_of(EMAIL)) == [2, 3]
    assert numbers(table.visits_with(1, PIN)) == [2, 3]


def test_news_without_locations_or_nas_leave_them() -> None:
    """R19: None means unchanged, an empty list means none."""
    table = table_of(locations=[HOUSE], nas_entries=[nas()])

    table.apply(news(), HORIZON, NINE)
    assert table.locations == {1: HOUSE}
    assert table.nas.find("127.0.0.1") is not None

    table.apply(news(locations=[ANNEX], nas=[]), HORIZON, NINE)
    assert table.locations == {2: ANNEX}
    assert table.nas.find("127.0.0.1") is None


def test_news_beyond_the_horizon_are_not_kept() -> None:
    """From 24 hours after the end to 7 days before the start."""
    table = Table(KEYRING)
    ahead, over = NINE + timedelta(days=7), NINE - timedelta(hours=24)
    held = [
        visit(1, opens_at=ahead - HOUR, closes_at=ahead + 23 * HOUR),
        visit(2, opens_at=ahead, closes_at=ahead + 24 * HOUR),
        visit(3, opens_at=over - 24 * HOUR, closes_at=over + HOUR),
        visit(4, opens_at=over - 24 * HOUR, closes_at=over),
        visit(5, deleted_at=over + HOUR),
        visit(6, deleted_at=over),
    ]

    table.apply(news(*held), HORIZON, NINE)

    assert numbers(table.visits_of(EMAIL)) == [1, 3, 5]


def test_a_known_visit_that_moves_beyond_the_horizon_is_dropped() -> None:
    """R13: one that was rescheduled to next month is forgotten for now."""
    table = table_of(visit(1), visit(2))
    next_month = NINE + timedelta(days=30)

    table.apply(news(visit(1, opens_at=next_month, closes_at=next_month + HOUR)), HORIZON, NINE)

    assert numbers(table.visits_of(EMAIL)) == [2]
    assert numbers(table.visits_with(1, PIN)) == [2]


def test_what_the_horizon_has_left_behind_is_dropped() -> None:
    """As time goes by, without any news."""
    table = table_of(visit(1), visit(2, closes_at=NINE + 20 * HOUR))

    table.drop_outside(HORIZON, NINE + 15 * HOUR + timedelta(hours=24))

    assert numbers(table.visits_of(EMAIL)) == [2]


def test_nothing_is_left_of_the_last_visit() -> None:
    """E-mails and PINs that came and went take no memory."""
    table = table_of(visit(1))
    empty = vars(table_of())

    table.apply(news(removed_visits=[1]), HORIZON, NINE)

    indexes = [name for name, value in empty.items() if value == {} and name != "nas"]
    assert len(indexes) == 6
    assert all(vars(table)[name] == {} for name in indexes)
