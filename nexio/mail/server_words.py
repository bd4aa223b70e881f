"""What may be kept of the words of a mail server.

A server sees the whole mail and may quote it.  So what it says is kept without any word that
has a digit in it, in whatever script: no PIN can be read from the rest.
"""

from __future__ import annotations

import base64
import unicodedata
from typing import TYPE_CHECKING

from nexio.outbox.mailboxes import one_line

if TYPE_CHECKING:
    from nexio.mail.server import MailServer

LONGEST_TEXT = 100
"""Characters."""

LONGEST_WORD = 30
"""Characters; what is longer may be a piece of the mail, encoded."""


def reply(server: MailServer, code: int, text: str) -> str:
    """A reply with its code: "550 no such user"."""
    words = may_be_kept(server, text)
    return f"{code} {words}".strip() if code > 0 else words  # the library's own have -1


def may_be_kept(server: MailServer, text: str) -> str:
    """A server's words in one short line, without numbers and without our password."""
    for secret in _secrets(server):
        text = text.replace(secret, "******")
    words = [word for word in one_line(text).split() if _is_harmless(word)]
    return " ".join(words)[:LONGEST_TEXT]


def _secrets(server: MailServer) -> list[str]:
    if server.user is None or server.password is None:
        return []
    as_sent = (f"\0{server.user}\0{server.password}", server.password)
    return [*(base64.b64encode(each.encode()).decode() for each in as_sent), server.password]


def _is_harmless(word: str) -> bool:
    has_number = any(unicodedata.numeric(each, None) is not None for each in word)
    return len(word) <= LONGEST_WORD and not has_number
