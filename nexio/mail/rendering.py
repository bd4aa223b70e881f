"""Making a mail of a row of the outbox, at the moment when it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from importlib import resources
from io import BytesIO

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pure import PyPNGImage

from nexio.errors import Refused, RowDamaged, Unreachable
from nexio.input.names import full_name
from nexio.locations.locations import location_of
from nexio.mail.calendar_entries import METHOD, calendar_entry, edition_of
from nexio.mail.placeholders import Values, fill_html, fill_text
from nexio.mail.wording import moment, visitor_values
from nexio.outbox.mailboxes import Mailbox, header_text
from nexio.outbox.outbox import Template, recipient_of
from nexio.reception.members import PIN_PURPOSE as MEMBER_PIN_PURPOSE
from nexio.reception.passes import LINK_LASTS, link_of
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import visit_of
from nexio.store.engine import Reading
from nexio.store.tables import MemberRow, OutboxRow, VisitRow

_POLICY = SMTP.clone(cte_type="7bit")
"""Not every server takes 8 bits (RFC 6152); those that do lose nothing."""

QR_PIXELS = 6
"""Of one module: some 200 pixels for our codes, which a camera reads off a small phone."""

QR_QUIET_ZONE = 4
"""Modules of white around the code (ISO/IEC 18004 section 6.3.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that can be sent."""

    to: Mailbox
    message: EmailMessage = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What fills a template, and what is attached."""

    values: Values = field(repr=False)
    qr: str | None = field(default=None, repr=False)
    calendar: str | None = None


def render(work: Reading, row: OutboxRow, sender: Mailbox, web_url: str | None = None) -> Letter:
    """Make a mail by what is true now.

    Sent twice after a crash, it has the same Message-ID both times.

    Args:
        work: the store.
        row: which mail.
        sender: who it is from.
        web_url: where the pages are, for a mail that has a link.

    Raises:
        Refused: it should not be sent any more; the message says why in a few words.
        Unreachable: it has a link, and nobody has said where the pages are.
    """
    template = Template(row.template)
    to = recipient_of(work, row)
    _refuse_pointless(work, row, to)
    if to is None:
        raise Refused("there is no receiver any more")
    content = _content(work, row, sender, to, web_url)
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender.header
    message["To"] = to.header
    message["Subject"] = header_text(fill_text(_part(template, "subject.txt"), content.values))
    message["Date"] = format_datetime(work.now)
    message["Message-ID"] = f"<{row.message_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation note in return
    message.set_content(fill_text(_part(template, "txt"), content.values))
    _add_html(message, _part(template, "html"), content)
    if content.calendar is not None:
        message.add_attachment(
            content.calendar,
            subtype="calendar",
            filename="visit.ics",
            params={"method": METHOD},
        )
    return Letter(to=to, message=message)


def _refuse_pointless(work: Reading, row: OutboxRow, to: Mailbox | None) -> None:
    if row.visit is not None and row.template != Template.VISITOR_ARRIVED:
        if row.visit.deleted_at is not None:
            raise Refused("the visit was deleted")
        if row.visit.closes_at <= work.now:
            raise Refused("the visit is over")
    if row.member is not None and to is None:
        raise Refused("the member was removed")


def _content(
    work: Reading, row: OutboxRow, sender: Mailbox, to: Mailbox, web_url: str | None
) -> _Content:
    if row.member is not None and row.template == Template.MEMBER_PASS:
        return _pass_content(work, row.member, web_url)
    if row.member is not None:
        return _member_content(work, row.member)
    if row.visit is None:
        raise Refused("what it was about is gone")
    if row.template == Template.VISITOR_ARRIVED:
        return _Content(values=_arrival_values(row, row.visit, to))
    return _visitor_content(work, row, row.visit, sender)


def _visitor_content(
    work: Reading, row: OutboxRow, visit_row: VisitRow, sender: Mailbox
) -> _Content:
    visit = visit_of(work, visit_row)
    if not visit.pin:
        raise RowDamaged("the PIN cannot be opened", "Find out with: nexio db check")
    qr = qr_text(work, visit)
    duration = None if visit_row.token is None else visit_row.token.duration
    return _Content(
        values=visitor_values(visit, duration, qr),
        qr=qr,
        calendar=calendar_entry(visit, sender, edition_of(work, row, sender), work.now),
    )


def _arrival_values(row: OutboxRow, visit: VisitRow, to: Mailbox) -> Values:
    location = location_of(visit.location)
    return {
        "visitorname": full_name(visit.first_name, visit.last_name),
        "hostname": to.name,
        "location": location.name,
        "expectedarrival": moment(visit.expected_arrival, location.zone),
        "arrivedat": moment(row.created_at, location.zone),
    }


def _member_content(work: Reading, member: MemberRow) -> _Content:
    pin = work.keyring.unseal(member.pin_sealed, MEMBER_PIN_PURPOSE)
    return _Content(
        values={
            "membername": full_name(member.first_name, member.last_name),
            "membercode": pin,
            "location": location_of(member.location).name,
        },
    )


def _pass_content(work: Reading, member: MemberRow, web_url: str | None) -> _Content:
    link = link_of(work, member.id)
    if link is None:
        raise Refused("its link has no use any more: the pass was opened, revoked or too old")
    if web_url is None:  # set it, and the mail goes out
        raise Unreachable("NEXIO_WEB_URL is not set where mail is sent")
    return _Content(
        values={
            "membername": full_name(member.first_name, member.last_name),
            "passlink": f"{web_url}{link}",
            "linkdays": str(LINK_LASTS.days),
            "location": location_of(member.location).name,
        },
    )


def _add_html(message: EmailMessage, text: str, content: _Content) -> None:
    """The same in HTML, with the QR code inside and its text where pictures are off."""
    cid = f"qr.{message['Message-ID'].strip('<>')}"
    picture = f'<img src="cid:{cid}" alt="QR code: {content.qr}">'
    message.add_alternative(
        fill_html(text, content.values, {"qrcode": picture} if content.qr else {}), subtype="html"
    )
    if content.qr is not None:
        _, html = message.iter_parts()
        html.add_related(
            qr_png(content.qr),
            maintype="image",
            subtype="png",
            cid=f"<{cid}>",
            filename="qr-code.png",
            disposition="inline",
        )


def qr_png(text: str) -> bytes:
    """A QR code as a PNG, black on white whatever the colours of the mail program."""
    code = QRCode(
        error_correction=ERROR_CORRECT_M,
        box_size=QR_PIXELS,
        border=QR_QUIET_ZONE,
        image_factory=PyPNGImage,
    )
    code.add_data(text)
    picture = BytesIO()
    code.make_image().save(picture)
    return picture.getvalue()


def _part(template: Template, ending: str) -> str:
    """The text of a template, from the package."""
    file = resources.files("nexio.mail").joinpath("templates", f"{template.value}.{ending}")
    return file.read_text("utf-8")
