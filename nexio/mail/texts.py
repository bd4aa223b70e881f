"""The texts of mails: a location's own in a language, else those of the package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from nexio.errors import InvalidValue
from nexio.languages import Language
from nexio.locations.locations import Location
from nexio.mail.default_texts import KNOWN, default_text
from nexio.mail.placeholders import PLACEHOLDER
from nexio.outbox.outbox import Template
from nexio.store import audit
from nexio.store.engine import Reading, Writing
from nexio.store.tables import MailTextRow

NAMES: Final = {
    "registered": Template.VISITOR_REGISTERED,
    "moved": Template.VISITOR_UPDATED,
    "extended": Template.VISITOR_EXTENDED,
    "cancelled": Template.VISITOR_CANCELLED,
    "arrived": Template.VISITOR_ARRIVED,
}
"""The names of the mails whose text people can change."""

SUBJECT: Final = "Subject:"
LONGEST: Final = 20_000
"""Characters of a text."""

LONGEST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MailText:
    """The text of a mail, with placeholders."""

    subject: str
    body: str
    is_own: bool = False
    """Whether it is the location's own text."""

    @property
    def source(self) -> str:
        """The text as people edit it: the subject in the first line, then the body."""
        return f"{SUBJECT} {self.subject}\n\n{self.body}"


def get_text(work: Reading, location_id: int, template: Template, language: Language) -> MailText:
    """The text of a mail at a location in a language."""
    row = work.session.get(MailTextRow, (location_id, template.value, language.code))
    if row is not None:
        return parse_source(template, row.text)
    subject, body = default_text(template, language)
    return MailText(subject=subject, body=body)


def list_own(work: Reading, location: Location) -> dict[tuple[Template, str], datetime]:
    """The location's own texts, by template and language, and when they were changed."""
    rows = work.session.scalars(select(MailTextRow).where(MailTextRow.location_id == location.id))
    return {(Template(row.template), row.language): row.changed_at for row in rows}


def save_text(
    work: Writing, location: Location, template: Template, language: Language, text: MailText
) -> None:
    """Set a location's own text; mails that already wait use it, too."""
    key = {"location_id": location.id, "template": template.value, "language": language.code}
    work.session.merge(MailTextRow(**key, text=text.source, changed_at=work.now))
    _record(work, location, "edit", template, language)


def reset_text(work: Writing, location: Location, template: Template, language: Language) -> bool:
    """Return to the default text; False if it is used already."""
    row = work.session.get(MailTextRow, (location.id, template.value, language.code))
    if row is None:
        return False
    work.session.delete(row)
    _record(work, location, "reset", template, language)
    return True


def parse_source(template: Template, source: str) -> MailText:
    """Read a text as people edit it.

    Raises:
        InvalidValue: it has no subject or no body, is too long, or has an unknown placeholder.
    """
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").strip().split("\n")
    head, rest = lines[0], "\n".join(lines[1:]).strip()
    if not head.lower().startswith(SUBJECT.lower()):
        raise InvalidValue(
            "the text has no subject", f"Write it into the first line: {SUBJECT} Your visit"
        )
    subject = head[len(SUBJECT) :].strip()
    if not subject or not rest:
        raise InvalidValue(
            f"the {'text below the subject' if subject else 'subject'} is empty",
            "To have the text of the package again: nexio mail template reset",
        )
    if len(source) > LONGEST or len(subject) > LONGEST_SUBJECT:
        raise InvalidValue(
            "the text is too long",
            f"It may have {LONGEST} characters, and its subject {LONGEST_SUBJECT}.",
        )
    _refuse_control_characters(source)
    if "{visitorcode}" in subject:
        raise InvalidValue(
            "the subject would show the PIN",
            "Mail servers and locked telephones show subjects: write it into the text below.",
        )
    _refuse_unknown(template, source)
    _refuse_stray_braces(source)
    return MailText(subject=subject, body=rest + "\n", is_own=True)


def _refuse_control_characters(source: str) -> None:
    bad = next((each for each in source if not each.isprintable() and each not in "\r\n\t"), None)
    # Joiners, special blanks and the byte order mark are allowed: readers do not notice them.
    if bad is not None and bad not in "\ufeff\u200c\u200d\u00a0\u202f\u3000":
        code = f"U+{ord(bad):04X}"
        raise InvalidValue(f"the text has the control character {code}", "Take it out.")


def _refuse_unknown(template: Template, source: str) -> None:
    known = KNOWN[template]
    unknown = [name for name in dict.fromkeys(PLACEHOLDER.findall(source)) if name not in known]
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in unknown)
        raise InvalidValue(
            f"nothing is known of {names} in this mail",
            f"There is {', '.join(f'{{{name}}}' for name in known)}.",
        )


def _refuse_stray_braces(source: str) -> None:
    """Refuse braces outside placeholders: a guest would read what was meant for nexio."""
    stray = re.search(r"\S*[{}]\S*", PLACEHOLDER.sub("", source))
    if stray is not None:
        raise InvalidValue(
            f"a brace belongs to no placeholder: {stray[0][:40]}",
            "Write a placeholder as {visitorname}, without blanks.",
        )


def _record(
    work: Writing, location: Location, what: str, template: Template, language: Language
) -> None:
    details = {"template": template.value, "language": language.code}
    audit.record(work, f"{what} mail text", "location", location.id, details)
