"""Previews of mails, with example people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from nexio.input.zones import day_start, local_date
from nexio.languages import Language
from nexio.locations.locations import Location
from nexio.mail.rendering import Words, embedded, fill, qr_inlays, with_logo
from nexio.mail.texts import MailText
from nexio.mail.wording import moment, visitor_values
from nexio.outbox.outbox import MailState, Template
from nexio.reception.tokens import Token, TokenState, new_token
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Reading

PIN: Final = "0123456789"
QR: Final = "NEXIO1:0:EXAMPLEEXAMPLEEXAMPLEEXA"
"""As long as a real one, but without a valid signature."""


def preview(
    work: Reading, location: Location, template: Template, language: Language, text: MailText
) -> Words:
    """Fill in a text for a visitor tomorrow at nine, with the settings of the location.

    The pictures are embedded in the HTML, which needs no other files.
    """
    visit = _example(work, location)
    qr = QR if location.settings.check_in_code else None
    duration = None if visit.token is None else location.settings.token_duration
    inlays = with_logo(qr_inlays(visit, qr, language), location)
    values = {
        **visitor_values(visit, duration, qr, language),
        "arrivedat": moment(visit.expected_arrival, location.zone, language),
    }
    return fill(template, text, values, embedded(inlays), language)


def _example(work: Reading, location: Location) -> Visit:
    tomorrow = local_date(work.now, location.zone) + timedelta(days=1)
    arrival = day_start(tomorrow, location.zone) + timedelta(hours=9)
    return Visit(
        id=0,
        first_name="Ada",
        last_name="Example",
        email="ada@example.com",
        host="Grace Example",
        company=None,
        phone=None,
        notes=None,
        location=location,
        source="admin",
        expected_arrival=arrival,
        pin=PIN[: location.settings.pin_length],
        state=VisitState.EXPECTED,
        token=_example_token(location, arrival) if location.settings.visitor_tokens else None,
        mail=MailState.NONE,
        replaces=None,
        login="ada@example.com",
        group=None,
        token_duration=None,
        max_devices=None,
        registered_at=work.now,
        registered_by=None,
        check_ins=(),
        language=None,
    )


def _example_token(location: Location, arrival: datetime) -> Token:
    new = new_token(location, arrival, None, None)
    return Token(
        id=0,
        valid_from=new.valid_from,
        valid_until=new.valid_until,
        state=TokenState.UPCOMING,
        max_devices=new.max_devices,
    )
