"""Renders a mail from a row of the outbox, at the moment when it is sent."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from nexio.errors import InvalidValue, Refused, RowDamaged, Unreachable
from nexio.input.names import full_name
from nexio.input.pictures import Picture, read_picture
from nexio.languages import LANGUAGES, Language
from nexio.locations.locations import Location, location_of
from nexio.mail.calendar_entries import METHODS, Entry, Method, calendar_entry, edition_of
from nexio.mail.default_texts import default_text
from nexio.mail.layout import Look, Shown, html_page
from nexio.mail.placeholders import Values, fill_text
from nexio.mail.qr_pictures import qr_png, wifi_qr_png
from nexio.mail.texts import MailText, get_text
from nexio.mail.wording import has_wifi, moment, visit_values, visitor_values
from nexio.outbox.mailboxes import Mailbox, header_text
from nexio.outbox.outbox import ABOUT_DELETED, Template, recipient_of
from nexio.reception.members import PIN_PURPOSE as MEMBER_PIN_PURPOSE
from nexio.reception.passes import LINK_LASTS, link_of
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import Visit, visit_of
from nexio.store.engine import Reading
from nexio.store.tables import LocationRow, MemberRow, OutboxRow, VisitRow

_POLICY = SMTP.clone(cte_type="7bit")
"""Not every server accepts 8 bits (RFC 6152); for the others, 7 bits are no loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that can be sent."""

    to: Mailbox
    message: EmailMessage = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlay:
    """A picture that the HTML shows."""

    picture: Picture
    words: str = field(repr=False)
    """The text that is shown if pictures are off."""

    file_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The values for a text, and the attachments."""

    values: Values = field(repr=False)
    inlays: Mapping[str, Inlay] = field(default_factory=dict)
    """The pictures by placeholder."""

    calendar: str | None = None
    method: Method = Method.PUBLISH


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Which mail to render, and for whom."""

    row: OutboxRow
    to: Mailbox
    sender: Mailbox
    web_url: str | None
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The filled-in text of a mail."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def render(work: Reading, row: OutboxRow, sender: Mailbox, web_url: str | None = None) -> Letter:
    """Render a mail from the current state of the store.

    If it is sent twice after a crash, it has the same Message-ID both times.

    Args:
        work: the store.
        row: the mail.
        sender: who it is from.
        web_url: the address of the web pages, for a mail with a link.

    Raises:
        Refused: it should not be sent any more; the message says why in a few words.
        Unreachable: it has a link, and the address of the web pages is not configured.
    """
    template = Template(row.template)
    to = recipient_of(work, row)
    _refuse_pointless(work, row, to)
    if to is None:
        raise Refused("there is no receiver any more")
    location = location_of(_location_row(row))
    language = language_of(
        row.visit if template is not Template.VISITOR_ARRIVED else None, location
    )
    order = _Order(row=row, to=to, sender=sender, web_url=web_url, language=language)
    content = _content(work, order)
    inlays = with_logo(content.inlays, location)
    message_id = f"{row.message_id}@{sender.domain}"
    shown = {
        name: Shown(source=f"cid:{name}.{message_id}", words=each.words)
        for name, each in inlays.items()
    }
    words = fill(
        template,
        get_text(work, location.id, template, language),
        content.values,
        shown,
        language,
    )
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender.header
    message["To"] = to.header
    if location.settings.reply_to is not None:
        message["Reply-To"] = Mailbox(name="", address=location.settings.reply_to).header
    message["Subject"] = words.subject
    message["Date"] = format_datetime(work.now)
    message["Message-ID"] = f"<{message_id}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents vacation replies
    message.set_content(words.text)
    message.add_alternative(words.html, subtype="html")
    _add_inlays(message, inlays, message_id)
    if content.calendar is not None:
        message.add_attachment(
            content.calendar,
            subtype="calendar",
            filename="visit.ics",
            params={"method": content.method.value},
        )
    message["Content-Language"] = language.code  # last, or it ends up with a part of the mail
    return Letter(to=to, message=message)


def fill(
    template: Template,
    text: MailText,
    values: Values,
    shown: Mapping[str, Shown],
    language: Language,
) -> Words:
    """Fill in a text, as plain text and as HTML.

    Args:
        template: its default subject is used if the text's own subject is empty when filled in.
        text: with placeholders.
        values: the values of the placeholders.
        shown: the pictures of the HTML by placeholder, and the ``logo``.
        language: of the text.
    """
    subject = header_text(fill_text(text.subject, values)) or header_text(
        fill_text(default_text(template, language)[0], values)
    )
    pictures = {name: each for name, each in shown.items() if name != LOGO}
    look = Look(subject=subject, language=language, pictures=pictures, logo=shown.get(LOGO))
    return Words(
        subject=subject,
        text=fill_text(text.body, values),
        html=html_page(text.body, values, look),
    )


LOGO = "logo"
"""The key of the logo, which is not a placeholder: it is on top of the mail."""


def language_of(visit: VisitRow | None, location: Location) -> Language:
    """The language of a mail: the visitor's, else that of the location."""
    code = None if visit is None else visit.language
    return LANGUAGES[code or location.settings.language]


def with_logo(inlays: Mapping[str, Inlay], location: Location) -> Mapping[str, Inlay]:
    """The pictures of a mail, with the location's logo; a missing logo does not stop a mail."""
    path = location.settings.logo
    if path is None:
        return inlays
    try:
        picture = read_picture(Path(path))
    except InvalidValue:
        return inlays
    logo = Inlay(picture=picture, words=location.name, file_name=f"logo.{picture.kind}")
    return {LOGO: logo, **inlays}


def qr_inlays(visit: Visit, qr: str | None, language: Language) -> dict[str, Inlay]:
    """The QR codes of a visit: for the tablet, and for the Wi-Fi if there is any."""
    settings = visit.location.settings
    inlays = {}
    if qr is not None:
        inlays["qrcode"] = _qr_inlay(
            qr_png(qr), language.say("QR code: %(text)s", text=qr), "check-in"
        )
    if settings.wifi_code and settings.ssid and has_wifi(visit):
        alt_text = language.say("QR code of the Wi-Fi %(name)s", name=settings.ssid)
        inlays["wifiqrcode"] = _qr_inlay(wifi_qr_png(settings.ssid), alt_text, "wi-fi")
    return inlays


def embedded(inlays: Mapping[str, Inlay]) -> dict[str, Shown]:
    """The pictures as data URLs, for a page that needs no other files."""
    shown = {}
    for name, each in inlays.items():
        octets = base64.b64encode(each.picture.octets).decode()
        source = f"data:image/{each.picture.kind};base64,{octets}"
        shown[name] = Shown(source=source, words=each.words)
    return shown


def _qr_inlay(octets: bytes, words: str, name: str) -> Inlay:
    picture = Picture(kind="png", octets=octets)
    return Inlay(picture=picture, words=words, file_name=f"{name}-code.png")


def _refuse_pointless(work: Reading, row: OutboxRow, to: Mailbox | None) -> None:
    if row.visit is not None and row.template != Template.VISITOR_ARRIVED:
        if row.visit.deleted_at is not None and row.template not in ABOUT_DELETED:
            raise Refused("the visit was deleted")
        if row.visit.closes_at <= work.now:
            raise Refused("the visit is over")
    if row.member is not None and to is None:
        raise Refused("the member was removed")


def _location_row(row: OutboxRow) -> LocationRow:
    about = row.visit or row.member
    if about is None:
        raise Refused("what it was about is gone")
    return about.location


def _content(work: Reading, order: _Order) -> Content:
    row = order.row
    if row.member is not None and row.template == Template.MEMBER_PASS:
        return _pass_content(work, row.member, order.web_url)
    if row.member is not None:
        return _member_content(work, row.member)
    if row.visit is None:
        raise Refused("what it was about is gone")
    visit = visit_of(work, row.visit)
    if row.template == Template.VISITOR_ARRIVED:
        return Content(values=_arrival_values(visit, order))
    return _visitor_content(work, row.visit, visit, order)


def _visitor_content(work: Reading, row: VisitRow, visit: Visit, order: _Order) -> Content:
    language, method = order.language, METHODS[order.row.template]
    entry = Entry(
        visit=visit,
        ends_at=row.ends_at,
        sender=order.sender,
        edition=edition_of(work, order.row, order.sender),
        method=method,
        language=language,
    )
    calendar = calendar_entry(entry, work.now)
    if method is Method.CANCEL:
        return Content(values=visit_values(visit, language), calendar=calendar, method=method)
    if not visit.pin:
        raise RowDamaged("the PIN cannot be opened", "Find out with: nexio db check")
    qr = qr_text(work, visit) if visit.location.settings.check_in_code else None
    duration = None if row.token is None else row.token.duration
    return Content(
        values=visitor_values(visit, duration, qr, language),
        inlays=qr_inlays(visit, qr, language),
        calendar=calendar,
        method=method,
    )


def _arrival_values(visit: Visit, order: _Order) -> Values:
    arrived, zone = order.row.created_at, visit.location.zone
    return {
        **visit_values(visit, order.language),
        "hostname": order.to.name,
        "visitdate": order.language.full_day(arrived, zone),
        "arrivedat": moment(arrived, zone, order.language),
    }


def _member_content(work: Reading, member: MemberRow) -> Content:
    pin = work.keyring.unseal(member.pin_sealed, MEMBER_PIN_PURPOSE)
    return Content(
        values={
            "membername": full_name(member.first_name, member.last_name),
            "membercode": pin,
            "location": location_of(member.location).name,
        },
    )


def _pass_content(work: Reading, member: MemberRow, web_url: str | None) -> Content:
    link = link_of(work, member.id)
    if link is None:
        raise Refused("its link has no use any more: the pass was opened, revoked or too old")
    if web_url is None:  # once it is set, the mail goes out
        raise Unreachable("NEXIO_WEB_URL is not set where mail is sent")
    return Content(
        values={
            "membername": full_name(member.first_name, member.last_name),
            "passlink": f"{web_url}{link}",
            "linkdays": str(LINK_LASTS.days),
            "location": location_of(member.location).name,
        },
    )


def _add_inlays(message: EmailMessage, inlays: Mapping[str, Inlay], message_id: str) -> None:
    """Add the pictures that the HTML refers to."""
    _, html = message.iter_parts()
    for name, each in inlays.items():
        html.add_related(
            each.picture.octets,
            maintype="image",
            subtype=each.picture.kind,
            cid=f"<{name}.{message_id}>",
            filename=each.file_name,
            disposition="inline",
        )
