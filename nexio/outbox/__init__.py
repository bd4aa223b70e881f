"""Mail that waits to be sent: one row for each mail, written with the change that causes it.

Rows name a visit or a member and a template, never a text.  It may import ``nexio.locations`` and
what is below it; ``nexio.mail`` sends what is here.  Read ``outbox.py`` first.
"""
