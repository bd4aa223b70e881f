"""A member's pass, as the phone has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.reception.passes import issue_pass, link_of, open_pass

if TYPE_CHECKING:
    from nexio.reception.members import Member
    from nexio.reception.passes import Pass
    from nexio.store.engine import Store


def mailed(store: Store, member: Member) -> str:
    """The link that is mailed to a member, after the address of the pages."""
    with store.write() as work:
        issue_pass(work, member.id)
    with store.read() as work:
        link = link_of(work, member.id)
    assert link is not None
    return link


def opened(store: Store, link: str, browser: str = "phone") -> Pass | None:
    """What a browser has that opens a link."""
    path, _, secret = link.partition("#")
    with store.write() as work:
        return open_pass(work, int(path.removeprefix("pass/")), secret, browser)


def given(store: Store, member: Member) -> Pass:
    """The pass of a member who has just got one."""
    found = opened(store, mailed(store, member))
    assert found is not None
    return found
