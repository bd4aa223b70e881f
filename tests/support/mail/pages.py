"""Mails as a mail program shows them: in a browser, with their pictures inside."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.support.mail.outgoing import text_of

if TYPE_CHECKING:
    from email.message import EmailMessage


def shown(message: EmailMessage) -> str:
    """The HTML of a mail; what it names by Content-ID stands in it."""
    page = text_of(message, "html")
    for part in message.walk():
        if part.get_content_maintype() == "image":
            octets = base64.b64encode(part.get_content()).decode()
            cid = str(part["Content-ID"]).strip("<>")
            page = page.replace(f"cid:{cid}", f"data:{part.get_content_type()};base64,{octets}")
    return page
