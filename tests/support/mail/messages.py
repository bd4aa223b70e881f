"""A small mail, its sender and its receiver."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from nexio.outbox.mailboxes import Mailbox

FROM, TO = "desk@example.com", "zoe@example.com"


def mail(to: str = TO) -> EmailMessage:
    """A small mail, with a line that SMTP must escape."""
    message = EmailMessage(policy=SMTP)
    message["To"] = Mailbox(name="Zoë", address=to).header
    message.set_content("Hello\n.\nbye\n")
    return message
