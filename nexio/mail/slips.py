"""A slip of paper for a visitor: PIN, QR codes, network and window, as a page to print."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources

from nexio.errors import Refused, RowDamaged
from nexio.mail.default_texts import slip_text
from nexio.mail.layout import Look, html_blocks
from nexio.mail.placeholders import fill_html
from nexio.mail.rendering import embedded, language_of, qr_inlays
from nexio.mail.wording import visitor_values
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Reading
from nexio.store.tables import VisitRow


def slip_page(work: Reading, visits: Sequence[Visit]) -> str:
    """A page of HTML that needs no other files; each visitor gets a sheet of paper.

    Raises:
        Refused: a visit is deleted or over.
        RowDamaged: a PIN cannot be opened.
    """
    slips = "\n".join(_slip(work, visit) for visit in visits)
    page = resources.files("nexio.mail").joinpath("templates", "slips.html").read_text("utf-8")
    return fill_html(page, {}, {"slips": slips})


def _slip(work: Reading, visit: Visit) -> str:
    """One slip: the same text as the mail, in the language of the visitor."""
    if visit.state in {VisitState.DELETED, VisitState.EXPIRED}:
        raise Refused(f"visit {visit.id} is {visit.state}", "Register the visitor again.")
    if not visit.pin:
        raise RowDamaged("the PIN cannot be opened", "Find out with: nexio db check")
    row = work.session.get_one(VisitRow, visit.id)
    language, qr = language_of(row, visit.location), qr_text(work, visit)
    values = visitor_values(visit, None if row.token is None else row.token.duration, qr, language)
    pictures = embedded(qr_inlays(visit, qr, language))
    look = Look(subject=visit.name, language=language, pictures=pictures)
    content = html_blocks(slip_text(language), values, look)
    name = html.escape(visit.name)
    return f'<section lang="{language.code}">\n<h1>{name}</h1>\n{content}\n</section>'
