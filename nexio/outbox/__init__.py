"""Mail that waits to be sent: one row for each mail, written with the change that causes it.

Rows refer to a visit or a member and a template; they have no text.  It may import
``nexio.locations`` and what is below it; ``nexio.mail`` sends the mail.  Read ``outbox.py`` first.
"""
