"""The pass of a member: a page on the phone, with a QR code that changes every 30 seconds (R21).

A mail has the link, which the first browser that opens it uses up: from then on a cookie binds the
pass to that browser, and a forwarded mail is useless.  The page holds a random secret of the pass
and makes the codes from it, even without a network.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from nexio.errors import Rule, UnknownCode
from nexio.input.scanners import bare, read_scan
from nexio.keys.purposes import PASS_SECRET
from nexio.locations.locations import location_of
from nexio.outbox.outbox import Template, queue_mail
from nexio.store import audit
from nexio.store.locking import find_locked
from nexio.store.signing import sign
from nexio.store.tables import MemberPassRow, PassCodeRow, parse_number

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Writing

HEAD: Final = "NEXIO1:P"
"""Prefix of a pass code; a visitor's code has the visit's number after the colon."""

STEP: Final = timedelta(seconds=30)
"""How long a page shows a code; it is also accepted one step earlier and later."""

CODE_OCTETS: Final = 15

USED_CODES_STORED_FOR: Final = timedelta(hours=13)
"""How long used codes are stored: longer than ``offline_taps.OLDEST``."""

LINK_LASTS: Final = timedelta(days=7)
"""A link that nobody has opened by then is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A pass with the data that its phone holds."""

    id: int
    member_id: int
    first_name: str
    """The last name if there is no first name."""

    location: Location
    secret: bytes = field(repr=False)

    @property
    def prefix(self) -> str:
        """The constant part at the beginning of its codes."""
        return f"{HEAD}{self.id}:"

    @property
    def subject(self) -> str:
        """The signed text of a code, without its step."""
        return f"{self.member_id}.{self.location.id}."

    def code(self, step: int) -> str:
        """The code of a step; the page computes the same (``static/pass.js``)."""
        mac = hmac.digest(self.secret, f"{self.subject}{step}".encode(), "sha256")
        return self.prefix + base64.b32encode(mac[:CODE_OCTETS]).decode()


def step_of(at: datetime) -> int:
    """The number of the step that contains an instant."""
    return int(at.timestamp() // STEP.total_seconds())


def issue_pass(work: Writing, member_id: int) -> None:
    """Give a member a pass and mail its link; an earlier pass becomes invalid."""
    work.session.execute(delete(MemberPassRow).where(MemberPassRow.member_id == member_id))
    row = MemberPassRow(
        member_id=member_id,
        secret_sealed=work.keyring.seal(secrets.token_urlsafe(32), PASS_SECRET),
        issued_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    queue_mail(work, Template.MEMBER_PASS, member_id=member_id)
    audit.record(work, "issue", "pass", row.id, {"member": member_id})


def revoke_pass(work: Writing, member_id: int) -> bool:
    """Revoke a member's pass; return whether there was one."""
    row = work.session.scalar(_of_member(member_id).with_for_update(of=MemberPassRow))
    if row is None:
        return False
    audit.record(work, "revoke", "pass", row.id, {"member": member_id})
    work.session.delete(row)
    return True


def link_of(work: Reading, member_id: int) -> str | None:
    """The path of the link in the mail; None if the link is useless.

    The secret part is after the ``#``: browsers never send that, so it is in no log and in no
    Referer.
    """
    row = work.session.scalar(_of_member(member_id))
    if row is None or row.browser_digest is not None or row.issued_at + LINK_LASTS <= work.now:
        return None
    return f"pass/{row.id}#{_link(work, row)}"


def is_link(work: Reading, number: int, link: str) -> bool:
    """Whether a text is the secret part of a pass's link, opened or not."""
    row = work.session.get(MemberPassRow, number)
    octets = link.encode(errors="replace")
    return row is not None and hmac.compare_digest(_link(work, row).encode(), octets)


def open_pass(work: Writing, number: int, link: str, browser: str) -> Pass | None:
    """Bind a pass to the browser that opens its link first.

    Args:
        work: the transaction.
        number: of the pass.
        link: the secret part of the link.
        browser: value of the browser's cookie; the same browser may open the link again.

    Returns:
        The pass; None if there is none with that link, or it belongs to another browser.
    """
    row = find_locked(work.session, MemberPassRow, number)
    if row is None or not is_link(work, number, link):
        return None
    if row.browser_digest is None and work.now < row.issued_at + LINK_LASTS:
        row.browser_digest = _digest(work, browser)
        work.session.flush()
        audit.record(work, "open", "pass", row.id, {"member": row.member_id})
    return find_pass(work, number, browser)


def find_pass(work: Reading, number: int, browser: str) -> Pass | None:
    """The pass of a browser; None if it belongs to another one, or was revoked."""
    row = work.session.get(MemberPassRow, number)
    if row is None or row.browser_digest is None:
        return None
    if not hmac.compare_digest(row.browser_digest, _digest(work, browser)):
        return None
    return _pass_of(work, row)


def is_pass(text: str) -> bool:
    """Whether a scanned text is the code of a pass."""
    return bare(text).upper().startswith(HEAD)


def owner(work: Reading, text: str) -> int:
    """The member whose pass a code names, without checking that it is genuine; 0 is nobody."""
    number = parse_number(read_scan(text).upper().removeprefix(HEAD).partition(":")[0])
    of_pass = select(MemberPassRow.member_id).where(MemberPassRow.id == number)
    return work.session.scalar(of_pass) or 0


def use_code(work: Writing, text: str) -> tuple[Pass, bool]:
    """Read a code off a phone, and use it up if the transaction is committed.

    Returns:
        The pass, and whether the code was used for the first time.

    Raises:
        InvalidValue: a keyboard layout has changed it.
        Refused: a revoked pass, or a code that is too old or not genuine.
    """
    scanned = read_scan(text).upper()
    number = parse_number(scanned.removeprefix(HEAD).partition(":")[0])
    row = None if number is None else find_locked(work.session, MemberPassRow, number)
    if row is None:
        raise UnknownCode(
            "this pass is not valid any more", "Mail another one: nexio member pass", rule=Rule.GONE
        )
    found, now = _pass_of(work, row), step_of(work.now)
    octets = scanned.encode(errors="surrogatepass")
    fitting = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(octets, found.code(step).encode())
    ]
    if not fitting:
        raise UnknownCode(
            "this code of a pass is too old, or not one",
            "The pass shows another one every 30 seconds: open its page, and scan that.",
            rule=Rule.STALE,
        )
    older = PassCodeRow.step < step_of(
        work.now - USED_CODES_STORED_FOR
    )  # a tablet may deliver one until then
    work.session.execute(delete(PassCodeRow).where(PassCodeRow.pass_id == row.id, older))
    if work.session.get(PassCodeRow, (row.id, fitting[0])) is not None:
        return found, False
    work.session.add(PassCodeRow(pass_id=row.id, step=fitting[0]))
    work.session.flush()
    return found, True


def _of_member(member_id: int) -> Select[MemberPassRow]:
    return select(MemberPassRow).where(MemberPassRow.member_id == member_id)


def _pass_of(work: Reading, row: MemberPassRow) -> Pass:
    return Pass(
        id=row.id,
        member_id=row.member_id,
        first_name=row.member.first_name or row.member.last_name,
        location=location_of(row.member.location),
        secret=_secret(work, row),
    )


def _secret(work: Reading, row: MemberPassRow) -> bytes:
    return work.keyring.unseal(row.secret_sealed, PASS_SECRET).encode()


def _link(work: Reading, row: MemberPassRow) -> str:
    """Derive the link's secret from that of the pass, one way: so only the latter is stored."""
    mac = hmac.digest(_secret(work, row), b"link", "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _digest(work: Reading, browser: str) -> bytes:
    return sign(work, f"pass browser {browser}")
