"""A slip of paper for a visitor: PIN, QR code, network and window, as a page to print."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib import resources

from nexio.errors import Refused, RowDamaged
from nexio.mail.placeholders import fill_html
from nexio.mail.qr_pictures import qr_png
from nexio.mail.rendering import language_of
from nexio.mail.wording import visitor_values
from nexio.reception.qr_codes import qr_text
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Reading
from nexio.store.tables import VisitRow


def slip_page(work: Reading, visits: Sequence[Visit]) -> str:
    """A page of HTML that needs nothing else; each visitor gets a sheet of paper.

    Raises:
        Refused: a visit is deleted or over.
        RowDamaged: a PIN cannot be opened.
    """
    slips = "".join(_slip(work, visit) for visit in visits)
    return fill_html(_template("slips.html"), {}, {"slips": slips})


def _slip(work: Reading, visit: Visit) -> str:
    if visit.state in {VisitState.DELETED, VisitState.EXPIRED}:
        raise Refused(f"visit {visit.id} is {visit.state}", "Register the visitor again.")
    if not visit.pin:
        raise RowDamaged("the PIN cannot be opened", "Find out with: nexio db check")
    row = work.session.get_one(VisitRow, visit.id)
    qr = qr_text(work, visit)
    language = language_of(row, visit.location)
    values = visitor_values(visit, None if row.token is None else row.token.duration, qr, language)
    source = base64.b64encode(qr_png(qr)).decode()
    picture = f'<img src="data:image/png;base64,{source}" alt="{html.escape(qr)}">'
    return fill_html(_template("slip.html"), values, {"qrcode": picture})


def _template(name: str) -> str:
    return resources.files("nexio.mail").joinpath("templates", name).read_text("utf-8")
