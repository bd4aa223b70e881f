"""The pass of a member: who may open its link, which codes are taken, and how often."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from nexio.checkin.taps import Direction, Method, list_taps
from nexio.errors import Refused, Rule
from nexio.outbox.outbox import MailState
from nexio.reception.members import remove_member
from nexio.reception.passes import LINK_LASTS, find_pass, link_of, revoke_pass, step_of
from nexio.store.engine import Store
from nexio.store.tables import PassCodeRow
from tests.support.mail.outgoing import deliver, mails, rendered, text_of
from tests.support.passes import given, mailed, opened
from tests.support.people import add_location
from tests.support.reception import add_member, use_qr

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.members import Member
    from nexio.reception.passes import Pass
    from tests.support.clocks import Clock
    from tests.support.mail_server import MailServer

LATER = {"minutes": 10}


@pytest.fixture
def member(store: Store, location: Location) -> Member:
    """Somebody who works at Harbour House."""
    return add_member(store, location)


@pytest.fixture
def found(store: Store, member: Member) -> Pass:
    """A pass that its phone has opened."""
    return given(store, member)


def shown(found: Pass, clock: Clock, *, steps: int = 0) -> str:
    """The code on the phone now, or some steps later."""
    return found.code(step_of(clock.now) + steps)


def refusal(store: Store, text: str, location: Location | None = None) -> Rule | None:
    """Why a code is refused."""
    with pytest.raises(Refused) as refused:
        use_qr(store, text, location)
    return refused.value.rule


def test_in_and_out(store: Store, location: Location, clock: Clock, found: Pass) -> None:
    """As with the PIN: the first use checks in, the second out."""
    came = use_qr(store, shown(found, clock), location)
    assert (came.kind, came.direction, came.method) == ("member", Direction.IN, Method.QR)
    clock.advance(**LATER)
    assert use_qr(store, shown(found, clock), location).direction is Direction.OUT
    clock.advance(**LATER)
    assert use_qr(store, shown(found, clock)).direction is Direction.IN  # a desk of any location


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_one_step_of_tolerance(
    store: Store, clock: Clock, found: Pass, steps: int, *, taken: bool
) -> None:
    """A phone's clock may be that much off, and no more."""
    code = shown(found, clock, steps=steps)
    if taken:
        assert use_qr(store, code).direction is Direction.IN
    else:
        assert refusal(store, code) is Rule.STALE


def test_a_screenshot(store: Store, clock: Clock, found: Pass) -> None:
    """It is worthless after a minute, whenever within its step it was taken."""
    for second in (0, 15, 29.9):
        clock.now = clock.now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        clock.advance(seconds=second)
        picture = shown(found, clock)
        clock.advance(seconds=61)
        assert refusal(store, picture) is Rule.STALE


def test_each_code_once(store: Store, location: Location, clock: Clock, found: Pass) -> None:
    """Held still it is one tap; after that it is used up, and the next one is not."""
    clock.now = clock.now.replace(second=0)
    code = shown(found, clock)
    use_qr(store, code)
    assert use_qr(store, code).repeated
    clock.advance(seconds=11)
    assert refusal(store, code) is Rule.USED
    assert refusal(store, shown(found, clock, steps=1)) is Rule.LEAVING
    assert use_qr(store, shown(found, clock, steps=1), way=Direction.OUT).direction == "out"
    with store.read() as work:
        assert len(list_taps(work, location, open_only=False)) == 2


def test_a_refused_code_is_not_used_up(store: Store, clock: Clock, found: Pass) -> None:
    """Whoever is asked "Leaving already?" answers with the code that they held."""
    use_qr(store, shown(found, clock))
    clock.advance(seconds=60)
    code = shown(found, clock)
    assert refusal(store, code) is Rule.LEAVING
    assert use_qr(store, code, way=Direction.OUT).direction is Direction.OUT


def test_two_servers_at_once(
    configuration: Configuration, location: Location, clock: Clock, found: Pass
) -> None:
    """One code at two doors is one tap, whatever database they share."""
    code, taps, start = shown(found, clock), [], threading.Barrier(2)

    def tap() -> None:
        with closing(Store.open(configuration, clock)) as own:
            start.wait()
            taps.append(use_qr(own, code, location))

    threads = [threading.Thread(target=tap) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(each.repeated for each in taps) == [False, True]
    assert {each.direction for each in taps} == {Direction.IN}


def test_used_codes_are_forgotten(store: Store, clock: Clock, found: Pass) -> None:
    """As soon as no tablet may deliver them any more."""
    for _ in range(5):
        use_qr(store, shown(found, clock))
        clock.advance(hours=14)
    with store.read() as work:
        assert work.session.scalar(select(func.count()).select_from(PassCodeRow)) == 1


def test_another_location(store: Store, clock: Clock, found: Pass) -> None:
    """A code is for one location, and is not used up at another one."""
    other = add_location(store, "Quay")
    assert refusal(store, shown(found, clock), other) is Rule.PASS_ELSEWHERE
    assert use_qr(store, shown(found, clock)).direction is Direction.IN


@pytest.mark.parametrize("text", ["NEXIO1:P1", "NEXIO1:P1:", "NEXIO1:P1:ABCDEFGHIJKLMNOPQRSTUVWX"])
def test_a_forged_code(store: Store, found: Pass, text: str) -> None:
    """It is like one that is too old."""
    assert found.id == 1
    assert refusal(store, text) is Rule.STALE


@pytest.mark.parametrize("text", ["NEXIO1:P", "NEXIO1:P7:A", "nexio1:pé:x", "NEXIO1:P9" + "9" * 30])
def test_a_pass_that_is_not_there(store: Store, found: Pass, text: str) -> None:
    """It is like one that was revoked."""
    assert found.id == 1
    assert refusal(store, text) is Rule.GONE


def test_a_code_in_small_letters(store: Store, clock: Clock, found: Pass) -> None:
    """A scanner may type so."""
    assert use_qr(store, f" {shown(found, clock).lower()}\r").direction is Direction.IN


def test_revoked(store: Store, clock: Clock, member: Member, found: Pass) -> None:
    """Refused at once; a second time there is nothing to take away."""
    with store.write() as work:
        assert revoke_pass(work, member.id)
        assert not revoke_pass(work, member.id)
    assert refusal(store, shown(found, clock)) is Rule.GONE
    with store.read() as work:
        assert find_pass(work, found.id, "phone") is None


def test_another_pass_replaces_the_first(store: Store, clock: Clock, member: Member) -> None:
    """A lost phone needs no more; also where the old pass was used a moment ago."""
    old = given(store, member)
    use_qr(store, shown(old, clock))
    clock.advance(**LATER)
    new = given(store, member)
    assert refusal(store, shown(old, clock)) is Rule.GONE
    assert use_qr(store, shown(new, clock)).direction is Direction.OUT


def test_a_member_who_was_removed(store: Store, clock: Clock, member: Member, found: Pass) -> None:
    """Has no pass any more."""
    with store.write() as work:
        remove_member(work, member.id)
    assert refusal(store, shown(found, clock)) is Rule.GONE


def test_the_first_browser_keeps_it(store: Store, member: Member) -> None:
    """A forwarded mail gives no second pass; the same browser may open the link again."""
    link = mailed(store, member)
    assert opened(store, link, "phone") is not None
    assert opened(store, link, "somebody else's") is None
    assert opened(store, link, "phone") is not None


def test_a_forged_link(store: Store, member: Member) -> None:
    """It binds nothing."""
    link = mailed(store, member)
    for forged in (link[:-1], link + "A", "pass/1#", "pass/1#é", "pass/2#" + link.split("#")[1]):
        assert opened(store, forged) is None
    assert opened(store, link) is not None


def test_a_link_that_nobody_opens(store: Store, clock: Clock, member: Member) -> None:
    """After a week it is worth nothing, and is not mailed any more."""
    link = mailed(store, member)
    clock.advance(days=LINK_LASTS.days)
    assert opened(store, link) is None
    with store.read() as work:
        assert link_of(work, member.id) is None
    with pytest.raises(Refused, match="link has no use"):
        rendered(store)


def test_the_mail(store: Store, member: Member) -> None:
    """It has the link, in the text and in HTML, and no PIN."""
    link = mailed(store, member)
    message = rendered(store)
    assert f"https://visit.example.com/{link}\n" in text_of(message)
    assert f'<a href="https://visit.example.com/{link}"' in text_of(message, "html")
    assert member.pin not in text_of(message)
    assert "within 7 days" in text_of(message)


def test_the_mail_waits_for_an_address(
    store: Store, location: Location, member: Member, mail_server: MailServer
) -> None:
    """A program that sends mail and does not know where the pages are leaves it to the next."""
    mailed(store, member)
    deliver(store, mail_server.url)
    (mail,) = mails(store, location)
    assert (mail.state, mail.answer) == (
        MailState.QUEUED,
        "NEXIO_WEB_URL is not set where mail is sent",
    )


def test_nothing_secret_is_shown(found: Pass) -> None:
    """Not where a pass is printed."""
    assert "secret" not in repr(found)
