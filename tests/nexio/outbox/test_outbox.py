"""Mail that waits."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from nexio.errors import Refused
from nexio.locations.locations import Location
from nexio.outbox.mailboxes import Mailbox
from nexio.outbox.outbox import (
    MailState,
    Template,
    list_mail,
    list_undelivered,
    mail_states,
    queue_mail,
)
from nexio.reception.members import add_member, remove_member
from nexio.store.engine import Store
from nexio.store.tables import MemberRow, OutboxRow
from tests.support.clocks import Clock
from tests.support.mail.outgoing import mails, queue
from tests.support.people import add_location, delete, look_up, register
from tests.support.stores import row_counts, run_sql

ANA = {"first_name": "Ana", "last_name": "Reyes", "email": "ana@example.com"}


def test_a_queued_mail(store: Store, location: Location, clock: Clock) -> None:
    """Who it is for, about what, and that it is due at once."""
    visit = register(store, location)
    (mail,) = mails(store, location)
    assert (mail.template, mail.visit_id, mail.member_id) == ("visitor-registered", visit.id, None)
    assert mail.to == Mailbox(name="Zoë Nguyễn", address="zoe@example.com")
    assert (mail.state, mail.attempts, mail.answer) == (MailState.QUEUED, 0, None)
    assert (mail.created_at, mail.next_try_at, mail.sent_at) == (clock.now, clock.now, None)


def test_no_mail_of_a_registration_that_failed(store: Store, location: Location) -> None:
    """Both are one transaction."""
    register(store, location, pin="980123")
    before = row_counts(store)
    with pytest.raises(Refused):
        register(store, location, pin="980123")
    assert row_counts(store) == before


def test_a_row_holds_no_text(store: Store, location: Location) -> None:
    """A visit and a template; neither name nor PIN."""
    visit = register(store, location, pin="980123")
    with store.read() as work:
        row = work.session.scalars(select(OutboxRow)).one()
        said = " ".join(str(getattr(row, column.name)) for column in OutboxRow.__table__.columns)
    assert "980123" not in said
    assert visit.first_name not in said
    assert visit.email not in said


def test_message_ids_are_random(store: Store, location: Location) -> None:
    """32 hex digits each, and no two the same."""
    for number in range(5):
        register(store, location, email=f"zoe{number}@example.com")
    with store.read() as work:
        ids = set(work.session.scalars(select(OutboxRow.message_id)))
    assert len(ids) == 5
    assert all(len(bytes.fromhex(each)) == 16 for each in ids)


def test_a_mail_that_still_waits_is_replaced(store: Store, location: Location) -> None:
    """Both would say the same: one is sent, with an identity of its own."""
    visit = register(store, location)
    queue(store, Template.VISITOR_UPDATED, visit)
    again = queue(store, Template.VISITOR_REGISTERED, visit)
    found = mails(store, location)
    assert [mail.template for mail in found] == ["visitor-updated", "visitor-registered"]
    assert found[1].id == again


def test_a_mail_that_is_being_sent_is_not_replaced(
    store: Store, location: Location, clock: Clock
) -> None:
    """It may say what was true before: another one follows."""
    visit = register(store, location)
    with store.write() as work:
        until = clock.now + timedelta(minutes=1)
        work.session.execute(update(OutboxRow).values(claimed_until=until))
    queue(store, Template.VISITOR_REGISTERED, visit)
    assert len(mails(store, location)) == 2


@pytest.mark.parametrize("state", ["sent", "failed"])
def test_a_mail_that_is_done_stays(
    store: Store, location: Location, clock: Clock, state: str
) -> None:
    """It is what happened."""
    visit = register(store, location)
    at = clock.now if state == "sent" else None
    with store.write() as work:
        work.session.execute(update(OutboxRow).values(state=state, sent_at=at))
    queue(store, Template.VISITOR_REGISTERED, visit)
    assert [mail.state for mail in mails(store, location)] == [state, "queued"]


def test_the_state_of_many_visits(store: Store, location: Location) -> None:
    """Of each the latest registration mail; none where there is none."""
    visits = [register(store, location, email=f"zoe{number}@example.com") for number in range(3)]
    run_sql(store, "UPDATE outbox SET state = 'failed' WHERE visit_id = 1")
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at WHERE visit_id = 2")
    queue(store, Template.VISITOR_REGISTERED, visits[0])
    queue(store, Template.VISITOR_UPDATED, visits[1])
    run_sql(store, "DELETE FROM outbox WHERE visit_id = 3")
    with store.read() as work:
        assert mail_states(work, [1, 2, 3]) == {
            1: MailState.QUEUED,
            2: MailState.SENT,
            3: MailState.NONE,
        }
    assert look_up(store, visits[1]).mail is MailState.SENT


def test_the_state_of_more_visits_than_a_question_may_name(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """They are asked for in groups."""
    visit = register(sqlite_store, sqlite_location)
    with sqlite_store.read() as work:
        states = mail_states(work, range(1, 40_000))
    assert states.pop(visit.id) is MailState.QUEUED
    assert set(states.values()) == {MailState.NONE}


def test_the_list_of_one_location(store: Store, location: Location) -> None:
    """The newest first, by state, so many; those of other locations are not there."""
    annex = add_location(store, "Annex")
    register(store, annex)
    first = register(store, location, email="a@example.com")
    second = register(store, location, email="b@example.com")
    run_sql(store, "UPDATE outbox SET state = 'failed' WHERE visit_id = :id", id=first.id)
    with store.read() as work:
        assert [m.visit_id for m in list_mail(work, location)] == [second.id, first.id]
        assert [m.visit_id for m in list_mail(work, location, limit=1)] == [second.id]
        assert [m.visit_id for m in list_mail(work, location, MailState.FAILED)] == [first.id]
        assert list_mail(work, location, MailState.SENT) == []


@pytest.mark.parametrize("host", ["Ana Reyes", "ANA REYES", "Ana@Example.com"])
def test_the_host_of_an_arrival(store: Store, location: Location, host: str) -> None:
    """The member with that name or e-mail."""
    with store.write() as work:
        add_member(work, location, ANA, send_pin=False)
    visit = register(store, location, host=host)
    assert queue(store, Template.VISITOR_ARRIVED, visit)
    assert mails(store, location)[1].to == Mailbox(name="Ana Reyes", address="ana@example.com")


@pytest.mark.parametrize(
    ("member", "host"),
    [
        ({"first_name": "Zoë", "last_name": "Özgür"}, "ZOË ÖZGÜR"),
        ({"first_name": "", "last_name": "Sukarno"}, "sukarno"),
        ({"last_name": "O’Brien"}, "ana o'brien"),
        ({"email": "ana@bücher.example.com"}, "Ana@xn--bcher-kva.example.com"),
    ],
)
def test_a_host_is_found_on_every_database(
    store: Store, location: Location, member: dict[str, str], host: str
) -> None:
    """In upper or lower case of any script, and by either spelling of a domain."""
    with store.write() as work:
        add_member(work, location, ANA | member, send_pin=False)
    assert queue(store, Template.VISITOR_ARRIVED, register(store, location, host=host))


def test_a_host_who_is_no_member(store: Store, location: Location) -> None:
    """Nobody is written to: nothing is queued."""
    for email, host in (("a@example.com", "Ana Reyes"), ("b@example.com", "")):
        visit = register(store, location, email=email, host=host)
        assert queue(store, Template.VISITOR_ARRIVED, visit) is None
    assert len(mails(store, location)) == 2


def test_one_name_of_two_members(store: Store, location: Location) -> None:
    """Neither is told of a visitor that may be the other one's."""
    with store.write() as work:
        add_member(work, location, ANA, send_pin=False)
        add_member(work, location, ANA | {"email": "ana.r@example.com"}, send_pin=False)
    assert (
        queue(store, Template.VISITOR_ARRIVED, register(store, location, host="Ana Reyes")) is None
    )


def test_members_elsewhere_and_former_ones_are_no_hosts(store: Store, location: Location) -> None:
    """Only those who work here, now."""
    annex = add_location(store, "Annex")
    with store.write() as work:
        add_member(work, annex, ANA, send_pin=False)
        remove_member(work, add_member(work, location, ANA, send_pin=False).id)
    assert (
        queue(store, Template.VISITOR_ARRIVED, register(store, location, host="Ana Reyes")) is None
    )


def test_a_mail_to_a_member(store: Store, location: Location) -> None:
    """Listed with the member's location, and without anybody once the member has gone."""
    with store.write() as work:
        member = add_member(work, location, ANA, send_pin=False)
        queue_mail(work, Template.MEMBER_PIN, member_id=member.id)
    (mail,) = mails(store, location)
    assert (mail.member_id, mail.visit_id) == (member.id, None)
    assert mail.to == Mailbox(name="Ana Reyes", address="ana@example.com")
    with store.write() as work:
        work.session.get_one(MemberRow, member.id).removed_at = work.now
    assert mails(store, location)[0].to is None


def test_mail_that_has_not_gone_out(store: Store, location: Location, clock: Clock) -> None:
    """Tried in vain or failed; not what waits, was sent again, or is about a visit that is over."""
    tried, failed, waits = (register(store, location, email=f"{n}@example.com") for n in "abc")
    elsewhere = register(store, add_location(store, "Annex"), email="d@example.com")
    for visit, state in ((tried, "queued"), (failed, "failed"), (elsewhere, "failed")):
        change = "UPDATE outbox SET state = :state, attempts = 1 WHERE visit_id = :visit"
        run_sql(store, change, state=state, visit=visit.id)

    def undelivered() -> list[int | None]:
        with store.read() as work:
            return [mail.visit_id for mail in list_undelivered(work, location)]

    assert undelivered() == [failed.id, tried.id]
    assert waits.id not in undelivered()
    with store.write() as work:
        queue_mail(work, Template.VISITOR_REGISTERED, visit_id=failed.id)
    assert undelivered() == [tried.id]
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at WHERE attempts = 1")
    delete(store, tried)
    assert undelivered() == []
    run_sql(store, "UPDATE outbox SET state = 'failed' WHERE template = 'visitor-cancelled'")
    assert undelivered() == [tried.id]  # who does not know it will come
    clock.advance(days=2)
    assert undelivered() == []
