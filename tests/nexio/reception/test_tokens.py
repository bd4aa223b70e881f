"""Access tokens: R1, R4, R7."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexio.errors import Refused
from nexio.locations.locations import Location
from nexio.reception.tokens import TokenState, live_pin_lengths, revoke_all, revoke_token, token_of
from nexio.reception.visits import VisitState
from nexio.store.engine import Store
from nexio.store.tables import AccessTokenRow, AuditRow, PinRow
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.people import add_location, delete, look_up, register, revoke, set_up

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("window", "revoked_at", "now", "state"),
    [
        ((NINE, NINE + HOUR), None, NINE - SECOND, TokenState.UPCOMING),
        ((NINE, NINE + HOUR), None, NINE, TokenState.VALID),
        ((NINE, NINE + HOUR), None, NINE + HOUR - SECOND, TokenState.VALID),
        ((NINE, NINE + HOUR), None, NINE + HOUR, TokenState.EXPIRED),
        ((NINE, NINE + HOUR), NINE, NINE, TokenState.REVOKED),
        ((NINE, NINE + HOUR), NINE, NINE + HOUR, TokenState.REVOKED),
        ((None, None), None, NINE, TokenState.UPCOMING),
        ((None, None), NINE, NINE, TokenState.REVOKED),
    ],
)
def test_r1_where_a_token_stands(
    window: tuple[datetime | None, datetime | None],
    revoked_at: datetime | None,
    now: datetime,
    state: TokenState,
) -> None:
    """By the clock alone; without a window (R16) it is upcoming."""
    row = AccessTokenRow(
        id=1, valid_from=window[0], valid_until=window[1], revoked_at=revoked_at, duration=HOUR
    )
    assert token_of(row, now).state is state


def test_a_revoked_token_ends_at_once(store: Store, location: Location) -> None:
    """The visit is still expected."""
    visit = register(store, location)
    revoke(store, visit)
    after = look_up(store, visit)
    assert after.token is not None
    assert after.token.state is TokenState.REVOKED
    assert after.state is VisitState.EXPECTED


def test_revoking_twice_is_refused(store: Store, location: Location, clock: Clock) -> None:
    """The moment of the first time stays."""
    visit = register(store, location)
    revoke(store, visit)
    clock.advance(minutes=5)
    with pytest.raises(Refused, match=f"the token of visit {visit.id} was revoked before"):
        revoke(store, visit)
    with store.read() as work:
        token = work.session.scalars(select(AccessTokenRow)).one()
        assert token.revoked_at == clock.now - timedelta(minutes=5)


def test_without_a_token_there_is_nothing_to_revoke(store: Store, location: Location) -> None:
    """A visitor who was registered while tokens were off."""
    set_up(store, location, "visitor-tokens=off")
    visit = register(store, location)
    with pytest.raises(Refused, match="has no access token"), store.write() as work:
        revoke_token(work, visit.id)


@pytest.mark.parametrize("arrival", ["2026-11-20 14:00", "2026-11-20 23:30"])
def test_r7_after_a_revocation_the_pin_goes_with_the_arrivals_day(
    store: Store, location: Location, arrival: str
) -> None:
    """It still checks in until then."""
    revoke(store, register(store, location, arrival=arrival))
    with store.read() as work:
        free_at = work.session.scalars(select(PinRow.free_at)).one()
    assert free_at == datetime(2026, 11, 21, tzinfo=UTC)


def test_r4_turning_tokens_off_leaves_issued_ones_alone(store: Store, location: Location) -> None:
    """It is for visitors who are registered from then on."""
    visit = register(store, location)
    set_up(store, location, "visitor-tokens=off")
    token = look_up(store, visit).token
    assert token is not None
    assert token.state is TokenState.VALID


def test_r4_revoke_all_ends_what_runs_or_is_to_run_here(
    store: Store, location: Location, clock: Clock
) -> None:
    """Not what is over, and not what another location gave."""
    annex = add_location(store, "Annex", "Europe/London", "visitor-tokens=on")
    over = register(store, location)
    clock.advance(hours=1)
    running = [register(store, location), register(store, location, arrival="tomorrow 9am")]
    others = register(store, annex)
    deleted = delete(store, register(store, location))
    with store.write() as work:
        assert revoke_all(work, location) == 2
    with store.write() as work:
        assert revoke_all(work, location) == 0
    states = [look_up(store, visit).token for visit in (over, *running, others, deleted)]
    assert [token and token.state.value for token in states] == [
        "expired",
        "revoked",
        "revoked",
        "valid",
        "revoked",
    ]


def test_each_revocation_is_in_the_audit(store: Store, location: Location) -> None:
    """Also those that ``token off --revoke`` made."""
    visits = [register(store, location) for _ in range(2)]
    with store.write() as work:
        revoke_all(work, location)
    with store.read() as work:
        rows = work.session.scalars(select(AuditRow).where(AuditRow.action == "revoke")).all()
        assert {row.subject_id for row in rows} == {visit.id for visit in visits}
        assert {(row.subject, row.operator) for row in rows} == {("visit", "test desk")}


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"valid_until": None}, "ck_access_token_window"),
    ({"valid_until": FRIDAY_MORNING}, "ck_access_token_window"),
    ({"duration": timedelta(seconds=59)}, "ck_access_token_duration"),
    ({"duration": timedelta(days=30, seconds=1)}, "ck_access_token_duration"),
]


def test_what_cannot_be_is_kept_out_by_constraints(store: Store, location: Location) -> None:
    """Half a window, an empty one, a duration too short or too long: in the store itself."""
    register(store, location)
    for values, constraint in IMPOSSIBLE:
        with Session(store.engine) as session, pytest.raises(IntegrityError, match=constraint):
            session.execute(update(AccessTokenRow).values(values))


def test_a_visit_has_one_token(store: Store, location: Location) -> None:
    """A second row is kept out by a constraint."""
    token = {"duration": HOUR, "issued_at": NINE, "batch": 1}
    second = insert(AccessTokenRow).values(token | {"visit_id": register(store, location).id})
    one = r"uq_access_token_visit_id|access_token\.visit_id"
    with Session(store.engine) as session, pytest.raises(IntegrityError, match=one):
        session.execute(second)


def test_r9_planned_guests_are_no_matter_where_the_e_mail_logs_in(
    store: Store, location: Location
) -> None:
    """The limit belongs to login by PIN."""
    at = set_up(store, location, "planned-guests=1")
    assert all(register(store, at).token for _ in range(3))


def test_r9_how_many_tokens_there_are_by_the_digits_of_their_pins(
    store: Store, location: Location, clock: Clock
) -> None:
    """R9: what a guess of the PIN alone can hit; not what is over, deleted or revoked."""
    pins = ["11111111", "22222222", "333333", "444444", "555555"]
    visits = [register(store, location, email=f"guest{pin}@example.com", pin=pin) for pin in pins]
    delete(store, visits[3])
    revoke(store, visits[4])
    with store.read() as work:
        assert live_pin_lengths(work, location) == {8: 2, 6: 1}
    clock.advance(hours=2)
    with store.read() as work:
        assert live_pin_lengths(work, location) == {}
