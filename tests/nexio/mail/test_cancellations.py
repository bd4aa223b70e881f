"""Whom the mail of a cancellation goes to: a visitor who has heard of the visit."""

import pytest

from nexio.locations.locations import Location
from nexio.outbox.outbox import MailState, Template
from nexio.reception.reissue import reissue
from nexio.reception.visits import delete_visit
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.mail.outgoing import mails, rendered
from tests.support.people import delete, register
from tests.support.stores import run_sql


def sent(store: Store) -> None:
    """All mail so far has gone out."""
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at")


def cancellations(store: Store, location: Location) -> list[tuple[int | None, bool]]:
    """About which visits there are any, and whether they stay here."""
    found = mails(store, location)
    return [(m.visit_id, m.void) for m in found if m.template is Template.VISITOR_CANCELLED]


def test_r13_who_was_told_of_a_visit_is_told_of_its_end(store: Store, location: Location) -> None:
    """The mail goes out although the visit is deleted; the registration's would not any more."""
    visit = register(store, location)
    sent(store)
    delete(store, visit)
    assert cancellations(store, location) == [(visit.id, False)]
    subject = str(rendered(store)["Subject"])
    assert subject == "Your visit to Harbour House on Friday, 20 November 2026 is cancelled"


@pytest.mark.parametrize("state", ["queued", "failed"])
def test_who_knows_nothing_is_told_nothing(store: Store, location: Location, state: str) -> None:
    """The mail of the registration has not gone out, and does not any more."""
    visit = register(store, location)
    run_sql(store, "UPDATE outbox SET state = :state", state=state)
    delete(store, visit)
    assert cancellations(store, location) == []
    assert [mail.void for mail in mails(store, location)] == [state == MailState.QUEUED]


def test_a_mail_that_is_on_its_way_counts(store: Store, location: Location, clock: Clock) -> None:
    """Somebody sends it at this moment."""
    visit = register(store, location)
    run_sql(store, "UPDATE outbox SET claimed_until = created_at")
    delete(store, visit)
    assert cancellations(store, location) == [(visit.id, False)]


def test_without_a_mail(store: Store, location: Location, clock: Clock) -> None:
    """Where nobody wants one, without an e-mail, and of a visit that is over."""
    quiet, over = register(store, location), register(store, location)
    sent(store)
    with store.write() as work:
        delete_visit(work, quiet.id, mail=False)
    clock.advance(days=2)
    delete(store, over)
    assert cancellations(store, location) == []


def test_r5_a_reissue_is_no_cancellation(store: Store, location: Location) -> None:
    """But the visit that it makes can be cancelled: the visitor knows of its original."""
    visit = register(store, location)
    sent(store)
    with store.write() as work:
        new = reissue(work, visit.id)
    assert cancellations(store, location) == []
    delete(store, new)
    assert cancellations(store, location) == [(new.id, False)]
